/** All cases one after the other: those without options share a session, each other has one of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Say } from '@diptych/testkit/progress';
import { type Stack, startStack } from '@diptych/testkit/stack';
import { Watchdog } from '@diptych/testkit/watchdog';
import pg from 'pg';
import type { Case } from './case-file.ts';
import { Connect } from './connect.ts';
import { installConnect } from './connect-installation.ts';
import type { Servers } from './mode-sides.ts';
import { availableModes, unknownSettings } from './modes.ts';
import { brokenBy, type CaseOutcome, lacksExtension, runCase } from './run-case.ts';
import { Session } from './session.ts';

export interface CampaignOptions {
  readonly say: Say;
  readonly signal: AbortSignal;
  /** Servers that run already; left out: a stack of its own. */
  readonly stack?: Stack;
}

/** Starts what is missing, gives it to `work`, and ends what it started. */
export async function withServers<T>(
  { say, signal, stack: given }: CampaignOptions,
  work: (servers: Servers) => Promise<T>,
): Promise<T> {
  const watchdog = new Watchdog();
  const directory = await mkdtemp(join(tmpdir(), 'diptych-conformance-'));
  watchdog.directoryCreated(directory);
  const stack = given ?? (await startStack({ say, signal }));
  let connect: Connect | undefined;
  try {
    const installation = await installConnect({ say, watchdog, signal });
    const { brokers } = stack;
    connect = await Connect.start({
      ...{ installation, brokers, watchdog, signal },
      directory: join(directory, 'connect'),
    });
    return await work({ stack, connect, modes: availableModes(), directory, watchdog, signal });
  } finally {
    await connect?.close();
    if (!given) await stack.stop();
    await watchdog.finish();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs the cases in their order and tells each outcome as it comes. */
export async function runCases(
  cases: readonly Case[],
  { servers, tell }: { servers: Servers; tell: (outcome: CaseOutcome) => void },
): Promise<CaseOutcome[]> {
  const outcomes: CaseOutcome[] = [];
  const extensions = await availableExtensions(servers);
  let shared: Session | undefined;
  try {
    for (const given of cases) {
      servers.signal.throwIfAborted();
      const { name, title } = given;
      const why = hindrance(given, extensions);
      const plain = isPlain(given);
      let session: Session | undefined = plain ? shared : undefined;
      if (why !== undefined) outcomes.push({ name, title, tag: 'not-run', why });
      else {
        try {
          session ??= await Session.open(servers, given);
          if (plain) shared = session;
          const { outcome, sessionIsUsable } = await runCase(given, session);
          outcomes.push(outcome);
          if (plain && sessionIsUsable) session = undefined;
        } catch (error) {
          const broken = brokenBy(error);
          if (broken === undefined) throw error;
          outcomes.push({ name, title, tag: 'broken', why: broken });
        } finally {
          // What is left of it is of no use to the next case.
          if (session === shared) shared = undefined;
          await closed(session);
        }
        // Whose fault it was is not known: no other case is to break by it.
        if (outcomes.at(-1)?.tag === 'broken') await servers.connect.renew();
      }
      for (const outcome of outcomes.slice(-1)) tell(outcome);
    }
  } finally {
    await closed(shared);
  }
  return outcomes;
}

/** Ends a session. What it can not end any more goes with the servers. */
async function closed(session: Session | undefined): Promise<void> {
  try {
    await session?.close();
  } catch (error) {
    if (brokenBy(error) === undefined) throw error;
  }
}

/** Why a case cannot be run here and now. */
function hindrance({ notRun, needs, extensions }: Case, available: ReadonlySet<string>): string | undefined {
  if (notRun !== undefined) return notRun;
  const lacking = unknownSettings(needs);
  if (lacking.length > 0) return `the relay has no setting ${lacking.join(', ')} yet`;
  const missing = extensions.filter((extension) => !available.has(extension));
  return missing.length > 0 ? `${lacksExtension} ${missing.join(', ')}` : undefined;
}

/** Whether a case may follow others: it asks for nothing of its own, and leaves both sides as they were. */
function isPlain({ relay, connector, preparation, steps }: Case): boolean {
  return (
    Object.keys(relay).length + Object.keys(connector).length + preparation.length === 0 &&
    steps.every(({ tag }) => tag === 'statement' || tag === 'wait')
  );
}

async function availableExtensions({ stack }: Servers): Promise<ReadonlySet<string>> {
  const client = new pg.Client({ connectionString: stack.databaseUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>('select name from pg_available_extensions');
    return new Set(rows.map(({ name }) => name));
  } finally {
    await client.end();
  }
}
