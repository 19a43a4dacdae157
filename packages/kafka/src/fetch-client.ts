/**
 * The few requests that a reader without a group needs, on the lower floors of `@platformatic/kafka`: its connections
 * and its versioned APIs. Its own consumer is not used, because its `read_committed` delivers aborted records and fails
 * on an empty control batch, which compaction leaves behind.
 * https://kafka.apache.org/43/design/protocol/
 */
import { assert, present } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import type * as Kafka from '@platformatic/kafka';
import { classify } from './classify.ts';
import { ProtocolError, requests } from './client-floors.ts';
import { Connections, partlyAnswered } from './connections.ts';
import { type Cursor, cursorKey } from './cursor.ts';

export type { RecordsBatch } from '@platformatic/kafka';

const {
  fetchV13,
  fetchV14,
  fetchV15,
  fetchV16,
  fetchV17,
  listOffsetsV6,
  listOffsetsV7,
  listOffsetsV8,
  listOffsetsV9,
} = requests;
export type FetchResponsePartition = Kafka.fetchV17.FetchResponsePartition;

/** A topic as one metadata answer shows it. A topic created anew under the same name has another id. */
export interface TopicLocation {
  readonly name: string;
  readonly id: string;
  /** The leader's node id by partition; -1 while there is none. */
  readonly leaders: readonly number[];
}

export interface Fetched {
  readonly cursor: Cursor;
  readonly answer: FetchResponsePartition;
}

// Fetch by topic id (13) needs Kafka 3.1. Newest first.
const fetchApis = [fetchV17.api, fetchV16.api, fetchV15.api, fetchV14.api, fetchV13.api];
const listOffsetsApis = [listOffsetsV9.api, listOffsetsV8.api, listOffsetsV7.api, listOffsetsV6.api];

const readUncommitted = 0;
const readCommitted = 1;
/** Special timestamps of ListOffsets. */
const beginning = -2n;
const end = -1n;

/** How long a fetch waits at the broker for something new. It is also how late new partitions and the end are noticed. */
export const maxWaitMs = 250;

/** What one answer may hold at most; a single larger batch comes whole all the same. */
const fetchBytesMax = 8 * 1024 * 1024;
const partitionBytesMaxDefault = 1024 * 1024;

/** Every method may throw the client's error: the caller waits, asks for the topics again, and goes on. */
export class FetchClient {
  readonly #connections: Connections;

  constructor(options: { brokers: Brokers; requestTimeoutMs: number }) {
    this.#connections = new Connections({ clientId: 'diptych-reader', ...options });
  }

  /** The topics that exist, of the named ones or of all. */
  async topics(names: readonly string[] | 'all'): Promise<Map<string, TopicLocation>> {
    const answer = await this.#connections.metadata(names);
    const topics = new Map<string, TopicLocation>();
    for (const { errorCode, name, topicId, partitions } of answer.topics) {
      if (errorCode !== 0 || !name) continue;
      const leaders: number[] = [];
      for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId;
      topics.set(name, { name, id: topicId, leaders });
    }
    return topics;
  }

  /** The first offset of each partition, its last stable one (below it every transaction has ended), or its end. */
  async offsets(
    topics: Iterable<TopicLocation>,
    which: 'first' | 'last-stable' | 'end',
  ): Promise<Map<string, bigint[]>> {
    const byLeader = new Map<number, { name: string; partitionIndex: number }[]>();
    for (const { name, leaders } of topics) {
      for (const [partitionIndex, leader] of leaders.entries()) {
        const asked = byLeader.get(leader) ?? [];
        byLeader.set(leader, asked);
        asked.push({ name, partitionIndex });
      }
    }
    const listOffsets = await this.#connections.newest(listOffsetsApis);
    const timestamp = which === 'first' ? beginning : end;
    const isolation = which === 'end' ? readUncommitted : readCommitted;
    const offsets = new Map<string, bigint[]>();
    for (const [leader, asked] of byLeader) {
      const request = asked.map(({ name, partitionIndex }) => ({
        name,
        partitions: [{ partitionIndex, currentLeaderEpoch: -1, timestamp }],
      }));
      const connection = await this.#connections.to(leader);
      const answer = await listOffsets.async(connection, -1, isolation, mergedByName(request));
      for (const { name, partitions } of answer.topics) {
        const ofTopic = offsets.get(name) ?? [];
        offsets.set(name, ofTopic);
        for (const { partitionIndex, offset } of partitions) ofTopic[partitionIndex] = offset;
      }
    }
    return offsets;
  }

