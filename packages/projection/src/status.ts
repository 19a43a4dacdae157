/** How a projection does, by the database alone: whoever runs it, each process can tell. */
import type { ClientBase } from 'pg';
import { type AskEnds, distance, parkedOnlyIn } from './caught-up.ts';
import { type Generation, readGenerations } from './generations.ts';

type Database = Pick<ClientBase, 'query'>;

export interface RebuildStatus {
  readonly generation: number;
  readonly version: number;
  readonly group: string;
  readonly begunAt: Date;
  /** Offsets that it has passed of those that the live one has, markers included. */
  readonly passed: bigint;
  readonly of: bigint;
  /** Events that it could not apply and the live one could: it waits for a decision about them. */
  readonly parked: number;
}

export interface ProjectionStatus {
  readonly projection: string;
  /** Which is read. */
  readonly generation: number;
  readonly version: number;
  readonly liveAt: Date | null;
  /** Consumer group of the live one. */
  readonly group: string;
  /** Positions of the live one, by topic and partition. */
  readonly positions: readonly PartitionPosition[];
  /** Null while nothing is built. */
  readonly rebuild: RebuildStatus | null;
}

export interface PartitionPosition {
  readonly topic: string;
  readonly partition: number;
  /** Of the next record. */
  readonly nextOffset: bigint;
}

/** Of all projections that have a live generation, by name. Throws errors of the database. */
export async function readStatus(
  database: Database,
  { ends }: { ends: AskEnds },
): Promise<ProjectionStatus[]> {
  const generations = await readGenerations(database);
  const statuses: ProjectionStatus[] = [];
  for (const live of generations.filter(({ state }) => state === 'live')) {
    const next = generations.find(
      ({ projection, state }) => projection === live.projection && state === 'building',
    );
    const { projection, generation, version, liveAt, group } = live;
    statuses.push({
      ...{ projection, generation, version, liveAt, group },
      positions: await positionsOf(database, live),
      rebuild: next ? await rebuildStatus(database, { live, next, ends }) : null,
    });
  }
  return statuses.toSorted((one, other) => (one.projection < other.projection ? -1 : 1));
}

async function rebuildStatus(
  database: Database,
  pair: { live: Generation; next: Generation; ends: AskEnds },
): Promise<RebuildStatus> {
  const { live: target, missing } = await distance(database, pair);
  const { generation, version, group, begunAt } = pair.next;
  const parked = await parkedOnlyIn(database, pair);
  return { generation, version, group, begunAt, passed: target - missing, of: target, parked };
}

async function positionsOf(database: Database, { group }: Generation): Promise<PartitionPosition[]> {
  const { rows } = await database.query<{ topic: string; partition: number; next_offset: string }>(
    'select topic, partition, next_offset from inbox_positions where consumer_group = $1 order by topic, partition',
    [group],
  );
  return rows.map(({ topic, partition, next_offset }) => ({
    topic,
    partition,
    nextOffset: BigInt(next_offset),
  }));
}
