/** How a member takes hold of a partition that the group has assigned to it. */
import type { TopicBounds } from '@diptych/kafka/partition-feeds';
import { OperatingError } from '@diptych/runtime/failure';
import type { LaneContext } from './lane-context.ts';
import { parkedKeys } from './parked-events.ts';
import { type Claim, claimPosition, type Place, type Position, readPosition } from './positions.ts';

/** A partition that this member has. */
export interface Hold {
  readonly claim: Claim;
  readonly topicId: string;
  /** As committed. */
  nextOffset: bigint;
  /** Keys with something parked, in hexadecimal. Only who has the partition parks and settles. */
  readonly parkedKeys: Set<string>;
}

/**
 * Takes hold; null when the group has given the partition to somebody else, or may have. In this order, because each step
 * makes the next one safe: the position is read with its epoch; the coordinator says that the partition is ours, which is
 * later than that epoch; the epoch is raised, unless somebody else has raised it since. Who slept in between fails at the
 * last step, or has its epoch raised by the next owner.
 *
 * Throws OperatingError: `records-expired` when the position is not in the topic any more, `parked-keys-exhausted`, and what
 * Kafka answers.
 */
export async function takeHold(context: LaneContext, place: Place): Promise<Hold | null> {
  const { pool, feeds, from, limits } = context;
  const member = context.member();
  const seen = await readPosition(pool, place);
  if (!member || !(await member.holds(place))) return null;
  const bounds = await feeds.bounds(place.topic);
  if (seen) refuseLost(place, seen, bounds);
  const start = (from === 'beginning' ? bounds.first : bounds.lastStable)[place.partition];
  if (start === undefined) return null;
  const begin = { topicId: bounds.topicId, nextOffset: start };
  const position = await claimPosition(pool, { ...place, seen, begin, member: member.memberId });
  if (!position) return null;
  const keys = await parkedKeys(pool, { ...place, limit: limits.parkedKeysMax + 1 });
  if (keys.length > limits.parkedKeysMax) throw tooManyParked(place, limits.parkedKeysMax);
  return {
    claim: { ...place, epoch: position.epoch },
    topicId: position.topicId,
    nextOffset: position.nextOffset,
    parkedKeys: new Set(keys.map((key) => key.toString('hex'))),
  };
}

function refuseLost(
  { group, topic, partition }: Place,
  { topicId, nextOffset }: Position,
  { topicId: idNow, first, lastStable }: TopicBounds,
): void {
  const [begin, end] = [first[partition], lastStable[partition]];
  if (begin === undefined || end === undefined) return;
  const isAnother = topicId !== idNow;
  // A position behind the last stable offset is an ordinary one that waits for an open transaction to end.
  if (!isAnother && nextOffset >= begin) return;
  const why = isAnother
    ? 'the topic was made anew'
    : `retention removed the offsets ${nextOffset} to ${begin - 1n}`;
  throw new OperatingError('records-expired', `${group} cannot go on in ${topic}/${partition}: ${why}`, {
    remedy:
      'What lies between is gone. To go on with what is there, forget the group’s positions in the topic (docs/consume.md).',
  });
}

/** The error of a partition with too many parked keys. */
export function tooManyParked({ group, topic, partition }: Place, max: number): OperatingError {
  return new OperatingError(
    'parked-keys-exhausted',
    `${group} has more than ${max} keys parked in ${topic}/${partition}`,
    {
      remedy:
        'Something breaks many events: remove the cause, release what is parked, or raise parkedKeysMax.',
    },
  );
}
