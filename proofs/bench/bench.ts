/** The servers, the backlog, and the drains of it, in turn. */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { present } from '@diptych/runtime/assert';
import { createDatabase } from '@diptych/testkit/database';
import type { Say } from '@diptych/testkit/progress';
import { Watchdog } from '@diptych/testkit/watchdog';
import { queryAt, startOwnStack } from '../bridge.ts';
import { connectVersion, debeziumVersion } from '../conformance/connect-installation.ts';
import { createPublications, type Workload } from './backlog.ts';
import type { Arena, Competitor, Counted, Entry, Ground } from './competitor.ts';
import { oursName } from './diptych.ts';
import { type Drain, measureDrain } from './drain.ts';
import { type Others, untilAtRest } from './machine.ts';
import { deleteTopics } from './topics.ts';

export interface BenchContext {
  readonly arena: Arena;
  /** The maintenance database. */
  readonly databaseUrl: string;
  readonly brokerPid: number;
  readonly others: Others;
  readonly say: Say;
  /** Logs of competitors stay. */
  keepLogs: boolean;
}

/** Besides Node's own. */
export const versions = { postgres: '18.4', kafka: connectVersion, debezium: debeziumVersion } as const;

/** So that no checkpoint of the server falls into a drain. */
const serverSettings = ['max_wal_size = 8GB', 'checkpoint_timeout = 30min'];
const forAll = 0o777;
const placeDigits = 3;

/** Starts embedded servers, where Postgres listens on a Unix socket too; ends all of it after `work`. */
export async function inArena<T>(
  { say, signal, others }: { say: Say; signal: AbortSignal; others: Others },
  work: (context: BenchContext) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'diptych-bench-'));
  const socketDirectory = join(directory, 's');
  await chmod(directory, 0o755);
  await mkdir(socketDirectory);
  await chmod(socketDirectory, forAll);
  const watchdog = new Watchdog();
  watchdog.directoryCreated(directory);
  const stack = await startOwnStack({ say, signal });
  let keepLogs = true;
  try {
    for (const setting of [...serverSettings, `unix_socket_directories = '${socketDirectory}'`])
      await queryAt(stack.databaseUrl, `alter system set ${setting.replace(/= ([^']\S*)$/, "= '$1'")}`);
    await stack.postgres.stop();
    await stack.postgres.start();
    const { brokers, databaseUrl } = stack;
    const context: BenchContext = {
      arena: { brokers, socketDirectory, directory, watchdog, signal },
      brokerPid: present(stack.kafka.pid, 'the broker'),
      ...{ databaseUrl, others, say, keepLogs: false },
    };
    const result = await work(context);
    keepLogs = context.keepLogs;
    return result;
  } finally {
    await stack.stop();
    await watchdog.finish();
    if (keepLogs) say(`logs stay in ${directory}`);
    else await rm(directory, { recursive: true, force: true });
  }
}

/** A database of its own for a workload, with everything that has to be there before slots are made. */
export async function prepareGround(
  { arena, databaseUrl: maintenance }: BenchContext,
  { name, workload }: { name: string; workload: Workload },
): Promise<Ground> {
  const databaseUrl = await createDatabase(maintenance, name);
  await workload.prepare(databaseUrl);
  await createPublications(databaseUrl, workload);
  return { ...arena, databaseUrl, capture: workload };
}

export interface DrainsOptions {
  /** Of the database; slots and topics begin with it. */
  readonly name: string;
  readonly workload: Workload;
  readonly order: readonly Competitor[];
}

/** Drains a backlog with each of them, in this order; the same one may come several times. */
export async function drainInTurn(context: BenchContext, options: DrainsOptions): Promise<Drain[]> {
  const { arena, say, brokerPid, others } = context;
  const { name: database, workload, order } = options;
  const ground = await prepareGround(context, { name: database, workload });
  const { databaseUrl } = ground;
  const prepared: { name: string; id: string; entry: Entry }[] = [];
  for (const [place, competitor] of order.entries()) {
    const { name } = competitor;
    say(`preparing ${name} (${place + 1} of ${order.length})`);
    // All of one length, so that none begins with another one.
    const id = `${database}_${String(place + 1).padStart(placeDigits, '0')}`;
    prepared.push({ name, id, entry: await competitor.prepare(ground, id) });
  }
  say('writing the backlog');
  const backlog = await workload.write(databaseUrl);
  const drains: Drain[] = [];
  let ours: Counted | null = null;
  for (const [place, { name, id, entry }] of prepared.entries()) {
    await untilAtRest(brokerPid, arena.signal);
    const servers = { databaseUrl, brokerPid, others, signal: arena.signal };
    const drain: Drain = await measureDrain({ name, entry, backlog, ours, ...servers });
    drains.push(drain);
    say(`${place + 1} of ${order.length}: ${describe(drain)}`);
    if (name === oursName && drain.records !== null)
      ours = { records: drain.records, bytes: drain.recordBytes ?? 0 };
    await dropSlots(databaseUrl, entry.slots);
    await deleteTopics(arena.brokers, id);
  }
  return drains;
}

/** So that no WAL is kept for them. A walsender that was killed may hold its own for a moment: it stays. */
export async function dropSlots(databaseUrl: string, slots: readonly string[]): Promise<void> {
  await queryAt(
    databaseUrl,
    'select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = any($1) and not active',
    [slots],
  );
}

function describe(drain: Drain): string {
  const { name, seconds, cpuSeconds, walsenderCpuSeconds, brokerCpuSeconds, records, owed } = drain;
  const processors = `CPU-s ${cpuSeconds.toFixed(2)}, walsender ${walsenderCpuSeconds.toFixed(2)}, broker ${brokerCpuSeconds.toFixed(2)}`;
  const start =
    drain.firstRecordSeconds === null ? '' : `, first record after ${drain.firstRecordSeconds.toFixed(2)} s`;
  const counted = records === null ? '' : `, ${records} of ${owed} records`;
  const memory = `${Math.round(drain.peakRssBytes / 1e6)} MB`;
  return `${name}: ${seconds.toFixed(2)} s, ${processors}, ${memory}${start}${counted}, others ${(drain.othersShare * 100).toFixed(1)} %`;
}
