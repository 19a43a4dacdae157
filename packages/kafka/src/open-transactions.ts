/** Waiting for transactions of others, where none of ours can end them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import { classify } from './classify.ts';
import { FetchClient } from './fetch-client.ts';

/** The broker looks for transactions that outlived their timeout every 10 s (`transaction.abort.timed.out…`). */
const abortCheckMs = 10_000;
const intervalMs = 50;

export interface SettledTopicsOptions {
  readonly brokers: Brokers;
  readonly settledTopics?: readonly string[];
  /** After this time the broker aborts an open transaction. */
  readonly transactionTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/**
 * Until every transaction that has records in the topics has ended: before that, readers of committed records stop in
 * front of it, and newer records of others are hidden. Topics that do not exist hide nothing.
 * Throws OperatingError: `kafka-unreachable`, also when one does not end by its timeout; `kafka-refused`.
 */
export async function untilNothingIsOpen(options: SettledTopicsOptions): Promise<void> {
  const { brokers, settledTopics = [], transactionTimeoutMs, requestTimeoutMs } = options;
  if (settledTopics.length === 0) return;
  const deadline = performance.now() + transactionTimeoutMs + abortCheckMs + requestTimeoutMs;
  const client = new FetchClient({ brokers, requestTimeoutMs });
  try {
    for (;;) {
      const open = await openIn(client, settledTopics);
      if (open === undefined) return;
      if (performance.now() > deadline) throw hanging(open);
      await sleep(intervalMs);
    }
  } catch (error) {
    throw classify(error, 'asking');
  } finally {
    await client.close();
  }
}

/** The first topic with an open transaction. The end is asked for first, so that what comes meanwhile does not count. */
async function openIn(client: FetchClient, names: readonly string[]): Promise<string | undefined> {
  const topics = await client.topics(names);
  const ends = await client.offsets(topics.values(), 'end');
  const stable = await client.offsets(topics.values(), 'last-stable');
  const isOpen = (name: string) =>
    ends.get(name)?.some((end, partition) => (stable.get(name)?.[partition] ?? end) < end);
  return names.find(isOpen);
}

const hanging = (topic: string): OperatingError =>
  new OperatingError('kafka-unreachable', `a Kafka transaction in ${topic} does not end`, {
    remedy:
      'A broker has lost its end: find it with `kafka-transactions.sh find-hanging` and abort it, then the relay goes on.',
  });
