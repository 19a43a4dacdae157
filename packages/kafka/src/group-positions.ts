/**
 * Where a consumer group goes on, read and set from outside of it. The coordinator itself takes positions of no member
 * only while the group has none, so that a group at work is never moved.
 * https://kafka.apache.org/43/design/protocol/
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import {
  consumerGroupDescribeV0,
  describeGroupsV5,
  findCoordinatorV4,
  findCoordinatorV5,
  findCoordinatorV6,
  offsetCommitV8,
  offsetCommitV9,
  offsetFetchV8,
  offsetFetchV9,
  ProtocolError,
} from '@platformatic/kafka';
import { classify, errorCodes } from './classify.ts';
import { Connections, partlyAnswered } from './connections.ts';
import type { OffsetsByTopic } from './cursor.ts';
import { FetchClient } from './fetch-client.ts';

// Newest first.
const findCoordinatorApis = [findCoordinatorV6.api, findCoordinatorV5.api, findCoordinatorV4.api];
const offsetCommitApis = [offsetCommitV9.api, offsetCommitV8.api];
const offsetFetchApis = [offsetFetchV9.api, offsetFetchV8.api];

/** Of a coordinator: of a group, not of transactions. */
const groupKey = 0;
/** No member, and no generation of members. */
const nobody = { generation: -1, member: '' } as const;
const noPosition = -1n;

const requestTimeoutMs = 10_000;
/** The first group of a cluster waits until the topic of positions is there. */
const patienceMs = 30_000;
const retryIntervalMs = 200;

/** The coordinator has moved, or is on its way: https://kafka.apache.org/43/design/protocol/#protocol_error_codes */
const passing = ['NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE'];
/** What it says when the group has members. */
const atWork = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS', 'STALE_MEMBER_EPOCH'];

export interface GroupOptions {
  readonly brokers: Brokers;
  readonly group: string;
}

export interface GroupStanding {
  /** The topics of which it has a position in any partition; sorted. */
  readonly topics: readonly string[];
  readonly members: number;
}

/** Of a group that does not exist there is nothing. Throws OperatingError: `kafka-unreachable`, `kafka-refused`. */
export async function groupStanding(options: GroupOptions): Promise<GroupStanding> {
  const { group: groupId } = options;
  return await atCoordinator(options, async (connections, coordinator) => {
    const connection = await connections.at(coordinator);
    const fetch = await connections.newest(offsetFetchApis);
    const asked = { groupId, memberId: null, memberEpoch: nobody.generation, topics: null };
    const fetched = await fetch.async(connection, [asked], true);
    const topics = fetched.groups
      .flatMap((group) => group.topics)
      .filter(({ partitions }) => partitions.some(({ committedOffset }) => committedOffset !== noPosition))
      .map(({ name }) => name)
      .sort();
    return { topics, members: await membersOf(connections, { connection, groupId }) };
  });
}

/** Of either protocol of groups: each is asked for its own, and says of the other's that there is none. */
async function membersOf(
  connections: Connections,
  { connection, groupId }: { connection: Awaited<ReturnType<Connections['at']>>; groupId: string },
): Promise<number> {
  const describe = await connections.newest([describeGroupsV5.api]);
  const classic = await describe
    .async(connection, [groupId], false)
    .catch(partlyAnswered<describeGroupsV5.DescribeGroupsResponse>);
  const counts = classic.groups.map(({ members }) => members.length);
  // KIP-848, Kafka 4.
  const describeNew = await connections.newest([consumerGroupDescribeV0.api]).catch(() => null);
  if (describeNew !== null) {
    const { groups } = await describeNew
      .async(connection, [groupId], false)
      .catch(partlyAnswered<consumerGroupDescribeV0.ConsumerGroupDescribeResponse>);
    counts.push(...groups.map(({ members }) => members.length));
  }
  return Math.max(0, ...counts);
}

/**
 * Sets where the group goes on; `live` when it has members, and then nothing is set. Throws OperatingError:
 * `kafka-unreachable`, `kafka-refused`.
 */
export async function setGroupPositions(
  options: GroupOptions & { readonly positions: OffsetsByTopic },
): Promise<'set' | 'live'> {
  const { group, positions } = options;
  const topics = [...positions].map(([name, offsets]) => ({
    name,
    partitions: offsets.map((committedOffset, partitionIndex) => ({
      ...{ partitionIndex, committedOffset, committedLeaderEpoch: -1, committedMetadata: '' },
    })),
  }));
  return await atCoordinator(options, async (connections, coordinator) => {
    const commit = await connections.newest(offsetCommitApis);
    const answer = await commit
      .async(await connections.at(coordinator), group, nobody.generation, nobody.member, null, topics)
      .catch(partlyAnswered<offsetCommitV9.OffsetCommitResponse>);
    const codes = answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
    const failure = codes.find((code) => code !== 0);
    if (failure === undefined) return 'set';
    const refusal = new ProtocolError(failure);
    if (atWork.includes(refusal.apiId)) return 'live';
    throw refusal;
  });
}

/** By topic, the first offset of each partition that committed readers do not have yet. Throws OperatingError as `classify` says. */
export async function endsOf({
  brokers,
  topics,
}: {
  readonly brokers: Brokers;
  readonly topics: readonly string[];
}): Promise<OffsetsByTopic> {
  const client = new FetchClient({ brokers, requestTimeoutMs });
  try {
    return await client.offsets((await client.topics(topics)).values(), 'last-stable');
  } catch (error) {
    throw classify(error, 'asking');
  } finally {
    await client.close();
  }
}

type Coordinator = Parameters<Connections['at']>[0];

async function atCoordinator<T>(
  { brokers, group }: GroupOptions,
  ask: (connections: Connections, coordinator: Coordinator) => Promise<T>,
): Promise<T> {
  const connections = new Connections({ brokers, clientId: 'diptych-admin', requestTimeoutMs });
  const deadline = performance.now() + patienceMs;
  try {
    for (;;) {
      try {
        return await ask(connections, await coordinatorOf(connections, group));
      } catch (error) {
        const codes = errorCodes(error);
        if (!passing.some((code) => codes.has(code)) || performance.now() > deadline)
          throw classify(error, 'asking');
        await sleep(retryIntervalMs);
      }
    }
  } finally {
    await connections.close();
  }
}

async function coordinatorOf(connections: Connections, group: string): Promise<Coordinator> {
  const find = await connections.newest(findCoordinatorApis);
  const { coordinators } = await connections.ask(
    async (connection) => await find.async(connection, groupKey, [group]),
  );
  const [found] = coordinators;
  if (found) return { host: found.host, port: found.port };
  throw new OperatingError('kafka-unreachable', `Kafka names no coordinator of the group ${group}`, {
    remedy: 'Check that the brokers run; the next call asks again.',
  });
}
