/** How far a generation that is building is behind the live one. */
import type { ClientBase } from 'pg';
import type { Generation } from './generations.ts';

type Database = Pick<ClientBase, 'query'>;

/** Ends of a topic's partitions: the first offset of each that cannot be read yet. */
export type AskEnds = (topic: string) => Promise<readonly bigint[]>;

export interface Distance {
  /** Offsets of the live one's positions, markers included. */
  readonly live: bigint;
  /** Of those, offsets that the building one has not passed. */
  readonly missing: bigint;
}

interface PairRow {
  readonly topic: string;
  readonly partition: number;
  readonly live: string;
  readonly next: string | null;
  /** The live one read a topic that was made anew since: its offsets mean other records. */
  readonly is_another: boolean;
}

const pairsSql = `
select live.topic, live.partition, live.next_offset as live, next.next_offset as next,
       coalesce(next.topic_id <> live.topic_id, false) as is_another
from inbox_positions live
left join inbox_positions next
  on next.consumer_group = $2 and next.topic = live.topic and next.partition = live.partition
where live.consumer_group = $1`;

/**
 * Partition by partition against the live one's position; in a topic that was made anew since the live one read it, against
 * its end. A partition that the live one has never held counts for nothing.
 */
export async function distance(
  database: Database,
  { live, next, ends }: { live: Generation; next: Generation; ends: AskEnds },
): Promise<Distance> {
  const { rows } = await database.query<PairRow>(pairsSql, [live.group, next.group]);
  let [target, missing] = [0n, 0n];
  for (const row of rows) {
    const end = row.is_another ? ((await ends(row.topic))[row.partition] ?? 0n) : BigInt(row.live);
    const passed = BigInt(row.next ?? 0);
    target += end;
    if (passed < end) missing += end - passed;
  }
  return { live: target, missing };
}

/**
 * Events that wait in the building one and not in the live one: it cannot take its place while there are any. A person
 * decides about them, or mends the projection.
 */
export async function parkedOnlyIn(
  database: Database,
  { live, next }: { live: Generation; next: Generation },
): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    `select count(*)::int as n from inbox_parked next
     where next.consumer_group = $2 and next.settled_at is null and not exists (
       select from inbox_parked live
       where live.consumer_group = $1 and live.settled_at is null and live.topic = next.topic
         and live.partition = next.partition and live.record_offset = next.record_offset)`,
    [live.group, next.group],
  );
  return rows[0]?.n ?? 0;
}
