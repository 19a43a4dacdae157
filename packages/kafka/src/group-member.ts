/**
 * Membership in a consumer group, on kafkajs: who reads which partition, and nothing else. Its fetching is paused: positions
 * are kept elsewhere, and kafkajs begins anew in silence where an offset is gone (`partition-feeds.ts` reads).
 */
import type { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import type { Logger } from '@diptych/runtime/log';
import kafkajs, { type Consumer } from 'kafkajs';
import { classify } from './classify.ts';
import { within } from './deadline.ts';
import { createKafka } from './kafkajs-client.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface GroupMemberOptions {
  readonly brokers: Brokers;
  readonly groupId: string;
  /** They must exist. */
  readonly topics: readonly string[];
  /** All partitions that this member has from now on; those that it had before and are not among them are gone. */
  readonly onAssigned: (partitions: readonly TopicPartition[]) => void;
  /** A member that sends no heartbeat for so long is out of the group. Default 30 s. */
  readonly sessionTimeoutMs?: number | undefined;
  readonly log: Logger;
}

export interface GroupMember {
  /** Resolves when the client has given up for good: the member is dead then, and has to join anew. */
  readonly failed: Promise<OperatingError>;
  /** As the coordinator names it; empty before the first assignment. */
  readonly memberId: string;
  /**
   * Asks the coordinator whether this member has the partition now, that is at some moment after the call: a member that
   * slept through a rebalance learns it here. Throws OperatingError when there is no answer.
   */
  holds(partition: TopicPartition): Promise<boolean>;
  /** Tells Kafka's own tools how far the group is. Nothing here reads it, so that what fails is of no account. */
  tell(positions: readonly (TopicPartition & { readonly nextOffset: bigint })[]): Promise<void>;
  /** Leaves the group, so that others have its partitions at once. Never throws. */
  leave(): Promise<void>;
}

const sessionTimeoutDefaultMs = 30_000;
const requestTimeoutMs = 30_000;
const askLimitMs = 10_000;
const leaveLimitMs = 10_000;
/** How late added partitions are noticed. */
const metadataMaxAgeMs = 30_000;

/** Joins the group. Throws OperatingError when Kafka cannot be reached, refuses, or does not know a topic. */
export async function joinGroup(options: GroupMemberOptions): Promise<GroupMember> {
  const { brokers, groupId, topics, onAssigned, log, sessionTimeoutMs = sessionTimeoutDefaultMs } = options;
  const consumer = createKafka({ brokers, clientId: groupId, requestTimeoutMs, log }).consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    // Three heartbeats may be lost.
    heartbeatInterval: Math.min(3000, Math.floor(sessionTimeoutMs / 4)),
    allowAutoTopicCreation: false,
    metadataMaxAge: metadataMaxAgeMs,
    // With everything paused it is how often the client looks up: for heartbeats and rebalances.
    maxWaitTimeInMs: 250,
    retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 5, restartOnFailure: async () => true },
  });
  let memberId = '';
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    memberId = payload.memberId;
    const assigned = Object.entries(payload.memberAssignment);
    // Before the client can fetch: the event is told in the course of joining.
    consumer.pause(assigned.map(([topic, partitions]) => ({ topic, partitions })));
    onAssigned(
      assigned.flatMap(([topic, partitions]) => partitions.map((partition) => ({ topic, partition }))),
    );
  });
  const { promise: failed, resolve: fail } = Promise.withResolvers<OperatingError>();
  // kafkajs starts again by itself after errors that it takes for passing; after others it only says so here.
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) fail(classify(payload.error, 'asking'));
  });
  const leave = async (): Promise<void> => {
    const left = consumer.disconnect().catch(() => undefined);
    await within(left, { limitMs: leaveLimitMs, what: 'leaving the group' }).catch((error: unknown) =>
      log.warn({ err: error, groupId }, 'the group was not left in time'),
    );
  };
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics] });
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined });
  } catch (error) {
    await leave();
    throw classify(error, 'asking');
  }
  return {
    failed,
    get memberId() {
      return memberId;
    },
    holds: (partition) => isHeld(consumer, { memberId, ...partition }),
    tell: (positions) =>
      tell(consumer, positions).catch((error: unknown) => log.debug({ err: error }, 'not told')),
    leave,
  };
}

/** States in which the assignment that the coordinator shows is the one in force. */
const assignedStates: readonly string[] = ['Stable', 'PreparingRebalance'];

async function isHeld(
  consumer: Consumer,
  { memberId, topic, partition }: TopicPartition & { readonly memberId: string },
): Promise<boolean> {
  try {
    const { state, members } = await within(consumer.describeGroup(), {
      limitMs: askLimitMs,
      what: 'asking for the assignment',
    });
    const own = members.find((member) => member.memberId === memberId);
    if (!own || !assignedStates.includes(state)) return false;
    const { assignment } = kafkajs.AssignerProtocol.MemberAssignment.decode(own.memberAssignment) ?? {};
    return assignment?.[topic]?.includes(partition) ?? false;
  } catch (error) {
    throw classify(error, 'asking');
  }
}

async function tell(
  consumer: Consumer,
  positions: readonly (TopicPartition & { readonly nextOffset: bigint })[],
): Promise<void> {
  const offsets = positions.map(({ topic, partition, nextOffset }) => ({
    ...{ topic, partition, offset: nextOffset.toString() },
  }));
  await within(consumer.commitOffsets(offsets), { limitMs: askLimitMs, what: 'telling positions' });
}
