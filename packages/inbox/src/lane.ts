/** One partition of an inbox, from the moment it is assigned until it is taken away. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicPartition } from '@diptych/kafka/group-member';
import { OperatingError } from '@diptych/runtime/failure';
import pg from 'pg';
import { Bell } from './bell.ts';
import { isOutage } from './database-gate.ts';
import { Handling } from './handling.ts';
import type { LaneContext } from './lane-context.ts';
import { type Hold, takeHold } from './partition-hold.ts';
import { FencedError, type Place } from './positions.ts';

/** While the coordinator does not say that the partition is ours: a rebalance takes about as long. */
const holdPauseMs = 250;

/** How far the committed position may be behind records that had no effect. */
const flushIntervalMs = 1_000;

export class Lane {
  readonly place: Place;
  readonly #context: LaneContext;
  readonly #closing = new AbortController();
  readonly #bell = new Bell();
  /** Somebody may have decided about a parked event. */
  #decided = true;
  #handling: Handling | null = null;
  /** Resolves when it has ended: nothing of it is under way then. */
  readonly ended: Promise<void>;

  /** Begins at once; `after` is what has to end before, the lane that had the partition earlier. */
  constructor(context: LaneContext, { topic, partition }: TopicPartition, after: Promise<void> | undefined) {
    this.place = { group: context.group, topic, partition };
    this.#context = context;
    this.ended = this.#run(after);
  }

  /** Where it goes on; null while the partition is not held. */
  get nextOffset(): bigint | null {
    return this.#handling?.position.nextOffset ?? null;
  }

  /** Whether it goes on: once it was closed, another lane has to. */
  get isOpen(): boolean {
    return !this.#closing.signal.aborted;
  }

  /** Looks for decisions about parked events. */
  decided(): void {
    this.#decided = true;
    this.#bell.ring();
  }

  /** Ends after the transaction that is under way. */
  close(): void {
    this.#closing.abort();
    this.#bell.ring();
  }

  async #run(after: Promise<void> | undefined): Promise<void> {
    await after;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const hold = await takeHold(this.#context, this.place);
        if (hold) await this.#work(hold);
        else await this.#pause(holdPauseMs);
      } catch (error) {
        if (!signal.aborted) await this.#getOver(error);
      }
    }
  }

  async #work(hold: Hold): Promise<void> {
    const { feeds, log, eventsMax } = this.#context;
    const { signal } = this.#closing;
    const { topic, partition } = this.place;
    const { topicId, nextOffset: offset } = hold;
    log.info({ ...this.place, offset: offset.toString() }, 'a partition is held');
    const handling = new Handling({ context: this.#context, hold, signal });
    const feed = feeds.open({ topic, topicId, partition, offset, onReady: () => this.#bell.ring() });
    this.#handling = handling;
    this.#decided = true;
    let flushAt = 0;
    try {
      while (!signal.aborted) {
        if (this.#decided) await this.#settleDecided(handling);
        const chunk = feed.take();
        const records = chunk?.records ?? [];
        for (let from = 0; from < records.length; from += eventsMax) {
          signal.throwIfAborted();
          if (this.#decided) await this.#settleDecided(handling);
          await handling.handle(records.slice(from, from + eventsMax));
        }
        if (chunk) handling.position.pass(chunk.nextOffset);
        if (performance.now() >= flushAt) {
          await handling.position.flush();
          flushAt = performance.now() + flushIntervalMs;
        }
        if (!chunk) await this.#bell.heard({ timeoutMs: flushIntervalMs });
      }
    } finally {
      feeds.drop(feed);
      this.#handling = null;
    }
  }

  async #settleDecided(handling: Handling): Promise<void> {
    this.#decided = false;
    await handling.settleDecided();
  }

  /** What passes is waited for, and then the partition is taken hold of anew; what does not stops the inbox. */
  async #getOver(error: unknown): Promise<void> {
    const { gate, log, stop, ending } = this.#context;
    if (error instanceof FencedError) {
      log.warn({ ...this.place }, `a partition is held no more: ${error.message}`);
    } else if (error instanceof OperatingError) {
      if (error.retry !== 'timed') {
        stop(error);
        this.close();
        return;
      }
      log.warn({ ...this.place, code: error.code }, error.message);
      await this.#pause(holdPauseMs);
    } else if (isOutage(error) || error instanceof pg.DatabaseError) {
      // Handlers' errors do not come here: it is a statement of ours that the database refuses.
      gate.close(error, ending);
      await gate.pass(this.#closing.signal);
    } else throw error;
  }

  async #pause(pauseMs: number): Promise<void> {
    await sleep(pauseMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }
}
