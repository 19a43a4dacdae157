/**
 * Committed records of chosen partitions from exact offsets on, each at the pace of who takes them: a partition that waits
 * holds up no other. One fetch is in flight with each leader, for all of its partitions that have room.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { present } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import { classify } from './classify.ts';
import { backOffMs, type Cursor } from './cursor.ts';
import { FetchClient, type Fetched, fetchFailure, maxWaitMs, type TopicLocation } from './fetch-client.ts';
import { committedRecords } from './read-committed.ts';
import type { IncomingRecord } from './record.ts';

const requestTimeoutMs = 10_000;

/** Answers that wait to be taken, of one partition: about 1 MiB each. One is worked on while the other comes. */
const chunksMax = 2;

/** Consecutive records of one partition. */
export interface Chunk {
  readonly records: readonly IncomingRecord[];
  /** Where to go on after them: behind markers and aborted records too. */
  readonly nextOffset: bigint;
}

/** What a topic has now. A topic made anew under its name has another id. */
export interface TopicBounds {
  readonly topicId: string;
  /** By partition; the last stable offset is the first one that cannot be read yet. */
  readonly first: readonly bigint[];
  readonly lastStable: readonly bigint[];
}

export interface FeedOptions {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** Of the first record to read. */
  readonly offset: bigint;
  /** Called when `take` has something new to say. */
  readonly onReady: () => void;
}

/** The reading of one partition. */
export class PartitionFeed {
  readonly cursor: Cursor;
  readonly #onReady: () => void;
  readonly #onTaken: () => void;
  readonly #chunks: Chunk[] = [];
  #failure: OperatingError | null = null;
  #closed = false;

  constructor({ topic, topicId, partition, offset, onReady }: FeedOptions, onTaken: () => void) {
    this.cursor = { topic, topicId, partition, leader: -1, offset };
    this.#onReady = onReady;
    this.#onTaken = onTaken;
  }

