/**
 * The few requests that a reader without a group needs, on the lower floors of `@platformatic/kafka`: its connections
 * and its versioned APIs. Its own consumer is not used, because its `read_committed` delivers aborted records and fails
 * on an empty control batch, which compaction leaves behind.
 * https://kafka.apache.org/43/design/protocol/
 */
import { assert, present } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import {
  Base,
  type Broker,
  type Connection,
  fetchV13,
  fetchV14,
  fetchV15,
  fetchV16,
  fetchV17,
  listOffsetsV6,
  listOffsetsV7,
  listOffsetsV8,
  listOffsetsV9,
  metadataV10,
  metadataV11,
  metadataV12,
  NetworkError,
  ProtocolError,
  ResponseError,
  UnsupportedApiError,
} from '@platformatic/kafka';
import { classify } from './classify.ts';
import { type Cursor, cursorKey } from './cursor.ts';

export type { RecordsBatch } from '@platformatic/kafka';
export type FetchResponsePartition = fetchV17.FetchResponsePartition;

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
const metadataApis = [metadataV12.api, metadataV11.api, metadataV10.api];

const readUncommitted = 0;
const readCommitted = 1;
/** Special timestamps of ListOffsets. */
const beginning = -2n;
const end = -1n;

/** How long a fetch waits at the broker for something new. It is also how late new partitions and the end are noticed. */
export const maxWaitMs = 250;

/** What one answer may hold at most; a single larger batch comes whole all the same. */
const fetchBytesMax = 8 * 1024 * 1024;
const partitionBytesMax = 1024 * 1024;

/** Every method may throw the client's error: the caller waits, asks for the topics again, and goes on. */
export class FetchClient {
  readonly #base: Base;
  readonly #bootstrap: readonly Broker[];
  #nodes = new Map<number, Broker>();
  #versions: Promise<Versions> | undefined;

  constructor({ brokers, requestTimeoutMs }: { brokers: readonly string[]; requestTimeoutMs: number }) {
    this.#bootstrap = brokers.map(brokerOf);
    this.#base = new Base({
      clientId: 'diptych-reader',
      bootstrapBrokers: [...brokers],
      requestTimeout: requestTimeoutMs,
      connectTimeout: Math.min(3000, requestTimeoutMs),
      retries: 0,
    });
  }

  /** The topics that exist, of the named ones or of all. */
  async topics(names: readonly string[] | 'all'): Promise<Map<string, TopicLocation>> {
    const { metadata } = await this.#negotiated();
    const connection = await this.#anyConnection();
    const answer = await metadata
      .async(connection, names === 'all' ? null : [...names], false, false)
      .catch(partlyAnswered<metadataV12.MetadataResponse>);
    this.#nodes = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
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
    const { listOffsets } = await this.#negotiated();
    const timestamp = which === 'first' ? beginning : end;
    const isolation = which === 'end' ? readUncommitted : readCommitted;
    const offsets = new Map<string, bigint[]>();
    for (const [leader, asked] of byLeader) {
      const request = asked.map(({ name, partitionIndex }) => ({
        name,
        partitions: [{ partitionIndex, currentLeaderEpoch: -1, timestamp }],
      }));
      const connection = await this.#connectionTo(leader);
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
  async fetch(cursors: readonly Cursor[], { maxWaitMs }: { maxWaitMs: number }): Promise<Fetched[]> {
    const leader = present(cursors[0], 'a partition to fetch').leader;
    const byPartition = new Map<string, Cursor>();
    const topics = new Map<string, fetchV17.FetchRequestTopic>();
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
    const { fetch } = await this.#negotiated();
    const connection = await this.#connectionTo(leader);
    // Session 0, epoch -1: each request stands for itself.
    const answer = await fetch
      .async(connection, maxWaitMs, 1, fetchBytesMax, readCommitted, 0, -1, [...topics.values()], [], '')
      .catch(partlyAnswered<fetchV17.FetchResponse>);
    return answer.responses.flatMap(({ topicId, partitions }) =>
      partitions.flatMap((partition) => {
        const cursor = byPartition.get(cursorKey({ topicId, partition: partition.partitionIndex }));
        return cursor ? [{ cursor, answer: partition }] : [];
      }),
    );
  }

  /** Ends the connections; requests in flight fail. Never throws. */
  async close(): Promise<void> {
    await this.#base.close().catch(() => undefined);
  }

  #negotiated(): Promise<Versions> {
    this.#versions ??= negotiate(this.#base);
    const versions = this.#versions;
    versions.catch(() => {
      if (this.#versions === versions) this.#versions = undefined;
    });
    return versions;
  }

  #anyConnection(): Promise<Connection> {
    return this.#base.connections.getFirstAvailable([...this.#nodes.values(), ...this.#bootstrap]);
  }

  #connectionTo(node: number): Promise<Connection> {
    const broker = this.#nodes.get(node);
    if (!broker) throw new NetworkError(`the cluster shows no broker ${node}`);
    return this.#base.connections.get(broker);
  }
}

interface Versions {
  readonly fetch: (typeof fetchApis)[number];
  readonly listOffsets: (typeof listOffsetsApis)[number];
  readonly metadata: (typeof metadataApis)[number];
}

async function negotiate(base: Base): Promise<Versions> {
  const offered = await base.listApis();
  const newest = <T extends { readonly key: number; readonly version: number }>(
    candidates: readonly T[],
  ): T => {
    const found = candidates.find(({ key, version }) =>
      offered.some((api) => api.apiKey === key && api.minVersion <= version && version <= api.maxVersion),
    );
    if (!found)
      throw new UnsupportedApiError(`the broker knows no version of API ${candidates[0]?.key} that we know`);
    return found;
  };
  return { fetch: newest(fetchApis), listOffsets: newest(listOffsetsApis), metadata: newest(metadataApis) };
}

/** The client throws an answer away when one of its partitions has an error; it is kept in the error. */
function partlyAnswered<T>(error: unknown): T {
  if (error instanceof ResponseError && 'response' in error) {
    const answer = error.response as T & { readonly errorCode?: number };
    if ((answer.errorCode ?? 0) === 0) return answer;
  }
  throw error;
}

function mergedByName(
  asked: readonly listOffsetsV9.ListOffsetsRequestTopic[],
): listOffsetsV9.ListOffsetsRequestTopic[] {
  const merged = new Map<string, listOffsetsV9.ListOffsetsRequestTopic>();
  for (const { name, partitions } of asked) {
    const topic = merged.get(name) ?? { name, partitions: [] };
    merged.set(name, topic);
    topic.partitions.push(...partitions);
  }
  return [...merged.values()];
}

/** `host:port`; an IPv6 address stands in brackets. */
function brokerOf(address: string): Broker {
  const { hostname, port } = new URL(`kafka://${address}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 9092) };
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
