/**
 * What it costs to tell events, on the user's own database: the same transaction in four ways, in a scratch schema, at a
 * bounded pace (docs/compare.md, "What the ways to emit cost").
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { parseLsn } from '@diptych/wal/lsn';
import { type PriceWay, priceWays, sizeSql, tablesSql, transactionSql } from './price-ways.ts';

/** A connection as a client of `pg` is one; its errors are the caller's to name. */
export interface PriceConnection {
  query(text: string): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>;
  end(): Promise<void>;
}

export interface PriceOptions {
  /** Connections of their own to the database, one at each call. */
  readonly connect: () => Promise<PriceConnection>;
  /** Of measuring, all ways together; set-up comes besides. Default 30. */
  readonly seconds?: number;
  /** Ends it with its reason; what was made is removed before. */
  readonly signal?: AbortSignal | undefined;
  /** Told how much of it is done, of 1. */
  readonly onProgress?: (share: number) => void;
}

export interface PricedWay {
  readonly way: PriceWay;
  readonly transactions: number;
  /** Median over the rounds. */
  readonly walBytesPerTransaction: number;
  /** Of COMMIT alone, as the client waits for it. */
  readonly commitMs: { readonly p50: number; readonly p99: number };
  /** Tables and indexes, before any vacuum. */
  readonly tableBytesPerTransaction: number;
}

export interface PriceReport {
  /** ISO 8601. */
  readonly measuredAt: string;
  readonly seconds: number;
  /** Of the server: those that what is measured depends on. */
  readonly settings: Readonly<Record<string, string>>;
  /** Written by others, before it began: in a busy database part of what stands under WAL is theirs. */
  readonly otherWalBytesPerSecond: number;
  readonly ways: readonly PricedWay[];
  /** How it was measured, in sentences. */
  readonly method: readonly string[];
}

const secondsDefault = 30;
const connections = 2;
/** Of each connection: two hundred transactions a second in all, a tenth of what a laptop does. */
const perSecondMax = 100;
/** Each way has so many turns: a checkpoint or somebody else's burst is in one of them, and the median leaves it out. */
const rounds = 5;
const quietMs = 500;

const schemaPrefix = 'diptych_price_';
/** By it what a killed run left is known. */
const scratchComment = 'diptych price: scratch tables, may be dropped';
/** One run at a time, so that a schema that is there is nobody's. */
const lockKey = `hashtextextended('diptych price', 0)`;

const settingNames = ['server_version', 'wal_level', 'synchronous_commit', 'fsync', 'full_page_writes'];

interface Samples {
  transactions: number;
  readonly walBytes: number[];
  readonly commitMs: number[];
}

/**
 * Measures, and removes all that it made, also when it is aborted or fails; what a killed run left, the next one removes. Two connections, two hundred transactions a
 * second at most. Needs the right to create a schema. Throws OperatingError `price-refused`; what `connect` and the
 * connections throw; the signal's reason.
 */
export async function measurePrice(options: PriceOptions): Promise<PriceReport> {
  const { connect, seconds = secondsDefault, signal } = options;
  const admin = await connect();
  const workers: PriceConnection[] = [];
  const schema = `${schemaPrefix}${randomBytes(6).toString('hex')}`;
  try {
    await prepare(admin, schema);
    try {
      for (let count = 0; count < connections; count += 1) workers.push(await connect());
      const otherWalBytesPerSecond = await otherWal(admin, signal);
      const before = await sizesOf(admin, schema);
      const samples = await run({ admin, workers, schema, seconds, options });
      const after = await sizesOf(admin, schema);
      return {
        ...{ measuredAt: new Date().toISOString(), seconds, settings: await settingsOf(admin) },
        ...{ otherWalBytesPerSecond, method },
        ways: priceWays.map((way) =>
          priced(way, { samples: samples[way], grown: Number(after[way] - before[way]) }),
        ),
      };
    } finally {
      await Promise.all(workers.map((worker) => worker.end()));
      await removeSchema({ admin, connect, schema });
    }
  } finally {
    await admin.end();
  }
}

async function prepare(admin: PriceConnection, schema: string): Promise<void> {
  const { rows: locked } = await admin.query(`select pg_try_advisory_lock(${lockKey}) as mine`);
  if (locked[0]?.mine !== true) {
    throw refused('prices are being measured on this database already', 'Wait until that has ended.');
  }
  const { rows: publications } = await admin.query('select pubname from pg_publication where puballtables');
  if (publications.length > 0) {
    const names = publications.map(({ pubname }) => String(pubname)).join(', ');
    throw refused(
      `the publication ${names} is for all tables: what is measured would be published`,
      'Measure on a copy of the database, or name its tables in the publication.',
    );
  }
  await removeLeftovers(admin);
  await admin.query(
    `begin; create schema ${schema}; comment on schema ${schema} is '${scratchComment}'; ${tablesSql(schema)} commit`,
  );
}

/** Of runs that were killed. */
async function removeLeftovers(admin: PriceConnection): Promise<void> {
  const { rows } = await admin.query(
    `select nspname from pg_namespace where nspname ~ '^${schemaPrefix}[0-9a-f]{12}$'
       and obj_description(oid, 'pg_namespace') = '${scratchComment}'`,
  );
  for (const { nspname } of rows) await admin.query(`drop schema ${String(nspname)} cascade`);
}

