/** TLS and logins against real servers set up so: who is let in, who is refused with which words, and what is never said. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '@diptych/cart-app/migrations';
import { createDatabase } from '@diptych/testkit/database';
import type { RelaySettings } from '@diptych/testkit/relay-process';
import { Watchdog } from '@diptych/testkit/watchdog';
import type { ProofContext } from '../arguments.ts';
import { type Admission, admissions } from './admissions.ts';
import { makeCertificates } from './certificates.ts';
import { leastPrivilege } from './least-privilege.ts';
import { Outputs } from './outputs.ts';
import { kafkaRefusals, type Parts, postgresRefusals, type Refusal } from './refusals.ts';
import { relayMain } from './relay-main.ts';
import { runCommand } from './run-command.ts';
import { startSecuredKafka } from './secured-kafka.ts';
import { startSecuredPostgres } from './secured-postgres.ts';
import { secureServices } from './services.ts';

/** What a case, a relay or a service needs. */
export interface Secured extends Parts {
  readonly outputs: Outputs;
  /** Where ours write their logs. */
  readonly logs: string;
  readonly watchdog: Watchdog;
  /** In plain text, a superuser's; the cart's tables are in it. */
  readonly databaseUrl: string;
}

export interface Figures {
  readonly admitted: number;
  readonly refused: number;
  /** What was let in and should not have been, or the other way round, or was refused in the wrong words. */
  readonly wrong: readonly string[];
  readonly leaks: readonly string[];
  readonly outputBytes: number;
}

/** Runs the whole matrix. Throws OperatingError when the servers cannot be had. */
export async function proveSecurity({
  only,
  say,
  signal,
}: ProofContext & {
  /** Those whose name has this. */
  readonly only: string;
}): Promise<Figures> {
  const watchdog = new Watchdog();
  const directory = await mkdtemp(join(tmpdir(), 'diptych-security-'));
  watchdog.directoryCreated(directory);
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const secured = await prepare({ directory, watchdog, say, closers });
    signal.throwIfAborted();
    const refusals = [...postgresRefusals(secured), ...kafkaRefusals(secured)].map(
      (refusal): Admission => [refusal.name, () => refused(secured, refusal)],
    );
    // The comparison reads what the lesser role published.
    const ways = [...admissions(secured), leastPrivilege(secured), ...secureServices(secured)];
    const refusal = await complaintsOf(refusals, { only, say, signal });
    const admission = await complaintsOf(ways, { only, say, signal });
    const { outputs, logs } = secured;
    await outputs.addLogs(logs);
    return {
      ...{
        refused: refusal.right,
        admitted: admission.right,
        leaks: outputs.leaks(),
        outputBytes: outputs.bytes,
      },
      wrong: [...refusal.wrong, ...admission.wrong],
    };
  } finally {
    for (const close of closers.toReversed()) await close();
    await watchdog.finish();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs one after the other; each complaint is said when it comes. */
async function complaintsOf(
  all: readonly Admission[],
  { only, say, signal }: { only: string; say: (line: string) => void; signal: AbortSignal },
): Promise<{ right: number; wrong: string[] }> {
  const wrong: string[] = [];
  let right = 0;
  for (const [name, run] of all.filter(([one]) => one.includes(only))) {
    signal.throwIfAborted();
    say(`${name} …`);
    const complaints = (await run()).map((complaint) => `${name}: ${complaint}`);
    if (complaints.length === 0) right += 1;
    for (const complaint of complaints) say(complaint);
    wrong.push(...complaints);
  }
  return { right, wrong };
}

async function prepare({
  directory,
  watchdog,
  say,
  closers,
}: {
  directory: string;
  watchdog: Watchdog;
  say: (line: string) => void;
  closers: (() => Promise<unknown>)[];
}): Promise<Secured> {
  // Postgres runs as another user, and has to pass through.
  await chmod(directory, 0o711);
  const outputs = new Outputs();
  const certificates = await makeCertificates(directory);
  for (const name of ['client', 'foreignClient'] as const)
    await outputs.plantKey(`private key of ${name}`, certificates[name].keyFile);
  // Characters that a URL, a properties file and a connection string each write in their own way.
  const secret = (name: string) => `${name}:p@ss/%w+${randomBytes(9).toString('hex')}`;
  const [database, kafkaPassword, wrongPassword] = [secret('db'), secret('kafka'), secret('wrong')];
  outputs.plant('password of the database', database);
  outputs.plant('password of Kafka', kafkaPassword);
  outputs.plant('wrong password', wrongPassword);
  const files = await Promise.all(
    Object.entries({ database, kafka: kafkaPassword, wrong: wrongPassword }).map(async ([name, password]) => {
      const file = join(directory, `${name}.password`);
      await writeFile(file, `${password}\n`, { mode: 0o600 });
      return [name, file] as const;
    }),
  );
  say('Postgres and Kafka with TLS and logins …');
  const postgres = await startSecuredPostgres({ directory, certificates, password: database, watchdog });
  closers.push(() => postgres.stop());
  const kafka = await startSecuredKafka({ certificates, password: kafkaPassword });
  closers.push(() => kafka.stop());
  const logs = join(directory, 'logs');
  await mkdir(logs);
  const databaseUrl = await createDatabase(postgres.databaseUrl, 'shop');
  await migrate(databaseUrl);
  const passwordFiles = Object.fromEntries(files) as Parts['passwordFiles'];
  return { certificates, postgres, kafka, passwordFiles, outputs, logs, watchdog, databaseUrl };
}

/** `diptych init` with these settings; answers what is not as it should be. */
async function refused(secured: Secured, { name, settings, code, says, shown }: Refusal): Promise<string[]> {
  const { postgres, certificates, outputs, databaseUrl, kafka } = secured;
  if (shown !== undefined) await postgres.show(shown);
  const usual: RelaySettings = { DIPTYCH_DATABASE_URL: databaseUrl, DIPTYCH_KAFKA_BROKERS: kafka.plain };
  const environment = { ...usual, ...settings };
  const { exitCode, text } = await runCommand(relayMain, { args: ['init'], environment });
  if (shown !== undefined) await postgres.show(certificates.server);
  outputs.add(name, text);
  const missing = [`(${code})`, ...says].filter((part) => !text.includes(part));
  const stack = /\n\s+at .*:\d+:\d+/.test(text) ? ['a stack trace'] : [];
  if (exitCode === 4 && missing.length === 0) return stack;
  return [`exit ${exitCode}, without ${JSON.stringify(missing)}: ${text.trim().slice(0, 600)}`, ...stack];
}
