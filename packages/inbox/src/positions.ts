/**
 * How far a group is in a partition, and who may move that. The position is committed with the effect of the event before
 * it. A member that holds a partition has raised its epoch; with an older one nothing can be moved, so that a member that
 * slept through a rebalance has no effect any more.
 */
import type { TopicPartition } from '@diptych/kafka/group-member';
import type { ClientBase } from 'pg';

type Database = Pick<ClientBase, 'query'>;

/** A partition of a group. */
export interface Place extends TopicPartition {
  readonly group: string;
}

export interface Position {
  /** A topic made anew under its name has another id, and its offsets mean other records. */
  readonly topicId: string;
  /** Of the next record that is not handled. */
  readonly nextOffset: bigint;
  readonly epoch: bigint;
}

/** What a member may move a position with. */
export interface Claim extends Place {
  readonly epoch: bigint;
}

/** Another member has the partition: nothing of this one's transaction counts. */
export class FencedError extends Error {
  override readonly name = 'FencedError';

  constructor({ topic, partition, epoch }: Claim) {
    super(`another member has claimed ${topic}/${partition} after epoch ${epoch}`);
  }
}

/**
 * The transaction before, of this member, has committed after all: its COMMIT was on its way while everybody was told that it
 * had not. Only whoever has waited for its locks can know.
 */
export class CommittedLateError extends Error {
  override readonly name = 'CommittedLateError';

  constructor({ topic, partition }: Place) {
    super(`what was to be done again in ${topic}/${partition} is done`);
  }
}

interface PositionRow {
  readonly topic_id: string;
  /** `pg` gives a bigint as text. */
  readonly next_offset: string;
  readonly epoch: string;
}

/** Greater than each that a row may have had which was forgotten: nobody who held that one holds this one. */
const firstEpoch = '(extract(epoch from clock_timestamp()) * 1000000)::bigint';

const ofPlace = 'consumer_group = $1 and topic = $2 and partition = $3';

/** Null when the group has none there. */
export async function readPosition(
  database: Database,
  { group, topic, partition }: Place,
): Promise<Position | null> {
  const { rows } = await database.query<PositionRow>(
    `select topic_id, next_offset, epoch from inbox_positions where ${ofPlace}`,
    [group, topic, partition],
  );
  return rows.map(toPosition)[0] ?? null;
}

/**
 * Raises the epoch over the one that was read; null when somebody else has done so since. It waits for a transaction that
 * the holder before is in the middle of: the position that it answers is behind that.
 */
export async function claimPosition(
  database: Database,
  {
    group,
    topic,
    partition,
    seen,
    begin,
    member,
  }: Place & {
    /** As it was read before it was known that this member has the partition. */
    readonly seen: Position | null;
    /** Where a group without a position begins. */
    readonly begin: Pick<Position, 'topicId' | 'nextOffset'>;
    readonly member: string;
  },
): Promise<Position | null> {
  const place = [group, topic, partition];
  const { rows } = seen
    ? await database.query<PositionRow>(
        `update inbox_positions set epoch = epoch + 1, member = $5, claimed_at = now() where ${ofPlace} and epoch = $4
         returning topic_id, next_offset, epoch`,
        [...place, seen.epoch.toString(), member],
      )
    : await database.query<PositionRow>(
        `insert into inbox_positions (consumer_group, topic, partition, topic_id, next_offset, epoch, member)
         values ($1, $2, $3, $4, $5, ${firstEpoch}, $6) on conflict do nothing returning topic_id, next_offset, epoch`,
        [...place, begin.topicId, begin.nextOffset.toString(), member],
      );
  return rows.map(toPosition)[0] ?? null;
}

/**
 * Moves the position, and locks it until the transaction ends. Throws FencedError when another member has claimed the
 * partition since, CommittedLateError when it is no more where it is moved from.
 */
export async function advance(
  tx: Database,
  claim: Claim,
  { from, to }: { from: bigint; to: bigint },
): Promise<void> {
  const { group, topic, partition, epoch } = claim;
  const { rowCount } = await tx.query(
    `update inbox_positions set next_offset = $5 where ${ofPlace} and epoch = $4 and next_offset = $6`,
    [group, topic, partition, epoch.toString(), to.toString(), from.toString()],
  );
  if (rowCount === 1) return;
  const position = await readPosition(tx, claim);
  throw position?.epoch === epoch ? new CommittedLateError(claim) : new FencedError(claim);
}

/**
 * Forgets where a group is in a topic: it begins anew as one that was never there. For a topic that was made anew or has
 * lost records, and for a read model that is to be built again. A running member notices at its next event.
 */
export async function forgetPositions(
  database: Database,
  { group, topic }: Omit<Place, 'partition'>,
): Promise<number> {
  const { rowCount } = await database.query(
    'delete from inbox_positions where consumer_group = $1 and topic = $2',
    [group, topic],
  );
  return rowCount ?? 0;
}

function toPosition({ topic_id, next_offset, epoch }: PositionRow): Position {
  return { topicId: topic_id, nextOffset: BigInt(next_offset), epoch: BigInt(epoch) };
}
