/** The consumer of the cart's topic: it starts when everything is there, tries again what may pass, and stops where it must. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningConsumer, startConsumer } from '@diptych/kafka/consumer';
import type { IncomingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import type { Logger } from '@diptych/runtime/log';
import type { Pool } from 'pg';
import { ship } from './ship.ts';
import { createTables } from './shipments.ts';

export type Progress =
  | { readonly tag: 'starting' }
  | { readonly tag: 'consuming' }
  /** The database or Kafka is away. The same step, or the same record, is tried again until it is back. */
  | { readonly tag: 'retrying'; readonly error: OperatingError }
  /** In front of an event that it cannot handle. Nothing is skipped: a person has to act and start it again. */
  | { readonly tag: 'stopped'; readonly error: OperatingError };

export interface ConsumptionOptions {
  readonly pool: Pool;
  readonly brokers: readonly string[];
  readonly groupId: string;
  readonly topic: string;
  readonly log: Logger;
}

/** Pause between two attempts to start: short, because a demo waits for it, and a broker is not hurt by two a second. */
const startPauseMs = 500;

export class Consumption {
  readonly #options: ConsumptionOptions;
  readonly #stopping = new AbortController();
  #started: Promise<RunningConsumer | undefined>;
  #progress: Progress = { tag: 'starting' };

  /** Starts at once, in the background. */
  constructor(options: ConsumptionOptions) {
    this.#options = options;
    this.#started = this.#start();
  }

  get progress(): Progress {
    return this.#progress;
  }

  /** Lets the record in work end, commits what was handled, leaves the group. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const consumer = await this.#started;
    await consumer?.stop();
  }

  async #start(): Promise<RunningConsumer | undefined> {
    const { pool, brokers, groupId, topic, log } = this.#options;
    await this.#untilDone('creating the tables', () => createTables(pool));
    return await this.#untilDone('joining the group', async () => {
      const consumer = await startConsumer({
        brokers,
        groupId,
        topics: [topic],
        // A new group ships what was checked out before it existed; the inbox knows what has been shipped.
        fromBeginning: true,
        onRecord: (record) => this.#handle(record),
        log,
        signal: this.#stopping.signal,
      });
      void consumer.failed.then((failure) => this.#replace(consumer, failure));
      // A first record may have been handled already, or may have stopped it.
      if (this.#progress.tag !== 'stopped') this.#progress = { tag: 'consuming' };
      return consumer;
    });
  }

  /** The client has given up: what passed for a moment is over, so that another one takes its place. */
  #replace(dead: RunningConsumer, failure: OperatingError): void {
    if (this.#stopping.signal.aborted) return;
    this.#progress = { tag: 'retrying', error: failure };
    this.#options.log.warn(
      { code: failure.code },
      `the consumer ended and is started anew: ${failure.message}`,
    );
    this.#started = dead.stop().then(() => this.#start());
  }

  /** Tries a step of the start until it succeeds; undefined when the service is asked to end before that. */
  async #untilDone<T>(step: string, attempt: () => Promise<T>): Promise<T | undefined> {
    while (!this.#stopping.signal.aborted) {
      try {
        return await attempt();
      } catch (error) {
        if (this.#stopping.signal.aborted) return undefined;
        const failure = failureOf(error, step);
        // Each trouble is told once, not twice a second.
        const said = this.#progress.tag === 'retrying' && this.#progress.error.message === failure.message;
        if (!said) this.#options.log.warn({ code: failure.code, step }, failure.message);
        this.#progress = { tag: 'retrying', error: failure };
        await sleep(startPauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  /** Resolves when the record needs no more; otherwise the consumer gives it again, unless it was stopped. */
  async #handle(record: IncomingRecord): Promise<void> {
    const { topic, partition, offset } = record;
    const where = { topic, partition, offset: offset.toString() };
    try {
      const outcome = await ship(this.#options.pool, record);
      this.#progress = { tag: 'consuming' };
      this.#options.log.debug({ ...where, outcome }, 'a record was handled');
    } catch (error) {
      const failure = failureOf(error, 'shipping');
      if (failure.retry === 'timed') {
        this.#progress = { tag: 'retrying', error: failure };
      } else {
        this.#progress = { tag: 'stopped', error: failure };
        this.#options.log.error({ ...where, code: failure.code, remedy: failure.remedy }, failure.message);
        this.#stopping.abort();
      }
      throw failure;
    }
  }
}

/**
 * What is not an operating error comes from the database: trying again is right whatever it was, because nothing was
 * committed. Its `detail` may quote a row and is left in the cause, which is not logged.
 */
function failureOf(error: unknown, step: string): OperatingError {
  if (error instanceof OperatingError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new OperatingError('effect-failed', `the database failed while ${step}: ${message}`, {
    remedy: 'It is tried again until it succeeds; the message says what Postgres objected to, if it stays.',
    cause: error,
  });
}
