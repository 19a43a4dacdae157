/** Reading committed records without a consumer group: whole topics to their end, or on and on as they come. */
import { setTimeout as sleep } from 'node:timers/promises';
import { present } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import { classify } from './classify.ts';
import { backOffMs, type Cursor, cursorsOf, type OffsetsByTopic } from './cursor.ts';
import { FetchClient, fetchFailure, maxWaitMs } from './fetch-client.ts';
import { Follower, type FollowerOptions } from './follower.ts';
import { knownTopics } from './known-topics.ts';
import { committedRecords } from './read-committed.ts';
import type { IncomingRecord } from './record.ts';

export type { OffsetsByTopic } from './cursor.ts';

const requestTimeoutMs = 10_000;

export interface ReadToEndOptions {
  readonly brokers: Brokers;
  readonly topics: readonly string[];
  /** Default: `beginning`, each partition's first record. `last`: so many offsets before the end of each partition. */
  readonly from?: 'beginning' | OffsetsByTopic | { readonly last: bigint };
  /** Ends reading; its reason is thrown, because what was read is not whole. */
  readonly signal?: AbortSignal | undefined;
  /** What one answer may hold at most; a single larger batch comes whole all the same. Default 1 MiB. */
  readonly partitionBytesMax?: number | undefined;
  /** For how long Kafka may give no answer. Default 30 s. */
  readonly stallTimeoutMs?: number;
}

/**
 * All committed records up to the last stable offsets that the topics have at the call, one partition after another.
 * Throws OperatingError: `kafka-unreachable`, `kafka-refused` (a topic that is unknown for 10 s), `records-expired`; the
 * signal's reason.
 */
export async function* readToEnd(options: ReadToEndOptions): AsyncGenerator<IncomingRecord, void, undefined> {
  const client = new FetchClient({ brokers: options.brokers, requestTimeoutMs });
  const onAbort = () => void client.close();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const { partitionBytesMax } = options;
    const ranges = await patiently(options, async () => await rangesOf(client, options));
    for (const { cursor, end } of ranges) {
      while (cursor.offset < end)
        yield* await patiently(
          options,
          async () => await fetchUpTo(client, { cursor, end, partitionBytesMax }),
        );
    }
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
    await client.close();
  }
}

export interface FollowOptions extends FollowerOptions {
  readonly brokers: Brokers;
  /** Ends the iteration, quietly. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Committed records of all partitions as they come, each partition in its order, without an end. It outlives brokers
 * that go away and leaders that move, and takes in new topics. Memory is bounded by one answer (8 MiB) a broker.
 * Throws OperatingError: `records-expired`, `kafka-refused`.
 */
export async function* follow(options: FollowOptions): AsyncGenerator<IncomingRecord, void, undefined> {
  const client = new FetchClient({ brokers: options.brokers, requestTimeoutMs });
  const signal = options.signal ?? new AbortController().signal;
  const onAbort = () => void client.close();
  signal.addEventListener('abort', onAbort, { once: true });
  const follower = new Follower({ client, options, signal });
  try {
    while (!signal.aborted) {
      for (const { cursor, answer } of await follower.next()) {
        const { records, nextOffset } = committedRecords(answer, cursor);
        cursor.offset = nextOffset;
        for (const record of records) {
          if (signal.aborted) return;
          yield record;
        }
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    await client.close();
  }
}

interface Range {
  readonly cursor: Cursor;
  /** The last stable offset: the first one that is not to be read. */
  readonly end: bigint;
}

async function rangesOf(client: FetchClient, options: ReadToEndOptions): Promise<Range[]> {
  const { topics: names, from, signal } = options;
  const topics = await knownTopics((asked) => client.topics(asked), names, signal);
  const unknown = names.filter((name) => !topics.has(name));
  if (unknown.length > 0) {
    throw new OperatingError('kafka-refused', `Kafka does not know the topic ${unknown.join(', ')}`, {
      remedy: 'Create the topic (`diptych init` creates ours), or give the reader the ACL Describe.',
    });
  }
  const ends = await client.offsets(topics.values(), 'last-stable');
  const firsts = await client.offsets(topics.values(), 'first');
  return [...topics.values()].flatMap((topic) => {
    const endOf = (partition: number) => present(ends.get(topic.name)?.[partition], 'a last stable offset');
    const startOf = (partition: number) => {
      const first = present(firsts.get(topic.name)?.[partition], 'a first offset');
      if (from === undefined || from === 'beginning') return first;
      if ('last' in from) return max(first, endOf(partition) - from.last);
      return from.get(topic.name)?.[partition] ?? first;
    };
    return cursorsOf(topic, startOf).map((cursor) => ({ cursor, end: endOf(cursor.partition) }));
  });
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** One fetch; the cursor moves on. */
async function fetchUpTo(
  client: FetchClient,
  { cursor, end, partitionBytesMax }: Range & Pick<ReadToEndOptions, 'partitionBytesMax'>,
): Promise<readonly IncomingRecord[]> {
  try {
    const [fetched] = await client.fetch([cursor], { maxWaitMs, partitionBytesMax });
    if (!fetched) throw throttled(cursor);
    const { answer } = fetched;
    const failure = fetchFailure({ cursor, answer });
    if (failure) throw failure;
    const { records, nextOffset } = committedRecords(answer, cursor);
    // Nothing although it was asked for alone: compaction has left nothing between here and the end.
    const gap = nextOffset === cursor.offset && answer.lastStableOffset >= end;
    cursor.offset = gap ? end : nextOffset;
    return records.filter((record) => record.offset < end);
  } catch (error) {
    // The leader may have moved; when that cannot be learned, the next attempt tries.
    const topics = await client.topics([cursor.topic]).catch(() => undefined);
    cursor.leader = topics?.get(cursor.topic)?.leaders[cursor.partition] ?? cursor.leader;
    throw error;
  }
}

/** Over its quota a client is answered at once, with no partition at all, and then not heard for a while (KIP-219). */
function throttled({ topic, partition }: Cursor): OperatingError {
  return new OperatingError('kafka-unreachable', `Kafka sends nothing of ${topic}, partition ${partition}`, {
    remedy:
      'Nothing to do unless it lasts: then raise the quota consumer_byte_rate of the client diptych-reader.',
  });
}

/** Tries again what may pass by itself, for as long as the options allow Kafka to be silent. */
async function patiently<T>(
  { stallTimeoutMs = 30_000, signal }: Pick<ReadToEndOptions, 'stallTimeoutMs' | 'signal'>,
  attempt: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + stallTimeoutMs;
  for (let attempts = 1; ; attempts += 1) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      const failure = classify(error, 'asking');
      if (failure.retry !== 'timed' || performance.now() > deadline) throw failure;
      await sleep(backOffMs(attempts), undefined, { signal }).catch(() => undefined);
    }
  }
}
