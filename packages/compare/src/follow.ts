/** Transactions as they come, each a pair of what was meant and what was done: the source of `diptych tail`. */
import { follow } from '@diptych/kafka/partition-reader';
import type { OperatingError } from '@diptych/runtime/failure';
import { Join } from './join.ts';
import type { JoinedTransaction } from './joined-transaction.ts';
import {
  PanelReader,
  type PanelReaderOptions,
  panelTopics,
  stragglerMsDefault,
  transactionTopic,
} from './panel-reader.ts';
import { isPanelTopic } from './panel-topic.ts';
import type { Straggler } from './pending-transaction.ts';
import { ticking } from './ticking.ts';

export interface FollowPairsOptions extends PanelReaderOptions {
  readonly from: 'beginning' | 'end';
  /**
   * Told of a transaction that lacked records for `stragglerMs` and is left out. At `end` this may be one that was being
   * published when reading began.
   */
  readonly onStraggler?: (straggler: Straggler) => void;
  /** Told of each trouble with Kafka that reading gets over by itself. */
  readonly onTrouble?: (error: OperatingError) => void;
}

/** How often to look whether a transaction has waited too long. */
const tickMs = 250;

/**
 * Joined transactions in commit order, without an end; topics that appear later are picked up within about a second.
 * The signal ends it quietly. Throws OperatingError: `record-unreadable`, `comparison-exhausted`, `kafka-refused`,
 * `records-expired`; at the start also `kafka-unreachable`.
 */
export async function* followPairs(
  options: FollowPairsOptions,
): AsyncGenerator<JoinedTransaction, void, undefined> {
  const join = new Join(options);
  try {
    if (options.from === 'end') yield* followFrom('end', { join, options });
    else yield* followFrom(yield* readOld(join, options), { join, options });
  } catch (error) {
    if (!options.signal?.aborted) throw error;
  }
}

/** What is there already, in commit order; says from where to go on. */
async function* readOld(join: Join, options: FollowPairsOptions) {
  const reader = new PanelReader(join, options);
  const topics = await panelTopics(options);
  if (topics.has(transactionTopic(options.prefix))) yield* reader.readToNow();
  return reader.offsets;
}

async function* followFrom(
  from: 'end' | PanelReader['offsets'],
  { join, options }: { join: Join; options: FollowPairsOptions },
): AsyncGenerator<JoinedTransaction, void, undefined> {
  const { brokers, signal, onTrouble = () => undefined } = options;
  const patience = new Patience(join, options);
  const topics = (topic: string): boolean => isPanelTopic(topic, options);
  const open = (until: AbortSignal) => follow({ brokers, topics, from, signal: until, onTrouble });
  for await (const arrived of ticking(open, { intervalMs: tickMs, signal })) {
    if (arrived.tag === 'item') join.add(arrived.item);
    else patience.look();
    yield* join.complete();
  }
}

/** Gives up the transaction that holds back the others when it has done so for too long. */
class Patience {
  readonly #join: Join;
  readonly #stragglerMs: number;
  readonly #onStraggler: (straggler: Straggler) => void;
  #blocking = '';
  #sinceMs = 0;

  constructor(
    join: Join,
    { stragglerMs = stragglerMsDefault, onStraggler = () => undefined }: FollowPairsOptions,
  ) {
    this.#join = join;
    this.#stragglerMs = stragglerMs;
    this.#onStraggler = onStraggler;
  }

  look(): void {
    const blocking = this.#join.blocking;
    if (blocking === undefined) {
      this.#blocking = '';
      return;
    }
    // A large transaction that goes on arriving is not stuck.
    const { identity, got } = blocking;
    const state = `${identity.timeline} ${identity.commitLsn} ${got.events} ${got.changes}`;
    if (state !== this.#blocking) {
      this.#blocking = state;
      this.#sinceMs = performance.now();
    } else if (performance.now() - this.#sinceMs > this.#stragglerMs) {
      const straggler = this.#join.giveUp();
      if (straggler) this.#onStraggler(straggler);
    }
  }
}
