/**
 * Where the engine keeps what it has folded, and up to which record: both in one transaction of a database of its own. One
 * session writes; it holds a lock as long as it lives, so that an engine that was asleep while another one went on cannot.
 */

import { randomBytes } from 'node:crypto';
import type { KeyedChanges, KeyedEntry } from '@diptych/compare/keyed-state';
import { OperatingError } from '@diptych/runtime/failure';
import { parseLossless, stringifyLossless } from '@diptych/runtime/json';
import pg from 'pg';
import { databaseAway } from './database-away.ts';
import { type Query, timelineSchemaSql, timelineTables } from './timeline/timeline-tables.ts';

/** A partition's next record, and the identity header of the one before it. */
export interface StoredPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly last: string | null;
}

export interface Stored {
  /** Plain data. */
  readonly state: unknown;
  readonly positions: readonly StoredPosition[];
}

/** The form of `state`: an engine of another form begins anew. */
const formatVersion = 1;

const connectTimeoutMs = 10_000;

/** Rows of one statement: its parameters stay well below a gigabyte. */
const rowsPerStatement = 5000;

const schemaSql = `
create table if not exists diptych_engine (
  name text primary key,
  format integer not null,
  state text not null,
  saved_at timestamptz not null default now()
);
create table if not exists diptych_engine_positions (
  name text not null, topic text not null, partition integer not null,
  next_offset bigint not null, last_identity text,
  primary key (name, topic, partition)
);
-- Keys and values are JSON: a text of Postgres cannot hold every text of Kafka.
create table if not exists diptych_engine_state (
  name text not null, kind text not null, key text not null, used bigint not null, value text not null,
  primary key (name, kind, key)
);
create index if not exists diptych_engine_state_used on diptych_engine_state (name, kind, used);
`;

/** The letters "diptych!" as a number; with a hash of the engine's name it is the lock. */
const lockSpace = 0x64_69_70_74;

export class EngineStore {
  readonly #client: pg.Client;
  readonly #name: string;

