/**
 * All events of whole topics, in commit order. A table cannot say in which order its rows were committed: a sequence and a
 * transaction id are drawn before the commit, in any order. The log can, and the relay writes it down.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contracts, EventOf } from '@diptych/events/event-contract';
import { requireEvent } from '@diptych/events/read-event';
import { classify } from '@diptych/kafka/classify';
import { FetchClient } from '@diptych/kafka/fetch-client';
import type { Identity } from '@diptych/kafka/identity';
import { merge, resumed } from '@diptych/kafka/merge';
import { follow, type OffsetsByTopic, readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord } from '@diptych/kafka/record';
import { ownTopicNames } from '@diptych/kafka/topics';
import type { OperatingError } from '@diptych/runtime/failure';
import { parseLossless } from '@diptych/runtime/json';
import type { Brokers } from '@diptych/runtime/kafka-access';
import {
  compareIdentities,
  EventSequence,
  identityOf,
  type Place,
  type SequencedRecord,
  type SequencedTransaction,
} from './event-sequence.ts';

export interface ReadAllOptions<C extends Contracts> {
  readonly brokers: Brokers;
  /** The relay's, of its transaction topic: `diptych`. */
  readonly prefix: string;
  /** Domain topics, all their partitions. One that is not there yet has no events. */
  readonly topics: readonly string[];
  readonly contract: C;
  /** Only what was committed after this place. */
  readonly after?: Place | undefined;
  /** Where to begin in each partition, so that not all is read again: the `offsets` of the transaction of `after`. */
  readonly from?: OffsetsByTopic | undefined;
  /** Go on as events come, without an end. Default: up to what is there now. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** For how long a transaction whose END is there may lack events, when reading up to now. Default 5 s. */
  readonly stragglerMs?: number;
  /** Told of each trouble with Kafka that following gets over by itself. */
  readonly onTrouble?: (error: OperatingError) => void;
}

/** An event as the topic has it, in its newest version. */
export interface LoggedEvent<C extends Contracts> {
  readonly event: EventOf<C>;
  readonly identity: Identity;
  readonly topic: string;
  /** The id of the aggregate. */
  readonly key: string;
  readonly id: string;
  /** Its place in the stream of the aggregate. */
  readonly version: bigint;
  readonly headers: ReadonlyMap<string, string>;
}

/** The events of one transaction, whole. */
export interface CommittedEvents<C extends Contracts> {
  /** To go on after it. */
  readonly place: Place;
  readonly xid: number;
  readonly commitTimeUs: bigint;
  readonly events: readonly LoggedEvent<C>[];
  /**
   * Whether it is one event that was parked and is told late: in order only for its key. Whoever begins anew at `place`
   * may be told it again, with the same id.
   */
  readonly released: boolean;
  /** Where to read on when this is done, together with `place`. */
  readonly offsets: OffsetsByTopic;
}

/** As for the comparison: markers reach the partitions one by one; a broker that restarts in between needs seconds. */
const stragglerMsDefault = 5_000;
const stragglerPauseMs = 100;
const requestTimeoutMs = 10_000;

/** Larger than any offset: nothing to read there. */
const pastTheEnd = 2n ** 63n - 1n;

/**
 * Transactions with events, in commit order, without gaps, up to the last END that is whole. The signal ends following
 * quietly. Throws OperatingError: those of reading (`kafka-unreachable`, `kafka-refused`, `records-expired`,
 * `record-unreadable`, `comparison-exhausted`) and of contracts (`contract-unknown-version`, `event-malformed`).
 */
export async function* readAll<C extends Contracts>(
  options: ReadAllOptions<C>,
): AsyncGenerator<CommittedEvents<C>, void, undefined> {
  const reader = new AllReader(options);
  yield* reader.readToNow();
  if (options.follow) yield* reader.follow();
}

class AllReader<C extends Contracts> {
  readonly #options: ReadAllOptions<C>;
  readonly #transactionTopic: string;
  readonly #sequence: EventSequence;
  /** After the last record that was read, by partition. */
  readonly #read = new Map<string, bigint[]>();
  /** After the last record that came out: what was only read would be missing for whoever begins there. */
  readonly #done = new Map<string, bigint[]>();

  constructor(options: ReadAllOptions<C>) {
    const { prefix, topics, after, from = new Map() } = options;
    this.#options = options;
    this.#transactionTopic = ownTopicNames({ prefix, slot: '' }).transaction;
    this.#sequence = new EventSequence(topics, { transactionTopic: this.#transactionTopic, after });
    for (const [topic, offsets] of from) {
      this.#read.set(topic, [...offsets]);
      this.#done.set(topic, [...offsets]);
    }
  }