  /** What came next; undefined when nothing did yet. Throws OperatingError `records-expired`, `kafka-refused`. */
  take(): Chunk | undefined {
    const chunk = this.#chunks.shift();
    if (!chunk && this.#failure) throw this.#failure;
    if (chunk) this.#onTaken();
    return chunk;
  }

  get hasRoom(): boolean {
    return !this.#closed && this.#failure === null && this.#chunks.length < chunksMax;
  }

  /** Takes in what was fetched for it. */
  accept({ answer }: Fetched): void {
    if (this.#closed) return;
    const { records, nextOffset } = committedRecords(answer, this.cursor);
    if (nextOffset === this.cursor.offset) return;
    this.cursor.offset = nextOffset;
    this.#chunks.push({ records, nextOffset });
    this.#onReady();
  }

  /** What was taken in before comes first. */
  fail(failure: OperatingError): void {
    this.#failure = failure;
    this.#onReady();
  }

  close(): void {
    this.#closed = true;
    this.#chunks.length = 0;
  }
}

export class PartitionFeeds {
  readonly #client: FetchClient;
  readonly #onTrouble: (error: OperatingError) => void;
  readonly #feeds = new Set<PartitionFeed>();
  readonly #asked = new Set<number>();
  readonly #closing = new AbortController();
  #troubles = 0;
  #recovery: Promise<void> | null = null;

  /** `onTrouble` is told of each trouble that reading gets over by itself. */
  constructor({ brokers, onTrouble }: { brokers: Brokers; onTrouble: (error: OperatingError) => void }) {
    this.#client = new FetchClient({ brokers, requestTimeoutMs });
    this.#onTrouble = onTrouble;
  }

  /** Throws OperatingError: `kafka-refused` for a topic that is not there, `kafka-unreachable`. */
  async bounds(topic: string): Promise<TopicBounds> {
    try {
      const location = (await this.#client.topics([topic])).get(topic);
      if (!location) throw unknownTopic(topic);
      const first = await this.#client.offsets([location], 'first');
      const lastStable = await this.#client.offsets([location], 'last-stable');
      return {
        topicId: location.id,
        first: present(first.get(topic), 'first offsets'),
        lastStable: present(lastStable.get(topic), 'last stable offsets'),
      };
    } catch (error) {
      throw classify(error, 'asking');
    }
  }

  /** Begins to read. One feed for a partition at a time. */
  open(options: FeedOptions): PartitionFeed {
    const feed = new PartitionFeed(options, () => this.#pump());
    this.#feeds.add(feed);
    this.#pump();
    return feed;
  }

  /** Ends the reading of a feed; what it holds is dropped. */
  drop(feed: PartitionFeed): void {
    feed.close();
    this.#feeds.delete(feed);
  }

  /** Never throws. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const feed of this.#feeds) this.drop(feed);
    await this.#client.close();
    await this.#recovery;
  }

  /** Asks each leader that is not being asked, for the partitions that have room. */
  #pump(): void {
    if (this.#closing.signal.aborted) return;
    const wanting = [...this.#feeds].filter((feed) => feed.hasRoom);
    for (const [leader, feeds] of Map.groupBy(wanting, ({ cursor }) => cursor.leader)) {
      if (leader < 0) {
        this.#recovery ??= this.#recover();
      } else if (!this.#asked.has(leader)) {
        this.#asked.add(leader);
        void this.#ask(leader, feeds);
      }
    }
  }

  async #ask(leader: number, feeds: readonly PartitionFeed[]): Promise<void> {
    const byCursor = new Map(feeds.map((feed) => [feed.cursor, feed]));
    try {
      const fetched = await this.#client.fetch([...byCursor.keys()], { maxWaitMs });
      const failures = fetched.map((one) => this.#give(one, present(byCursor.get(one.cursor), 'who asked')));
      if (failures.every((failure) => failure === undefined)) this.#troubles = 0;
    } catch (error) {
      for (const { cursor } of feeds) cursor.leader = -1;
      this.#told(error, feeds);
    }
    this.#asked.delete(leader);
    this.#pump();
  }

  #give(fetched: Fetched, feed: PartitionFeed): OperatingError | undefined {
    const failure = fetchFailure(fetched);
    if (failure) {
      fetched.cursor.leader = -1;
      this.#told(failure, [feed]);
      return failure;
    }
    feed.accept(fetched);
    // The broker fills an answer in the order of the request: who had something goes to the end.
    if (fetched.answer.records?.length && this.#feeds.delete(feed)) this.#feeds.add(feed);
    return undefined;
  }

  /** Troubles that do not pass by themselves are those of the feeds. */
  #told(error: unknown, feeds: readonly PartitionFeed[]): void {
    if (this.#closing.signal.aborted) return;
    const failure = classify(error, 'asking');
    this.#troubles += 1;
    if (failure.retry === 'timed') this.#onTrouble(failure);
    else for (const feed of feeds) feed.fail(failure);
  }

  /** Learns where the leaders are, after a pause that grows with each trouble. */
  async #recover(): Promise<void> {
    await this.#locate();
    this.#recovery = null;
    this.#pump();
  }

  async #locate(): Promise<void> {
    if (this.#troubles > 0) await this.#pause(backOffMs(this.#troubles));
    const lost = [...this.#feeds].filter(({ cursor }) => cursor.leader < 0);
    try {
      const topics = await this.#client.topics([...new Set(lost.map(({ cursor }) => cursor.topic))]);
      for (const feed of lost) locate(feed, topics.get(feed.cursor.topic));
      if (lost.some((feed) => feed.hasRoom && feed.cursor.leader < 0)) this.#troubles += 1;
    } catch (error) {
      this.#told(error, lost);
    }
  }

  async #pause(delayMs: number): Promise<void> {
    await sleep(delayMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }
}

function locate(feed: PartitionFeed, location: TopicLocation | undefined): void {
  const { cursor } = feed;
  if (!location) return;
  if (location.id === cursor.topicId) {
    cursor.leader = location.leaders[cursor.partition] ?? -1;
    return;
  }
  const where = `${cursor.topic}, partition ${cursor.partition}, offset ${cursor.offset}`;
  feed.fail(
    new OperatingError('records-expired', `the topic was made anew, its records are others: ${where}`, {
      remedy: 'Forget the positions in it, knowing the gap: the reader begins anew then.',
    }),
  );
}

function unknownTopic(topic: string): OperatingError {
  return new OperatingError('kafka-refused', `Kafka does not know the topic ${topic}`, {
    remedy: 'Create the topic (`diptych init` creates ours), or give the reader the ACL Describe.',
  });
}
