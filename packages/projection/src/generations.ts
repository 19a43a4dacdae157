/**
 * The generations of projections: each has tables in a schema of its own and positions of its own. At most one is live and one
 * is building, which two unique indexes make sure of. Readers ask views in the schema `projections`, which show the live one.
 */
import type { Contracts } from '@diptych/events/event-contract';
import { inTransaction } from '@diptych/inbox/transaction';
import pg, { type ClientBase, type Pool } from 'pg';
import { createHeads } from './heads.ts';
import type { Projection } from './projection.ts';

type Database = Pick<ClientBase, 'query'>;

export type GenerationState = 'live' | 'building' | 'retired';

export interface Generation {
  /** Never used again, whatever becomes of it. */
  readonly generation: number;
  readonly projection: string;
  readonly version: number;
  readonly state: GenerationState;
  /** Consumer group, and the name of its positions. */
  readonly group: string;
  readonly shows: readonly string[];
  readonly begunAt: Date;
  readonly liveAt: Date | null;
}

const registrySql = `
create schema if not exists projections;
create table if not exists projection_generations (
  generation integer generated always as identity primary key,
  projection text not null,
  version integer not null,
  state text not null check (state in ('live', 'building', 'retired')),
  group_prefix text not null,
  consumer_group text not null generated always as (group_prefix || '.' || projection || '.' || generation::text) stored,
  shows text[] not null,
  begun_at timestamptz not null default now(),
  live_at timestamptz,
  retired_at timestamptz
);
create unique index if not exists projection_live on projection_generations (projection) where state = 'live';
create unique index if not exists projection_building on projection_generations (projection) where state = 'building';
`;

/** Any number that no other advisory lock of the database uses; these are the letters "proj". */
const registryLock = 0x70_72_6f_6a;

/** Creates what is not there yet. Several services may start at once: they take turns. */
export async function createRegistry(client: Database): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(${registryLock}); ${registrySql}`);
}

const columns = 'generation, projection, version, state, consumer_group, shows, begun_at, live_at';

interface GenerationRow {
  readonly generation: number;
  readonly projection: string;
  readonly version: number;
  readonly state: GenerationState;
  readonly consumer_group: string;
  readonly shows: string[];
  readonly begun_at: Date;
  readonly live_at: Date | null;
}

/** All that there are, the oldest first. */
export async function readGenerations(database: Database): Promise<Generation[]> {
  const { rows } = await database.query<GenerationRow>(
    `select ${columns} from projection_generations order by generation`,
  );
  return rows.map(toGeneration);
}

/** The generation in this state, or null. `lock`: nobody changes its state until the transaction ends. */
export async function findGeneration(
  database: Database,
  { projection, state, lock = false }: { projection: string; state: GenerationState; lock?: boolean },
): Promise<Generation | null> {
  const { rows } = await database.query<GenerationRow>(
    // Weaker than `for update`: batches that hold the row for key share go on.
    `select ${columns} from projection_generations where projection = $1 and state = $2
     ${lock ? 'for no key update' : ''}`,
    [projection, state],
  );
  return rows.map(toGeneration)[0] ?? null;
}

/**
 * Makes the tables of a new generation; null when there is one in this state. A live one is what the first generation of a
 * projection is from the beginning.
 */
export async function beginGeneration<C extends Contracts>(
  pool: Pool,
  {
    projection,
    state,
    groupPrefix,
  }: { projection: Projection<C>; state: 'live' | 'building'; groupPrefix: string },
): Promise<Generation | null> {
  const { name, version, shows, schema } = projection;
  return await inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<GenerationRow>(
      `insert into projection_generations (projection, version, state, group_prefix, shows, live_at)
       values ($1, $2, $3, $4, $5, case when $3 = 'live' then now() end) on conflict do nothing returning ${columns}`,
      [name, version, state, groupPrefix, shows],
    );
    const generation = rows.map(toGeneration)[0];
    if (!generation) return null;
    await tx.query(`create schema ${pg.escapeIdentifier(schemaOf(generation))}`);
    await tx.query(searchPathSql, [schemaOf(generation)]);
    await createHeads(tx);
    await tx.query(schema);
    if (state === 'live') await show(tx, generation, null);
    return generation;
  });
}

/** In front of what the session has, until the transaction ends. */
export const searchPathSql = `select set_config('search_path', quote_ident($1) || ', ' || current_setting('search_path'), true)`;

/** The schema with the tables of a generation. */
export function schemaOf({ projection, generation }: Pick<Generation, 'projection' | 'generation'>): string {
  return `projection_${projection}_${generation}`;
}

/**
 * Makes the views show this generation. Those of the same version are replaced in their place, with all that was granted on
 * them; of another version the columns may be others.
 */
export async function show(tx: Database, next: Generation, before: Generation | null): Promise<void> {
  const view = (name: string) => `projections.${pg.escapeIdentifier(name)}`;
  const gone = before && before.version !== next.version ? before.shows : [];
  for (const name of gone) await tx.query(`drop view if exists ${view(name)}`);
  const schema = pg.escapeIdentifier(schemaOf(next));
  for (const name of next.shows) {
    const table = `${schema}.${pg.escapeIdentifier(name)}`;
    await tx.query(`create or replace view ${view(name)} as select * from ${table}`);
  }
}

/**
 * Ends a generation, if it is in the state that it was read in: its tables go when `dropRetired` is called. Answers whether
 * it did.
 */
export async function retire(database: Database, { generation, state }: Generation): Promise<boolean> {
  const { rowCount } = await database.query(
    `update projection_generations set state = 'retired', retired_at = now() where generation = $1 and state = $2`,
    [generation, state],
  );
  return rowCount === 1;
}

/**
 * Drops a generation that was retired so long ago, with its tables, positions and parked events. Answers whether it did.
 * It waits for batches and readers that are in the middle of it, as long as `lock_timeout` says.
 */
export async function dropRetired(
  pool: Pool,
  generation: Generation,
  { graceMs }: { graceMs: number },
): Promise<boolean> {
  return await inTransaction(pool, async (tx) => {
    await tx.query(`set local lock_timeout = ${lockTimeoutMs}`);
    const { rowCount } = await tx.query(
      `delete from projection_generations
       where generation = $1 and state = 'retired' and retired_at <= now() - $2 * interval '1 ms'`,
      [generation.generation, graceMs],
    );
    if (rowCount === 0) return false;
    await tx.query(`drop schema ${pg.escapeIdentifier(schemaOf(generation))} cascade`);
    await forgetGroup(tx, generation);
    return true;
  });
}

/** While it waits for a reader nothing else is done: rather try again. */
const lockTimeoutMs = 1_000;

/** Forgets where the group was. */
export async function forgetGroup(database: Database, { group }: Pick<Generation, 'group'>): Promise<void> {
  await database.query('delete from inbox_positions where consumer_group = $1', [group]);
  await database.query('delete from inbox_parked where consumer_group = $1', [group]);
}

function toGeneration(row: GenerationRow): Generation {
  const { generation, projection, version, state, shows } = row;
  const { consumer_group: group, begun_at: begunAt, live_at: liveAt } = row;
  return { generation, projection, version, state, group, shows, begunAt, liveAt };
}
