/** Reads both panels up to now, merged in commit order, so that little waits in memory however long they are. */
import { setTimeout as sleep } from 'node:timers/promises';
import { classify } from '@diptych/kafka/classify';
import { FetchClient } from '@diptych/kafka/fetch-client';
import type { Identity } from '@diptych/kafka/identity';
import { merge, resumed } from '@diptych/kafka/merge';
import { type OffsetsByTopic, readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord } from '@diptych/kafka/record';
import { ownTopicNames } from '@diptych/kafka/topics';
import { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import { lsnZero } from '@diptych/wal/lsn';
import type { Join } from './join.ts';
import { compareIdentities, type JoinedItem, type JoinedTransaction } from './joined-transaction.ts';

import { identityOf, isSnapshotRecord } from './panel-record.ts';
import { classifyTopic, isPanelTopic, type PanelNames } from './panel-topic.ts';

export interface PanelReaderOptions extends PanelNames {
  readonly brokers: Brokers;
  readonly signal?: AbortSignal | undefined;
  /** For how long a transaction whose END is there may lack other records. Default 5 s. */
  readonly stragglerMs?: number;
  /** Where to begin, partition by partition; those that are not named begin at their first record. */
  readonly begin?: OffsetsByTopic | undefined;
}

/**
 * The markers of a Kafka transaction reach its partitions one by one, within milliseconds; a broker that restarts in
 * between needs seconds.
 */
export const stragglerMsDefault = 5000;

/** An answer of each partition is in memory at a time, as records: several times its bytes. */
const partitionBytesMax = 256 * 1024;

const requestTimeoutMs = 10_000;
const stragglerPauseMs = 100;

/** Larger than any offset: nothing to read there. */
const pastTheEnd = 2n ** 63n - 1n;

/** The transaction topic of a relay; the name of a slot plays no part in it. */
export function transactionTopic(prefix: string): string {
  return ownTopicNames({ prefix, slot: '' }).transaction;
}

/** How many partitions each topic of the panels has that exists now. Throws OperatingError as `classify` says. */
export async function panelTopics(options: PanelReaderOptions): Promise<Map<string, number>> {
  const client = new FetchClient({ brokers: options.brokers, requestTimeoutMs });
  try {
    const topics = await client.topics('all');
    const ours = [...topics.values()].filter(({ name }) => isPanelTopic(name, options));
    return new Map(ours.map(({ name, leaders }) => [name, leaders.length]));
  } catch (error) {
    throw classify(error, 'asking');
  } finally {
    await client.close();
  }
}

async function requireTransactionTopic(options: PanelReaderOptions): Promise<void> {
  const topic = transactionTopic(options.prefix);
  if ((await panelTopics(options)).has(topic)) return;
  throw new OperatingError('kafka-refused', `there is no topic ${topic}`, {
    remedy:
      'Check the prefix; `diptych init` creates the topics, and the reader needs the ACL Describe on them.',
  });
}

/**
 * Feeds the join with everything that is in the topics now, and yields its transactions. The end of the transaction
 * topic is taken first and the ends of all others after it, so that what an END counts is there, or on its way: that is
 * waited for, `stragglerMs` at most, and what then is not whole stays in the join.
 */
export class PanelReader {
  readonly #options: PanelReaderOptions;
  readonly #join: Join;
  readonly #offsets = new Map<string, bigint[]>();

  constructor(join: Join, options: PanelReaderOptions) {
    this.#join = join;
    this.#options = options;
    for (const [topic, offsets] of options.begin ?? []) this.#offsets.set(topic, [...offsets]);
  }

  /** Where to read on: after the last record that was read. */
  get offsets(): OffsetsByTopic {
    return this.#offsets;
  }

  /** Throws OperatingError: those of `readToEnd` and of `Join.add`; the signal's reason. */
  async *readToNow(): AsyncGenerator<JoinedTransaction, void, undefined> {
    for await (const item of this.readItemsToNow()) if (item.tag === 'transaction') yield item.transaction;
  }

  /** As `readToNow`, with what is part of no transaction. */
  async *readItemsToNow(): AsyncGenerator<JoinedItem, void, undefined> {
    for await (const items of this.readBatchesToNow()) yield* items;
  }

  /** As `readItemsToNow`: after each batch the join's `resumePoints` are behind exactly what has been yielded. */
  async *readBatchesToNow(): AsyncGenerator<readonly JoinedItem[], void, undefined> {
    const { brokers, prefix, signal } = this.#options;
    // Says at once what readToEnd would say after a long patience.
    await requireTransactionTopic(this.#options);
    const topics = [transactionTopic(prefix)];
    const ends = readToEnd({ brokers, topics, from: this.#offsets, signal, partitionBytesMax });
    try {
      const first = await ends.next();
      const partitions = await this.#eventPartitions();
      const sources = [
        resumed(first, ends),
        ...partitions.map((partition) => this.#readPartition(partition)),
      ];
      for await (const record of merge(sources, { rank: rankOf, compare: compareIdentities })) {
        const items = this.#take(record);
        if (items.length > 0) yield items;
      }
    } finally {
      await ends.return();
    }
    yield* this.#awaitStragglers();
  }

  async #eventPartitions(): Promise<{ topic: string; partition: number; of: number }[]> {
    return [...(await panelTopics(this.#options))]
      .filter(([topic]) => classifyTopic(topic, this.#options).tag !== 'transaction')
      .flatMap(([topic, of]) => Array.from({ length: of }, (_, partition) => ({ topic, partition, of })));
  }

  #readPartition({ topic, partition, of }: { topic: string; partition: number; of: number }) {
    const { brokers, signal } = this.#options;
    // Only this partition, and nothing of the others.
    const begin = this.#offsets.get(topic)?.[partition] ?? 0n;
    const from = Array.from({ length: of }, (_, other) => (other === partition ? begin : pastTheEnd));
    const starts = new Map([[topic, from]]);
    return readToEnd({ brokers, topics: [topic], from: starts, signal, partitionBytesMax });
  }

  #take(record: IncomingRecord): JoinedItem[] {
    const offsets = this.#offsets.get(record.topic) ?? [];
    this.#offsets.set(record.topic, offsets);
    offsets[record.partition] = record.offset + 1n;
    this.#join.add(record);
    return this.#join.drain();
  }

  async *#awaitStragglers(): AsyncGenerator<readonly JoinedItem[], void, undefined> {
    const { brokers, signal, stragglerMs = stragglerMsDefault } = this.#options;
    const deadline = performance.now() + stragglerMs;
    while (this.#join.blocking !== undefined && performance.now() < deadline) {
      await sleep(stragglerPauseMs, undefined, { signal });
      // Not the transaction topic: a newer END would have records of its own to wait for.
      const topics = [...(await panelTopics(this.#options)).keys()].filter(
        (topic) => classifyTopic(topic, this.#options).tag !== 'transaction',
      );
      for await (const record of readToEnd({ brokers, topics, from: this.#offsets, signal })) {
        const items = this.#take(record);
        if (items.length > 0) yield items;
      }
    }
  }
}

/** Records of a snapshot have no place in commit order; first of all, they hold up nothing. */
const baseline = { timeline: 0, commitLsn: lsnZero, ordinal: 0, part: 0 };

function rankOf(record: IncomingRecord): Omit<Identity, 'xid' | 'commitTimeUs'> {
  return isSnapshotRecord(record) ? baseline : identityOf(record);
}
