/** What both panels of one stack hold, read on from where the last reading ended, and kept. */
import { Join } from '@diptych/compare/join';
import type { JoinedItem, JoinedTransaction } from '@diptych/compare/joined-transaction';
import { isPanelTopic, type PanelNames } from '@diptych/compare/panel-topic';
import { classify } from '@diptych/kafka/classify';
import { FetchClient } from '@diptych/kafka/fetch-client';
import { readToEnd } from '@diptych/kafka/partition-reader';
import { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';

/** One test file makes fewer; about 2 KB each. */
const itemsMax = 100_000;
const requestTimeoutMs = 10_000;

export interface PanelLogOptions extends PanelNames {
  readonly brokers: readonly string[];
}

export class PanelLog {
  readonly #options: PanelLogOptions;
  readonly #join: Join;
  readonly #items: JoinedItem[] = [];
  readonly #offsets = new Map<string, bigint[]>();
  #reading: Promise<void> = Promise.resolve();

  constructor(options: PanelLogOptions) {
    this.#options = options;
    this.#join = new Join({ ...options, baseline: true });
  }

  /** What has come out of the join so far. */
  get items(): readonly JoinedItem[] {
    return this.#items;
  }

  get transactions(): readonly JoinedTransaction[] {
    return this.#items.flatMap((item) => (item.tag === 'transaction' ? [item.transaction] : []));
  }

  /** Transactions that are not whole, named by how much of them is there. */
  get stragglers(): Join['stragglers'] {
    return this.#join.stragglers;
  }

  /** Leaves out each transaction that is not whole, for good: what stands behind it comes out. */
  giveUpStragglers(): void {
    while (this.#join.giveUp() !== undefined) this.#items.push(...this.#join.drain());
  }

  /**
   * Reads everything that is in the topics at the call. What a Kafka transaction still hides is waited for. Calls take
   * turns. Throws OperatingError: `kafka-unreachable` (also when something stays hidden for longer), `kafka-refused`, `record-unreadable`, `comparison-exhausted`.
   */
  async readToNow({ timeoutMs }: { timeoutMs: number }): Promise<void> {
    const reading = this.#reading.then(() => this.#read(timeoutMs));
    this.#reading = reading.catch(() => undefined);
    await reading;
  }

  async #read(timeoutMs: number): Promise<void> {
    const topics = await this.#settledTopics(timeoutMs);
    const { brokers } = this.#options;
    for await (const record of readToEnd({ brokers, topics, from: this.#offsets })) {
      const offsets = this.#offsets.get(record.topic) ?? [];
      this.#offsets.set(record.topic, offsets);
      offsets[record.partition] = record.offset + 1n;
      this.#join.add(record);
    }
    this.#items.push(...this.#join.drain());
    if (this.#items.length > itemsMax) {
      throw new OperatingError(
        'comparison-exhausted',
        `more than ${itemsMax} transactions in one test’s panels`,
        {
          remedy: 'Start a stack for each part of the test.',
        },
      );
    }
  }

  /** The topics of the panels, once everything that stands in them at the call can be read. */
  async #settledTopics(timeoutMs: number): Promise<string[]> {
    const client = new FetchClient({ brokers: this.#options.brokers, requestTimeoutMs });
    try {
      const all = await client.topics('all');
      const ours = [...all.values()].filter(({ name }) => isPanelTopic(name, this.#options));
      const ends = await client.offsets(ours, 'end');
      const isSettled = async () => {
        const stable = await client.offsets(ours, 'last-stable');
        const open = ours.some(({ name }) =>
          (ends.get(name) ?? []).some((end, partition) => (stable.get(name)?.[partition] ?? 0n) < end),
        );
        return open ? undefined : true;
      };
      await poll(isSettled, { what: 'no Kafka transaction hides records of the panels', timeoutMs });
      return ours.map(({ name }) => name);
    } catch (error) {
      throw classify(error, 'asking');
    } finally {
      await client.close();
    }
  }
}
