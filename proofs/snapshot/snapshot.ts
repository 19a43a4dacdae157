/** Tables read as of the start of the stream, and beside it, under writes and kills; every row compared at the end. */
import { readToEnd } from '@diptych/kafka/partition-reader';
import { poll } from '@diptych/runtime/poll';
import type { Say } from '@diptych/testkit/progress';
import type { RelayProcess } from '@diptych/testkit/relay-process';
import { startStack } from '@diptych/testkit/stack';
import pg from 'pg';
import { Bridge } from '../bridge.ts';
import { readCommitted } from '../java-consumer.ts';
import { Fold, type FoldedRow, snapshotOf } from './fold.ts';
import { Writer } from './writer.ts';

export interface SnapshotProofOptions {
  /** Of each of the two tables. */
  readonly rows: number;
  readonly writesPerSecond: number;
  /** Of both readings together. */
  readonly kills: number;
  readonly random: () => number;
  readonly say: Say;
  readonly signal: AbortSignal;
}

export interface SnapshotFigures {
  readonly writes: number;
  readonly writesPerSecond: number;
  /** While a table was being read. */
  readonly kills: number;
  /** Rows of which topic and table do not say the same. */
  readonly mismatches: number;
  /** Rows that a snapshot brought more than once. */
  readonly repeated: number;
  /** Lives of the relay that ended unasked. */
  readonly unaskedExits: number;
  readonly initialSeconds: number;
  readonly incrementalSeconds: number;
  readonly peakRssBytes: number;
}

/** The one is read before the stream begins, the other beside it. */
const tables = ['first', 'second'] as const;

const askingIntervalMs = 100;
const readTimeoutMs = 60 * 60_000;

const schemaOf = (rows: number): string =>
  tables
    .map(
      (table) => `
        create table ${table} (id bigint primary key, kind text not null, note text, amount numeric(12, 2) not null,
          version int not null);
        insert into ${table} select n, 'kind ' || n % 7, repeat('banana ', (n % 9)::int), n % 10000 / 100.0, 1
          from generate_series(1, ${rows}) n;
        analyze ${table};`,
    )
    .join('');

/** Runs it; ends what it started. */
export async function proveSnapshot(options: SnapshotProofOptions): Promise<SnapshotFigures> {
  const { say, signal, rows } = options;
  const stack = await startStack({ say, signal });
  try {
    say(`filling two tables with ${rows} rows each`);
    const settings = { DIPTYCH_SNAPSHOT_MODE: 'initial', DIPTYCH_SNAPSHOT_TABLES: 'public.first' } as const;
    const bridge = await Bridge.create({ stack, schema: schemaOf(rows), relays: ['A'], settings });
    try {
      return await run(bridge, options);
    } finally {
      await bridge.close({ keepLogs: false });
      if (stack.kind === 'external') await bridge.drop();
    }
  } finally {
    await stack.stop();
  }
}

async function run(bridge: Bridge, options: SnapshotProofOptions): Promise<SnapshotFigures> {
  const { rows, kills, say, signal, writesPerSecond, random } = options;
  const [relay] = bridge.relays;
  if (!relay) throw new Error('a relay');
  const writer = new Writer({ databaseUrl: bridge.databaseUrl, tables, rows, writesPerSecond, random });
  writer.start();
  const peak = setInterval(() => void relay.samplePeak(), askingIntervalMs);
  try {
    const before = Math.ceil(kills / 2);
    relay.start();
    say('reading the first table, before the stream');
    const initial = await readUnderKills({ ...options, bridge, relay, completions: 1, kills: before });
    await relay.command('snapshot', '--table', 'public.second', '--wait', '600');
    say('reading the second table, beside the stream');
    const incremental = await readUnderKills({
      ...options,
      bridge,
      relay,
      completions: 2,
      kills: kills - before,
    });
    await writer.stop();
    const whole = await bridge.caughtUp({ timeoutMs: readTimeoutMs, signal });
    if (!whole) say('the relay did not publish all of it in time');
    await bridge.stopRelays();
    const compared = await compare(bridge, options);
    return {
      ...{ writes: writer.writes, writesPerSecond: writer.writesPerSecond, ...compared },
      kills: initial.kills + incremental.kills,
      unaskedExits: (await relay.unaskedExits()).length,
      initialSeconds: initial.seconds,
      incrementalSeconds: incremental.seconds,
      peakRssBytes: relay.peakRssBytes,
    };
  } finally {
    clearInterval(peak);
    await writer.stop();
  }
}

