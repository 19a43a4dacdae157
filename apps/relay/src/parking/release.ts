/** What one Kafka transaction does of a command on the parked topic: decided purely, from what was gathered. */
import { identityHeader } from '@diptych/kafka/identity';
import type { MessageLimits } from '@diptych/kafka/message-limits';
import { batchOverheadBytes, recordBytes } from '@diptych/kafka/packing';
import type { OutgoingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import { bytesOf } from '../identity-stamp.ts';
import type { PublishedRecord } from '../panels.ts';
import type { ParkedKey, Waiting } from './parked-keys.ts';
import {
  behindParked,
  type ExecutedCommand,
  type ParkedCommand,
  type ParkedRecord,
  releasedHeader,
} from './parked-record.ts';
import { tooLarge } from './poison.ts';

/** A parked record whose value was had, or why it was not. */
export interface Gathered {
  readonly record: ParkedRecord;
  /** The value in full; undefined when it was kept by reference and cannot be read again. */
  readonly value: Buffer | null | undefined;
}

export interface Round {
  readonly records: readonly PublishedRecord[];
  readonly executed: ExecutedCommand;
}

export interface RoundOptions {
  readonly command: ParkedCommand;
  /** With which record this round begins: the command's, or where the round before ended. */
  readonly first: string;
  readonly parkedKey: ParkedKey | undefined;
  /** By id; what is missing is left to the next round, null is in the topic no more. */
  readonly gathered: ReadonlyMap<string, Gathered | null>;
  readonly limits: MessageLimits;
  /** The valid topic of a domain event that had none; throws what TopicNaming throws. */
  readonly domainTopic: (asked: string) => string;
  /** A round is cut at this size. */
  readonly bytesMax: number;
}

/** Reasons that came after the record had got its topic. */
const namedBefore: ReadonlySet<string> = new Set([behindParked, 'record-too-large', 'row-too-large']);

type Remains = NonNullable<ExecutedCommand['remains']>;

/** The names of the released ones stand in one record, which has to fit the parked topic. */
const recordsMax = 5000;

/** The length of a value that is not at hand, as a varint. */
const lengthBytesMax = 5;

/** The records that are published now, and what the parked topic says of it. */
export function planRound(options: RoundOptions): Round {
  const { command, first, parkedKey, bytesMax } = options;
  const records: PublishedRecord[] = [];
  const released: string[] = [];
  const discarded: string[] = [];
  const end = (remains: Remains | null, next: string | null): Round => ({
    records,
    executed: { ...command, tag: 'executed', released, discarded, remains, next },
  });
  const front = parkedKey?.waiting[0];
  if (!parkedKey || !front) return end(notParked(first), null);
  if (front.id !== first) return end(waitsBehind(first, front), null);
  let bytes = 0;
  for (const { id } of parkedKey.waiting) {
    if (id === command.id && command.command === 'discard') {
      discarded.push(id);
      continue;
    }
    const gathered = options.gathered.get(id);
    if (gathered === undefined || bytes >= bytesMax || released.length >= recordsMax) return end(null, id);
    const restored = restore(id, gathered, options);
    if ('remedy' in restored) return end(restored, null);
    records.push(restored);
    released.push(id);
    bytes += restored.bytes;
  }
  return end(null, null);
}

/** The record as it would have been published, or why it still cannot be. */
function restore(
  id: string,
  gathered: Gathered | null,
  { limits, domainTopic }: RoundOptions,
): PublishedRecord | Remains {
  const discard = `\`diptych parked discard ${id} --reason …\``;
  if (gathered === null)
    return {
      id,
      reason: 'records-expired',
      remedy: `It is in the parked topic no more: ${discard} frees its key.`,
    };
  const { record, value } = gathered;
  const refused = (reason: string, remedy: string): Remains => ({ id, reason, remedy });
  if (record.reason === 'outbox-row-malformed' || record.topic === null) {
    return refused(
      record.reason,
      `The row is as it is: write the event again as it should be, then ${discard}.`,
    );
  }
  if (record.reason === 'value-not-representable') {
    return refused(
      record.reason,
      `Its row has no form as a record, and only its texts were kept: correct the row, whose change then waits behind it, and ${discard}.`,
    );
  }
  const topic = topicOf({ ...record, topic: record.topic }, domainTopic);
  if (topic instanceof OperatingError) return refused(topic.code, `${topic.remedy} Or ${discard}.`);
  const { key, headers, timestampMs, identity, panel, partition } = record;
  const original: OutgoingRecord = {
    ...{ topic, key, value: value ?? null, timestampMs },
    ...(partition === undefined ? {} : { partition }),
    headers: [[identityHeader, identity], ...headers, [releasedHeader, 'true']],
  };
  if (value === undefined) {
    const size = batchOverheadBytes + recordBytes(original) + record.bytes + lengthBytesMax;
    if (!limits.takes(topic, size))
      return refused(
        'record-too-large',
        `Raise max.message.bytes of the topic ${topic} to at least ${size}.`,
      );
    const why =
      panel === 'domain'
        ? 'its row is in the outbox table no more, or has another payload'
        : 'a change event is nowhere else';
    return refused(
      'value-not-kept',
      `Its value of ${record.bytes} bytes was too large to keep, and ${why}: ${discard}.`,
    );
  }
  const large = tooLarge(original, limits);
  if (large) return refused(large.code, large.remedy);
  return { ...original, panel, bytes: bytesOf(original) };
}

function topicOf(
  { reason, topic }: { reason: string; topic: string },
  domainTopic: (asked: string) => string,
): string | OperatingError {
  if (namedBefore.has(reason)) return topic;
  try {
    return domainTopic(topic);
  } catch (error) {
    if (error instanceof OperatingError) return error;
    throw error;
  }
}

function notParked(id: string): Remains {
  return {
    id,
    reason: 'not-parked',
    remedy: 'It was released or discarded before: `diptych parked show` tells.',
  };
}

function waitsBehind(id: string, front: Waiting): Remains {
  return {
    id,
    reason: 'waits-behind',
    remedy: `Release or discard ${front.id} first: it waits behind that.`,
  };
}