  /** Fetches on from the cursors, all of one leader. Without anything new it answers after `maxWaitMs`. */
  async fetch(
    cursors: readonly Cursor[],
    {
      maxWaitMs,
      partitionBytesMax = partitionBytesMaxDefault,
    }: { maxWaitMs: number; partitionBytesMax?: number | undefined },
  ): Promise<Fetched[]> {
    const leader = present(cursors[0], 'a partition to fetch').leader;
    const byPartition = new Map<string, Cursor>();
    const topics = new Map<string, Kafka.fetchV17.FetchRequestTopic>();
    for (const cursor of cursors) {
      assert(cursor.leader === leader, 'one fetch asks one leader');
      byPartition.set(cursorKey(cursor), cursor);
      const topic = topics.get(cursor.topicId) ?? { topicId: cursor.topicId, partitions: [] };
      topics.set(cursor.topicId, topic);
      topic.partitions.push({
        partition: cursor.partition,
        fetchOffset: cursor.offset,
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1,
        partitionMaxBytes: partitionBytesMax,
      });
    }
    const fetch = await this.#connections.newest(fetchApis);
    const connection = await this.#connections.to(leader);
    // Session 0, epoch -1: each request stands for itself.
    const answer = await fetch
      .async(connection, maxWaitMs, 1, fetchBytesMax, readCommitted, 0, -1, [...topics.values()], [], '')
      .catch(partlyAnswered<Kafka.fetchV17.FetchResponse>);
    return answer.responses.flatMap(({ topicId, partitions }) =>
      partitions.flatMap((partition) => {
        const cursor = byPartition.get(cursorKey({ topicId, partition: partition.partitionIndex }));
        return cursor ? [{ cursor, answer: partition }] : [];
      }),
    );
  }

  /** Ends the connections; requests in flight fail. Never throws. */
  close(): Promise<void> {
    return this.#connections.close();
  }
}

function mergedByName(
  asked: readonly Kafka.listOffsetsV9.ListOffsetsRequestTopic[],
): Kafka.listOffsetsV9.ListOffsetsRequestTopic[] {
  const merged = new Map<string, Kafka.listOffsetsV9.ListOffsetsRequestTopic>();
  for (const { name, partitions } of asked) {
    const topic = merged.get(name) ?? { name, partitions: [] };
    merged.set(name, topic);
    topic.partitions.push(...partitions);
  }
  return [...merged.values()];
}

/** What went wrong with one partition of an answer, if anything did. */
export function fetchFailure({ cursor, answer }: Fetched): OperatingError | undefined {
  if (answer.errorCode === 0) return undefined;
  const cause = new ProtocolError(answer.errorCode);
  const where = `${cursor.topic}, partition ${cursor.partition}, offset ${cursor.offset}`;
  if (cause.apiId === 'OFFSET_OUT_OF_RANGE') {
    return new OperatingError('records-expired', `the records to go on from are gone: ${where}`, {
      remedy:
        'Retention removed them, or the topic was created anew: read again from the beginning, knowing the gap.',
      cause,
    });
  }
  if (cause.apiId === 'TOPIC_AUTHORIZATION_FAILED') return classify(cause, 'asking');
  // A moved leader, a topic on its way out: the next metadata tell.
  return new OperatingError('kafka-unreachable', `${cause.apiId} for ${where}`, {
    remedy: 'Nothing to do unless it lasts: then check that all brokers run and have their partitions.',
    cause,
  });
}
