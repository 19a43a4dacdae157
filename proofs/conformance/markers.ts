/** Marker rows: a side that shows one has published what was committed before it (docs/decisions/0015). */
import { follow } from '@diptych/kafka/partition-reader';
import type { IncomingRecord } from '@diptych/kafka/record';
import { isObject, type Observed } from './observed.ts';

export interface MarkersOptions {
  readonly brokers: readonly string[];
  /** Of the sides. */
  readonly prefixes: readonly string[];
  /** Topics that are followed besides, and who is told of their records. */
  readonly others: { readonly topics: readonly string[]; readonly see: (record: IncomingRecord) => void };
}

export class Markers {
  readonly #options: MarkersOptions;
  /** Of each topic, the last marker that was seen. */
  readonly #seen = new Map<string, bigint>();
  readonly #ending = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #last = 0n;
  /** Of the transactions that wrote markers. */
  readonly #xids = new Set<string>();

  constructor(options: MarkersOptions) {
    this.#options = options;
  }

  /** The marker that was written last. */
  get last(): bigint {
    return this.#last;
  }

  /** Reads what the sides publish, until it is closed. */
  follow(): void {
    const { brokers, prefixes, others } = this.#options;
    const topics = [...prefixes.map(topicOf), ...others.topics];
    const records = follow({ brokers, topics, topicsIntervalMs: 200, signal: this.#ending.signal });
    this.#following = (async () => {
      for await (const record of records) {
        const { topic, key } = record;
        // As JSON `{"id":1}`, as Connect's StringConverter writes it `Struct{id=1}`.
        const id = /id"?[:=](\d+)/.exec(String(key))?.[1];
        if (others.topics.includes(topic)) others.see(record);
        // The partitions of a topic come in no order.
        else if (id !== undefined && BigInt(id) > this.#seenIn(topic)) this.#seen.set(topic, BigInt(id));
      }
    })();
  }

  /** Writes the next one by `query`. */
  async write(query: (sql: string) => Promise<readonly { readonly xid: string }[]>): Promise<void> {
    this.#last += 1n;
    const [row] = await query(`select conformance.mark(${this.#last})::text as xid`);
    if (row) this.#xids.add(row.xid);
  }

  /** Whether a record of the transaction topic is about a marker. */
  isAboutMarker({ topic, key }: Observed): boolean {
    return topic === 'transaction' && isObject(key) && this.#xids.has(String(key.id).split(':')[0] ?? '');
  }

  hasPassed(prefix: string, marker = this.#last): boolean {
    return this.#seenIn(topicOf(prefix)) >= marker;
  }

  /** The sides that have not shown the last marker. */
  laggards(): string[] {
    return this.#options.prefixes.filter((prefix) => !this.hasPassed(prefix));
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#following;
  }

  #seenIn(topic: string): bigint {
    return this.#seen.get(topic) ?? 0n;
  }
}

const topicOf = (prefix: string): string => `${prefix}.conformance.marker`;