  private constructor(client: pg.Client, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /**
   * Connects, makes the tables and takes the lock. Throws OperatingError: `comparison-database-away`;
   * `comparison-state-refused` when another engine of the name is at work, or the database is the captured one.
   */
  static async open({
    databaseUrl,
    name,
    captured,
  }: {
    databaseUrl: string;
    name: string;
    /** What the relay's checkpoints say of the database that they are of. */
    captured: readonly { readonly systemId: string; readonly database: string }[];
  }): Promise<EngineStore> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: connectTimeoutMs,
    });
    // Without a listener a broken connection ends the process; the next statement reports it.
    client.on('error', () => undefined);
    const store = new EngineStore(client, name);
    try {
      await store.#asking(async () => await client.connect());
      await store.#refuseCaptured(captured);
      const { rows } = await store.#query<{ held: boolean }>(
        'select pg_try_advisory_lock($1, hashtext($2)) as held',
        [lockSpace, name],
      );
      if (rows[0]?.held !== true)
        throw refused(`another engine named ${name} is at work`, 'Stop it, or give this one another name.');
      await store.#query(schemaSql + timelineSchemaSql);
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** What was saved last; null when nothing was, or another form of it. */
  async load(): Promise<Stored | null> {
    const { rows } = await this.#query<{ state: string }>(
      'select state from diptych_engine where name = $1 and format = $2',
      [this.#name, formatVersion],
    );
    if (rows[0] === undefined) {
      await this.forget();
      return null;
    }
    const { rows: positions } = await this.#query<{
      topic: string;
      partition: number;
      next_offset: string;
      last_identity: string | null;
    }>('select topic, partition, next_offset, last_identity from diptych_engine_positions where name = $1', [
      this.#name,
    ]);
    return {
      state: parseLossless(rows[0].state),
      positions: positions.map(({ topic, partition, next_offset, last_identity }) => ({
        topic,
        partition,
        offset: BigInt(next_offset),
        last: last_identity,
      })),
    };
  }

  /** How many entries of a kind there are, and the greatest use of them. */
  async extent(kind: string): Promise<{ count: number; used: number }> {
    const { rows } = await this.#query<{ count: string; used: string }>(
      'select count(*) as count, coalesce(max(used), 0) as used from diptych_engine_state where name = $1 and kind = $2',
      [this.#name, kind],
    );
    return { count: Number(rows[0]?.count ?? 0), used: Number(rows[0]?.used ?? 0) };
  }

  /** The entries that were used last, in the order of use. */
  async loadLast(kind: string, countMax: number): Promise<KeyedEntry<string>[]> {
    const entries = await this.#entries('name = $1 and kind = $2 order by used desc limit $3', [
      this.#name,
      kind,
      countMax,
    ]);
    return entries.reverse();
  }

  /** The entries of these keys, or all of the kind. */
  async loadKeys(kind: string, keys: readonly string[] | 'all'): Promise<KeyedEntry<string>[]> {
    if (keys === 'all')
      return await this.#entries('name = $1 and kind = $2 order by used', [this.#name, kind]);
    const wanted = keys.map((key) => JSON.stringify(key));
    return await this.#entries('name = $1 and kind = $2 and key = any($3) order by used', [
      this.#name,
      kind,
      wanted,
    ]);
  }

  /**
   * Keeps what changed, state and positions, and what `also` writes, all or nothing. Throws OperatingError
   * `comparison-database-away`.
   */
  async save(
    { state, positions }: Stored,
    changes: Iterable<readonly [kind: string, changes: KeyedChanges<string>]>,
    also: (query: Query) => Promise<void> = async () => undefined,
  ): Promise<void> {
    await this.#query('begin');
    for (const [kind, { put, deleted }] of changes) {
      for (let from = 0; from < put.length; from += rowsPerStatement)
        await this.#put(kind, put.slice(from, from + rowsPerStatement));
      for (let from = 0; from < deleted.length; from += rowsPerStatement) {
        const keys = deleted.slice(from, from + rowsPerStatement).map((key) => JSON.stringify(key));
        await this.#query(
          'delete from diptych_engine_state where name = $1 and kind = $2 and key = any($3)',
          [this.#name, kind, keys],
        );
      }
    }
    await this.#query(
      `insert into diptych_engine_positions (name, topic, partition, next_offset, last_identity)
       select $1, * from unnest($2::text[], $3::int[], $4::bigint[], $5::text[])
       on conflict (name, topic, partition) do update
         set next_offset = excluded.next_offset, last_identity = excluded.last_identity`,
      [
        this.#name,
        positions.map(({ topic }) => topic),
        positions.map(({ partition }) => partition),
        positions.map(({ offset }) => offset.toString()),
        positions.map(({ last }) => last),
      ],
    );
    await this.#query(
      `insert into diptych_engine (name, format, state) values ($1, $2, $3)
       on conflict (name) do update set format = excluded.format, state = excluded.state, saved_at = now()`,
      [this.#name, formatVersion, stringifyLossless(state)],
    );
    await also(async (text, values) => await this.#query(text, values));
    await this.#query('commit');
  }

  /** Ends the session; what was not committed is not there. Never throws. */
  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }

  async #put(kind: string, entries: readonly KeyedEntry<string>[]): Promise<void> {
    await this.#query(
      `insert into diptych_engine_state (name, kind, key, used, value)
       select $1, $2, * from unnest($3::text[], $4::bigint[], $5::text[])
       on conflict (name, kind, key) do update set used = excluded.used, value = excluded.value`,
      [
        this.#name,
        kind,
        entries.map(({ key }) => JSON.stringify(key)),
        entries.map(({ used }) => used),
        entries.map(({ value }) => value),
      ],
    );
  }

  async #entries(where: string, values: unknown[]): Promise<KeyedEntry<string>[]> {
    const { rows } = await this.#query<{ key: string; used: string; value: string }>(
      `select key, used, value from diptych_engine_state where ${where}`,
      values,
    );
    return rows.map(({ key, used, value }) => ({ key: String(JSON.parse(key)), used: Number(used), value }));
  }

  /** The key of the engine's digests of masked values: made once, and kept. */
  async maskKey(): Promise<string> {
    await this.#query('insert into diptych_console (name, mask_key) values ($1, $2) on conflict do nothing', [
      this.#name,
      randomBytes(32).toString('hex'),
    ]);
    const { rows } = await this.#query<{ mask_key: string }>(
      'select mask_key from diptych_console where name = $1',
      [this.#name],
    );
    return rows[0]?.mask_key ?? '';
  }

  /** What an older form left, or a save of which nothing is known. */
  async forget(): Promise<void> {
    for (const table of [
      'diptych_engine',
      'diptych_engine_positions',
      'diptych_engine_state',
      ...timelineTables,
    ])
      await this.#query(`delete from ${table} where name = $1`, [this.#name]);
  }

  /** Its own writes would come back to it as changes, without an end; and it is not the engine's to write there. */
  async #refuseCaptured(captured: readonly { systemId: string; database: string }[]): Promise<void> {
    const { rows } = await this.#query<{ system: string; database: string }>(
      'select system_identifier::text as system, current_database() as database from pg_control_system()',
    );
    const here = rows[0];
    const isCaptured = captured.some(
      ({ systemId, database }) => systemId === here?.system && database === here.database,
    );
    if (!isCaptured) return;
    throw refused(
      `${here?.database} is the captured database`,
      'Give the engine a database of its own: `create database diptych_compare`.',
    );
  }

  async #query<Row extends pg.QueryResultRow>(
    text: string,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    return await this.#asking(async () => await this.#client.query<Row>(text, values));
  }

  async #asking<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw databaseAway(cause);
    }
  }
}

function refused(message: string, remedy: string): OperatingError {
  return new OperatingError('comparison-state-refused', message, { remedy });
}
