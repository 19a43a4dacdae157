/** What comes out of a join, as it comes: first what is there, in commit order, then what is published. */
import { follow } from '@diptych/kafka/partition-reader';
import type { OperatingError } from '@diptych/runtime/failure';
import type { Join } from './join.ts';
import type { JoinedItem } from './joined-transaction.ts';
import { PanelReader, type PanelReaderOptions, panelTopics, transactionTopic } from './panel-reader.ts';
import { isPanelTopic } from './panel-topic.ts';
import { ticking } from './ticking.ts';

export interface FollowBatchesOptions extends PanelReaderOptions {
  readonly join: Join;
  readonly signal: AbortSignal;
  /** Told when everything has been read that was there at the call. */
  readonly onCaughtUp?: () => void;
  /** Told of each trouble with Kafka that reading gets over by itself. */
  readonly onTrouble?: (error: OperatingError) => void;
}

/** How often an empty batch comes when nothing else does. */
const tickMs = 250;

/**
 * Batches of items without an end, an empty one now and then; after each the join's `resumePoints` are behind exactly what
 * has been yielded. Nothing is given up: a transaction that is not whole holds back all behind it. The signal ends it
 * quietly. Throws OperatingError: `record-unreadable`, `comparison-exhausted`, `kafka-refused`, `records-expired`; while it
 * reads what is there also `kafka-unreachable`.
 */
export async function* followBatches(
  options: FollowBatchesOptions,
): AsyncGenerator<readonly JoinedItem[], void, undefined> {
  const { join, brokers, signal, onCaughtUp = () => undefined, onTrouble = () => undefined } = options;
  try {
    const reader = new PanelReader(join, options);
    const topics = await panelTopics(options);
    if (topics.has(transactionTopic(options.prefix))) yield* reader.readBatchesToNow();
    onCaughtUp();
    const ours = (topic: string): boolean => isPanelTopic(topic, options);
    const open = (until: AbortSignal) =>
      follow({ brokers, topics: ours, from: reader.offsets, signal: until, onTrouble });
    for await (const arrived of ticking(open, { intervalMs: tickMs, signal })) {
      if (arrived.tag === 'item') join.add(arrived.item);
      const items = join.drain();
      if (items.length > 0 || arrived.tag === 'tick') yield items;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