  /** The end of the transaction topic is taken first: what an END counts is there then, or on its way. */
  async *readToNow(): AsyncGenerator<CommittedEvents<C>, void, undefined> {
    const { brokers, signal } = this.#options;
    const ends = readToEnd({ brokers, topics: [this.#transactionTopic], from: this.#from(), signal });
    try {
      const first = await ends.next();
      const partitions = await this.#partitions();
      const sources = [resumed(first, ends), ...partitions.map((one) => this.#readPartition(one))];
      const order = { rank: identityOf, compare: compareIdentities };
      for await (const record of merge(sources, order)) yield* this.#take(record);
    } finally {
      await ends.return();
    }
    yield* this.#awaitStragglers();
  }

  async *follow(): AsyncGenerator<CommittedEvents<C>, void, undefined> {
    const { brokers, topics, signal, onTrouble } = this.#options;
    const records = follow({
      brokers,
      topics: [this.#transactionTopic, ...topics],
      from: this.#from(),
      signal,
      ...(onTrouble ? { onTrouble } : {}),
    });
    for await (const record of records) yield* this.#take(record);
  }

  async *#awaitStragglers(): AsyncGenerator<CommittedEvents<C>, void, undefined> {
    const { brokers, signal, stragglerMs = stragglerMsDefault } = this.#options;
    const deadline = performance.now() + stragglerMs;
    while (this.#sequence.isBlocked && performance.now() < deadline) {
      await sleep(stragglerPauseMs, undefined, { signal });
      // Not the transaction topic: a newer END would have events of its own to wait for.
      const topics = [...new Set((await this.#partitions()).map(({ topic }) => topic))];
      for await (const record of readToEnd({ brokers, topics, from: this.#from(), signal })) {
        yield* this.#take(record);
      }
    }
  }

  /** Of the domain topics that exist. */
  async #partitions(): Promise<{ topic: string; partition: number; of: number }[]> {
    const client = new FetchClient({ brokers: this.#options.brokers, requestTimeoutMs });
    try {
      const topics = await client.topics(this.#options.topics);
      return [...topics.values()].flatMap(({ name, leaders }) =>
        leaders.map((_, partition) => ({ topic: name, partition, of: leaders.length })),
      );
    } catch (error) {
      throw classify(error, 'asking');
    } finally {
      await client.close();
    }
  }

  #readPartition({ topic, partition, of }: { topic: string; partition: number; of: number }) {
    const { brokers, signal } = this.#options;
    const start = this.#read.get(topic)?.[partition];
    const from: bigint[] = [];
    // Nothing of the others; where nothing is said, the partition begins at its first record.
    for (let other = 0; other < of; other += 1) if (other !== partition) from[other] = pastTheEnd;
    if (start !== undefined) from[partition] = start;
    return readToEnd({ brokers, topics: [topic], from: new Map([[topic, from]]), signal });
  }

  #from(): OffsetsByTopic {
    return copyOf(this.#read);
  }

  *#take(record: IncomingRecord): Generator<CommittedEvents<C>, void, undefined> {
    note(this.#read, record);
    this.#sequence.add(record);
    for (const transaction of this.#sequence.complete()) yield this.#committed(transaction);
  }

  #committed(transaction: SequencedTransaction): CommittedEvents<C> {
    const { identity, records } = transaction;
    const isWhole = transaction.tag === 'whole';
    // Before a released one there may be events that have not come out.
    if (isWhole)
      for (const record of [...records.map((one) => one.record), transaction.end]) note(this.#done, record);
    const { timeline, commitLsn } = isWhole ? identity : transaction.behind;
    const { xid, commitTimeUs } = identity;
    return {
      ...{ place: { timeline, commitLsn }, xid, commitTimeUs, released: !isWhole },
      events: records.map((one) => this.#logged(one)),
      offsets: copyOf(this.#done),
    };
  }

  #logged({ identity, record }: SequencedRecord): LoggedEvent<C> {
    const { topic, key, value, headers } = record;
    const event = requireEvent(this.#options.contract, {
      type: headers.get('eventType') ?? '',
      version: Number(headers.get('eventVersion') ?? 1),
      payload: value === null ? null : parseLossless(value.toString()),
    });
    return {
      ...{ event, identity, topic, headers, key: key?.toString() ?? '', id: headers.get('id') ?? '' },
      version: BigInt(headers.get('aggregateVersion') ?? 0),
    };
  }
}

const copyOf = (offsets: ReadonlyMap<string, readonly bigint[]>): OffsetsByTopic =>
  new Map([...offsets].map(([topic, ofTopic]) => [topic, [...ofTopic]]));

function note(offsets: Map<string, bigint[]>, { topic, partition, offset }: IncomingRecord): void {
  const ofTopic = offsets.get(topic) ?? [];
  offsets.set(topic, ofTopic);
  ofTopic[partition] = offset + 1n;
}
