/**
 * Events that could not be handled wait in a table, and those of the same key behind them, in their order. A person decides
 * about the first of a key: release it, which handles it again, or discard it; then the others follow by themselves. The
 * member that has the partition carries it out.
 */
import type { IncomingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import type { ClientBase } from 'pg';
import type { Place } from './positions.ts';

type Database = Pick<ClientBase, 'query'>;

/** Nothing is wrong with it but what stands before it. */
export const behindParked = 'behind-parked';

/** Why an event is parked. */
export interface Reason {
  /** An error code of docs/errors.md, or `behind-parked`. */
  readonly reason: string;
  readonly detail: string | null;
  /** How often its handler failed. */
  readonly attempts: number;
}

export interface ParkedEvent extends Place, Reason {
  readonly id: bigint;
  readonly record: IncomingRecord;
  readonly parkedAt: Date;
  readonly decision: Decision | null;
}

export type Decision = 'release' | 'discard';

interface ParkedRow {
  readonly id: string;
  readonly consumer_group: string;
  readonly topic: string;
  readonly partition: number;
  readonly record_offset: string;
  readonly record_key: Buffer | null;
  readonly record_value: Buffer | null;
  readonly record_headers: readonly (readonly [string, string])[];
  readonly record_time: Date;
  readonly reason: string;
  readonly detail: string | null;
  readonly attempts: number;
  readonly parked_at: Date;
  readonly decision: Decision | null;
}

const columns = `id, consumer_group, topic, partition, record_offset, record_key, record_value, record_headers, record_time,
  reason, detail, attempts, parked_at, decision`;
const ofPlace = 'consumer_group = $1 and topic = $2 and partition = $3';

/** Sets the record aside. */
export async function park(
  tx: Database,
  { group, record, why }: { group: string; record: IncomingRecord; why: Reason },
): Promise<void> {
  const { topic, partition, offset, key, value, headers, timestampMs } = record;
  await tx.query(
    `insert into inbox_parked (consumer_group, topic, partition, record_offset, record_key, record_value, record_headers,
       record_time, reason, detail, attempts)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      ...[group, topic, partition, offset.toString(), key, value, JSON.stringify([...headers])],
      ...[new Date(timestampMs), why.reason, textOf(why.detail), why.attempts],
    ],
  );
}

/** The keys with something parked, at most `limit` of them. */
export async function parkedKeys(
  database: Database,
  { group, topic, partition, limit }: Place & { readonly limit: number },
): Promise<Buffer[]> {
  const { rows } = await database.query<{ record_key: Buffer }>(
    `select distinct record_key from inbox_parked where ${ofPlace} and settled_at is null and record_key is not null
     limit $4`,
    [group, topic, partition, limit],
  );
  return rows.map(({ record_key }) => record_key);
}

/**
 * The next one to carry out: the first of its key, with a decision, or with nothing wrong but what stood before it.
 * A record without a key has nobody behind it.
 */
export async function nextDecided(
  database: Database,
  { group, topic, partition }: Place,
): Promise<ParkedEvent | null> {
  const { rows } = await database.query<ParkedRow>(
    `select ${columns} from inbox_parked parked
     where ${ofPlace} and settled_at is null and (decision is not null or reason = '${behindParked}')
       and not exists (
         select from inbox_parked earlier
         where earlier.consumer_group = parked.consumer_group and earlier.topic = parked.topic
           and earlier.partition = parked.partition and earlier.record_key = parked.record_key
           and earlier.record_offset < parked.record_offset and earlier.settled_at is null)
     order by record_offset limit 1`,
    [group, topic, partition],
  );
  return rows.map(toParked)[0] ?? null;
}

/** Whether anything of the key waits still. */
export async function isKeyParked(
  database: Database,
  { group, topic, partition, key }: Place & { readonly key: Buffer },
): Promise<boolean> {
  const { rowCount } = await database.query(
    `select from inbox_parked where ${ofPlace} and record_key = $4 and settled_at is null limit 1`,
    [group, topic, partition, key],
  );
  return rowCount === 1;
}

/** It was handled, or given up: it stays for a time, and blocks nothing any more. False when it was settled before. */
export async function settle(tx: Database, id: bigint): Promise<boolean> {
  const { rowCount } = await tx.query(
    'update inbox_parked set settled_at = now() where id = $1 and settled_at is null',
    [id.toString()],
  );
  return rowCount === 1;
}

/** It was released and could not be handled: it waits for another decision. */
export async function parkAgain(
  tx: Database,
  { id, why: { reason, detail, attempts } }: { id: bigint; why: Reason },
): Promise<void> {
  await tx.query(
    `update inbox_parked set reason = $2, detail = $3, attempts = attempts + $4, decision = null, decision_reason = null
     where id = $1`,
    [id.toString(), reason, textOf(detail), attempts],
  );
}

/** What waits, oldest first. */
export async function listParked(
  database: Database,
  { group, limit }: { group: string; limit: number },
): Promise<ParkedEvent[]> {
  const { rows } = await database.query<ParkedRow>(
    `select ${columns} from inbox_parked where consumer_group = $1 and settled_at is null order by id limit $2`,
    [group, limit],
  );
  return rows.map(toParked);
}

export interface Deciding {
  readonly group: string;
  readonly id: bigint;
}

/**
 * Has a parked event handled again, and then those behind it, by the member that has its partition, within about a second
 * of a member running. Throws OperatingError `parked-record-refused` when it does not wait, or another one before it does.
 */
export async function release(database: Database, deciding: Deciding): Promise<void> {
  await decide(database, { ...deciding, decision: 'release', reason: null });
}

/** Gives a parked event up, for a reason that is kept; those behind it are handled. Throws as `release`. */
export async function discard(
  database: Database,
  { reason, ...deciding }: Deciding & { readonly reason: string },
): Promise<void> {
  await decide(database, { ...deciding, decision: 'discard', reason });
}

async function decide(
  database: Database,
  { group, id, decision, reason }: Deciding & { decision: Decision; reason: string | null },
): Promise<void> {
  const { rowCount } = await database.query(
    `update inbox_parked parked set decision = $3, decision_reason = $4
     where consumer_group = $1 and id = $2 and settled_at is null
       and not exists (
         select from inbox_parked earlier
         where earlier.consumer_group = parked.consumer_group and earlier.topic = parked.topic
           and earlier.partition = parked.partition and earlier.record_key = parked.record_key
           and earlier.record_offset < parked.record_offset and earlier.settled_at is null)`,
    [group, id.toString(), decision, reason],
  );
  if (rowCount === 1) return;
  throw new OperatingError(
    'parked-record-refused',
    `event ${id} of ${group} does not wait, or not as the first`,
    {
      remedy:
        'List what is parked: the first of each key can be released or discarded, the others follow it.',
    },
  );
}

/** Postgres has no text with a zero in it. */
const textOf = (detail: string | null): string | null => detail?.replaceAll('\0', '') ?? null;

function toParked(row: ParkedRow): ParkedEvent {
  const { topic, partition } = row;
  return {
    id: BigInt(row.id),
    ...{ group: row.consumer_group, topic, partition },
    ...{ reason: row.reason, detail: row.detail, attempts: row.attempts },
    record: {
      ...{ topic, partition, offset: BigInt(row.record_offset) },
      ...{ key: row.record_key, value: row.record_value },
      headers: new Map(row.record_headers),
      timestampMs: row.record_time.getTime(),
    },
    parkedAt: row.parked_at,
    decision: row.decision,
  };
}
