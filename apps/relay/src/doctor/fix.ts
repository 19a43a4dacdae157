/** `--fix`: runs the doctor's own statements, those that lose nothing and wait for nobody. */
import { operate } from '@diptych/kafka/operator-client';
import { OperatingError } from '@diptych/runtime/failure';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import type { Configuration } from '../configuration.ts';
import type { Finding, Remedy } from './finding.ts';

/** A statement that was run, and what came of it. */
export interface Ran {
  readonly check: string;
  readonly statement: string;
  /** Null when it was done. */
  readonly refused: string | null;
}

export interface FixOptions {
  readonly configuration: Configuration;
  readonly findings: readonly Finding[];
  /** Asked for each finding with its statements; null: nobody is asked, and what has a caution is left. */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
  readonly say: (line: string) => void;
}

type Runnable = Extract<Remedy, { tag: 'sql' | 'kafka' }>;

const requestTimeoutMs = 10_000;
const limitMs = 30_000;
/** A table that is rewritten takes its time. */
const statementTimeoutMs = 3_600_000;

/** Runs what was agreed to. Throws OperatingError only when the database cannot be reached at all. */
export async function fix(options: FixOptions): Promise<Ran[]> {
  const { configuration, findings, say } = options;
  const ran: Ran[] = [];
  const catalogue = await openCatalogue(configuration.database.url, { queryTimeoutMs: statementTimeoutMs });
  try {
    for (const finding of findings) {
      const runnable = finding.tag === 'ok' ? [] : runnableOf(finding.remedies);
      if (runnable.length === 0 || !(await isAgreed({ finding, runnable, options }))) continue;
      for (const remedy of runnable) {
        const refused = await attempt(remedy, { configuration, catalogue });
        ran.push({ check: finding.check, statement: remedy.statement, refused });
        say(refused === null ? `ran      ${remedy.statement}` : `refused  ${remedy.statement}: ${refused}`);
        if (refused !== null) break;
      }
    }
    return ran;
  } finally {
    await catalogue.close();
  }
}

/** Up to the first that a person has to do. */
function runnableOf(remedies: readonly Remedy[]): Runnable[] {
  const end = remedies.findIndex(({ tag }) => tag !== 'sql' && tag !== 'kafka');
  return remedies
    .slice(0, end === -1 ? undefined : end)
    .filter((remedy): remedy is Runnable => remedy.tag === 'sql' || remedy.tag === 'kafka');
}

async function isAgreed({
  finding,
  runnable,
  options: { confirm, say },
}: {
  readonly finding: Finding;
  readonly runnable: readonly Runnable[];
  readonly options: FixOptions;
}): Promise<boolean> {
  const cautions = runnable.flatMap(({ caution }) => caution ?? []);
  const statements = runnable.map(({ statement }) => statement).join('; ');
  if (!confirm) {
    if (cautions.length > 0) say(`left     ${statements}: ${cautions.join('; ')}`);
    return cautions.length === 0;
  }
  const careful = cautions.length > 0 ? ` Careful: ${cautions.join('; ')}.` : '';
  return await confirm(`${finding.check}: ${finding.message}.${careful}\nRun ${statements}?`);
}

async function attempt(
  remedy: Runnable,
  { configuration, catalogue }: { configuration: Configuration; catalogue: Catalogue },
): Promise<string | null> {
  try {
    if (remedy.tag === 'sql') await catalogue.query(remedy.statement);
    else {
      const { brokers } = configuration.kafka;
      const options = {
        brokers,
        clientId: 'diptych-doctor',
        requestTimeoutMs,
        limitMs,
        what: remedy.statement,
      };
      await operate(options, (client) => client.apply(remedy.change));
    }
    return null;
  } catch (error) {
    if (error instanceof OperatingError) return error.message;
    throw error;
  }
}