/** Waits until as many snapshots are completed; kills the relay at even parts of the rows. */
async function readUnderKills({
  bridge,
  relay,
  completions,
  rows,
  kills,
  say,
  signal,
}: Pick<SnapshotProofOptions, 'rows' | 'kills' | 'say' | 'signal'> & {
  bridge: Bridge;
  relay: RelayProcess;
  completions: number;
}): Promise<{ kills: number; seconds: number }> {
  const startedAt = performance.now();
  const options = { timeoutMs: readTimeoutMs, signal };
  let killed = 0;
  let isCompleted = false;
  for (let kill = 1; kill <= kills && !isCompleted; kill += 1) {
    const target = Math.floor((rows * kill) / (kills + 1));
    const look = async () => {
      const read = (await relay.snapshotRows()) ?? 0;
      say(`${read} of ${target} rows until the kill`, 'moving');
      if (read >= target) return 'there';
      return (await countCompleted(bridge)) >= completions ? 'completed' : undefined;
    };
    const what = `${target} rows are read`;
    isCompleted = (await poll(look, { what, ...options, intervalMs: askingIntervalMs })) === 'completed';
    if (isCompleted) break;
    await relay.kill();
    killed += 1;
    say(`killed after about ${target} rows`);
    relay.start();
  }
  await poll(async () => (await countCompleted(bridge)) >= completions || undefined, {
    ...{ what: 'the table is read', ...options, intervalMs: 500 },
  });
  return { kills: killed, seconds: Math.round((performance.now() - startedAt) / 1000) };
}

async function countCompleted({ brokers, prefix }: Bridge): Promise<number> {
  let completed = 0;
  for await (const { value } of readToEnd({ brokers, topics: [`${prefix}.snapshot`] })) {
    const { status } = JSON.parse(String(value)) as { status?: string };
    if (status === 'completed') completed += 1;
  }
  return completed;
}

/** Both tables, each against what Java’s console consumer reads of its topic. */
async function compare(
  bridge: Bridge,
  { say, signal }: SnapshotProofOptions,
): Promise<{ mismatches: number; repeated: number }> {
  let mismatches = 0;
  let repeated = 0;
  for (const table of tables) {
    say(`folding the topic of ${table}`);
    const topic = bridge.changeTopic(table);
    const folded = new Fold();
    for await (const { value, headers } of readCommitted({
      brokers: bridge.brokers,
      topic,
      values: true,
      signal,
    }))
      if (value !== 'null') folded.take(value, snapshotOf(headers));
    const { count, first } = folded.differences(await readTable(bridge.databaseUrl, table));
    if (count > 0) say(`${table}: ${count} rows differ, for instance ${first.join(', ')}`);
    mismatches += count;
    repeated += folded.repeated;
  }
  return { mismatches, repeated };
}

const fetchRows = 10_000;

async function readTable(databaseUrl: string, table: string): Promise<Fold> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const fold = new Fold();
    await client.query(`begin; declare rows cursor for
      select id::float8 as id, kind, note, amount::text as amount, version from ${table}`);
    for (;;) {
      const { rows } = await client.query<FoldedRow>(`fetch ${fetchRows} from rows`);
      for (const row of rows) fold.set(row);
      if (rows.length < fetchRows) return fold;
    }
  } finally {
    await client.end();
  }
}
