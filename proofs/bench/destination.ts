/** What is in Kafka, seen from there: a drain ends when its last record can be read, whatever its tool says. */
import { type Cursor, cursorsOf } from '@diptych/kafka/cursor';
import { FetchClient, type RecordsBatch, type TopicLocation } from '@diptych/kafka/fetch-client';
import { committedRecords } from '@diptych/kafka/read-committed';
import type { IncomingRecord } from '@diptych/kafka/record';
import { present } from '@diptych/runtime/assert';
import type { Counted } from './competitor.ts';

const requestTimeoutMs = 60_000;
const maxWaitMs = 100;
const control = 1 << 5;

export class Destination {
  readonly #client: FetchClient;
  readonly #topics: readonly TopicLocation[];

  private constructor(client: FetchClient, topics: readonly TopicLocation[]) {
    this.#client = client;
    this.#topics = topics;
  }

  /** Existing topics. */
  static async of(brokers: readonly string[], names: readonly string[]): Promise<Destination> {
    const client = new FetchClient({ brokers, requestTimeoutMs });
    const topics = await client.topics(names);
    return new Destination(
      client,
      names.map((name) => present(topics.get(name), `the topic ${name}`)),
    );
  }

  /** The last stable offsets, added up: all records that a `read_committed` reader may see, and the markers of transactions. */
  async stable(names?: readonly string[]): Promise<number> {
    const topics = names ? this.#topics.filter(({ name }) => names.includes(name)) : this.#topics;
    let sum = 0;
    for (const offsets of (await this.#client.offsets(topics, 'last-stable')).values())
      for (const offset of offsets) sum += Number(offset);
    return sum;
  }

  /**
   * The last committed record of a topic of one partition. Null while the topic has fewer than so many offsets: a look at its
   * end costs the broker a batch.
   */
  async last(topic: string, { behind }: { behind: number }): Promise<IncomingRecord | null> {
    const location = present(
      this.#topics.find(({ name }) => name === topic),
      topic,
    );
    const offsets = await this.#client.offsets([location], 'last-stable');
    const end = present(offsets.get(topic)?.[0], 'its end');
    if (Number(end) <= behind) return null;
    // Behind a record come at most the markers of its own transaction and of one without any record here.
    const [cursor] = cursorsOf(location, () => (end > 4n ? end - 4n : 0n));
    const [fetched] = await this.#client.fetch([present(cursor, 'its partition')], { maxWaitMs });
    return (fetched && committedRecords(fetched.answer, fetched.cursor).records.at(-1)) ?? null;
  }

  /**
   * Records of all topics, without markers, one by one; the last that is asked. Throws when one is of a transaction that was
   * aborted.
   */
  async count(): Promise<Counted> {
    try {
      const ends = await this.#client.offsets(this.#topics, 'last-stable');
      const counted = { records: 0, bytes: 0 };
      for (const topic of this.#topics) {
        for (const cursor of cursorsOf(topic, () => 0n)) {
          const end = present(ends.get(topic.name)?.[cursor.partition], 'an end');
          await this.#countPartition(cursor, end, counted);
        }
      }
      return counted;
    } finally {
      await this.close();
    }
  }

  async #countPartition(cursor: Cursor, end: bigint, counted: Writable<Counted>): Promise<void> {
    while (cursor.offset < end) {
      const [fetched] = await this.#client.fetch([cursor], { maxWaitMs });
      const { records: batches = [], abortedTransactions } = present(fetched, 'an answer').answer;
      if (abortedTransactions && abortedTransactions.length > 0) throw new Error('a transaction was aborted');
      for (const batch of batches ?? []) {
        if ((batch.attributes & control) === 0) {
          for (const record of batch.records) {
            if (batch.firstOffset + BigInt(record.offsetDelta) < cursor.offset) continue;
            counted.records += 1;
            counted.bytes += bytesOf(record);
          }
        }
        cursor.offset = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
      }
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function bytesOf({ key, value, headers }: RecordsBatch['records'][number]): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, text] of headers) bytes += (name?.length ?? 0) + (text?.length ?? 0);
  return bytes;
}