/** When the connection is gone, by another one. */
async function removeSchema({
  admin,
  connect,
  schema,
}: {
  admin: PriceConnection;
  connect: PriceOptions['connect'];
  schema: string;
}): Promise<void> {
  const drop = `drop schema if exists ${schema} cascade`;
  try {
    await admin.query(drop);
  } catch {
    const other = await connect();
    try {
      await other.query(drop);
    } finally {
      await other.end();
    }
  }
}

async function run({
  admin,
  workers,
  schema,
  seconds,
  options: { signal, onProgress },
}: {
  admin: PriceConnection;
  workers: readonly PriceConnection[];
  schema: string;
  seconds: number;
  options: PriceOptions;
}): Promise<Record<PriceWay, Samples>> {
  const samples = Object.fromEntries(
    priceWays.map((way) => [way, { transactions: 0, walBytes: [], commitMs: [] }]),
  ) as unknown as Record<PriceWay, Samples>;
  const turnMs = (seconds * 1000) / (rounds * priceWays.length);
  for (let round = 0; round < rounds; round += 1) {
    for (const [place, way] of priceWays.entries()) {
      const from = await walPosition(admin);
      const turn = { schema, way, turnMs, signal };
      const commits = await together(workers.map((worker) => oneTurn(worker, turn)));
      signal?.throwIfAborted();
      const written = Number((await walPosition(admin)) - from);
      samples[way].transactions += commits.length;
      samples[way].walBytes.push(written / commits.length);
      samples[way].commitMs.push(...commits);
      onProgress?.((round * priceWays.length + place + 1) / (rounds * priceWays.length));
    }
  }
  return samples;
}

/** Until all have ended, also when one has failed: nobody writes on while the schema is dropped. */
async function together(turns: readonly Promise<number[]>[]): Promise<number[]> {
  await Promise.allSettled(turns);
  return (await Promise.all(turns)).flat();
}

/** At least one transaction, and none that is due after its time; answers how long each COMMIT took, in ms. */
async function oneTurn(
  worker: PriceConnection,
  {
    schema,
    way,
    turnMs,
    signal,
  }: { schema: string; way: PriceWay; turnMs: number; signal: AbortSignal | undefined },
): Promise<number[]> {
  const statements = transactionSql(schema, way);
  const commits: number[] = [];
  const startedAt = performance.now();
  let due = startedAt;
  do {
    const early = due - performance.now();
    if (early > 1) await sleep(early);
    await worker.query('begin');
    for (const statement of statements) await worker.query(statement);
    const committingAt = performance.now();
    await worker.query('commit');
    commits.push(performance.now() - committingAt);
    due = startedAt + (commits.length * 1000) / perSecondMax;
  } while (!signal?.aborted && Math.max(due, performance.now()) < startedAt + turnMs);
  return commits;
}

async function walPosition(admin: PriceConnection): Promise<bigint> {
  const { rows } = await admin.query('select pg_current_wal_insert_lsn()::text as lsn');
  return parseLsn(textOf(rows[0]?.lsn));
}

async function otherWal(admin: PriceConnection, signal: AbortSignal | undefined): Promise<number> {
  const from = await walPosition(admin);
  await sleep(quietMs, undefined, { signal });
  return Math.round((Number((await walPosition(admin)) - from) * 1000) / quietMs);
}

async function sizesOf(admin: PriceConnection, schema: string): Promise<Record<PriceWay, bigint>> {
  const sizes: Partial<Record<PriceWay, bigint>> = {};
  for (const way of priceWays) {
    const { rows } = await admin.query(sizeSql(schema, way));
    sizes[way] = BigInt(textOf(rows[0]?.bytes));
  }
  return sizes as Record<PriceWay, bigint>;
}

async function settingsOf(admin: PriceConnection): Promise<Record<string, string>> {
  const { rows } = await admin.query(
    `select name, setting from pg_settings where name in (${settingNames.map((name) => `'${name}'`).join()}) order by name`,
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [String(name), String(setting)]));
}

function priced(way: PriceWay, { samples, grown }: { samples: Samples; grown: number }): PricedWay {
  const { transactions, walBytes, commitMs } = samples;
  return {
    ...{ way, transactions },
    walBytesPerTransaction: Math.round(quantile(walBytes, 0.5)),
    commitMs: { p50: rounded(quantile(commitMs, 0.5)), p99: rounded(quantile(commitMs, 0.99)) },
    tableBytesPerTransaction: Math.round(grown / transactions),
  };
}

/** The smallest value that so much of all values is not above. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

/** What the statement casts to text. */
function textOf(value: unknown): string {
  assert(typeof value === 'string', 'the statement casts it to text');
  return value;
}

const rounded = (ms: number): number => Math.round(ms * 100) / 100;

const refused = (why: string, remedy: string): OperatingError =>
  new OperatingError('price-refused', why, { remedy });

const method: readonly string[] = [
  'Each transaction inserts a row and updates another; with an event it tells of that, in about 300 bytes of JSON. outbox_heads is left out.',
  `${connections} connections, each at most ${perSecondMax} transactions a second; ${rounds} rounds, in which each way has a turn.`,
  'WAL: how far the server’s insert position moves in a turn, by the transactions of the turn; the median of the rounds. What others write counts too.',
  'Commit: from sending COMMIT to its answer, over the connection that is measured.',
  'Tables: tables and indexes after all rounds, without vacuum: what insert-and-delete leaves is dead, and vacuum makes room of it.',
];
