/** What is done with the records of a partition that this member holds: each in a transaction with its position. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contracts } from '@diptych/events/event-contract';
import type { IncomingRecord } from '@diptych/kafka/record';
import { assert } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type { PoolClient } from 'pg';
import { isContention, isOutage } from './database-gate.ts';
import type { Reading } from './domain-event.ts';
import type { LaneContext } from './lane-context.ts';
import {
  behindParked,
  isKeyParked,
  nextDecided,
  type ParkedEvent,
  park,
  parkAgain,
  type Reason,
  settle,
} from './parked-events.ts';
import { type Hold, tooManyParked } from './partition-hold.ts';
import { advance, FencedError, readPosition } from './positions.ts';
import { inTransaction } from './transaction.ts';

export type Outcome = 'handled' | 'repeated';

/** A transaction that moves the position, or keeps it where it is. */
interface Step<T> {
  readonly nextOffset: bigint;
  readonly work: (tx: PoolClient) => Promise<T>;
  /** Whether it was committed although the connection broke meanwhile. */
  readonly isDone: () => Promise<boolean>;
}

type Tried =
  | { readonly tag: 'done'; readonly outcome: Outcome }
  | { readonly tag: 'refused'; readonly failure: OperatingError; readonly attempts: number };

export class Handling {
  readonly #context: LaneContext;
  readonly #hold: Hold;
  readonly #signal: AbortSignal;
  /** Behind the last record that was looked at; the committed position may be before it while nothing had an effect. */
  #nextOffset: bigint;

  constructor({ context, hold, signal }: { context: LaneContext; hold: Hold; signal: AbortSignal }) {
    this.#context = context;
    this.#hold = hold;
    this.#signal = signal;
    this.#nextOffset = hold.nextOffset;
  }

  /** Where it goes on. */
  get nextOffset(): bigint {
    return this.#nextOffset;
  }

  /**
   * Handles a record, parks it, or passes it over. Throws FencedError when the partition is another member's, the signal's
   * reason, and where the policy is `stop` the OperatingError that says why it cannot be handled.
   */
  async handle(record: IncomingRecord): Promise<void> {
    const { read, metrics } = this.#context;
    const reading = read(record);
    const nextOffset = record.offset + 1n;
    if (reading.tag === 'passed-over') {
      metrics.count('passed-over');
      this.#nextOffset = nextOffset;
      return;
    }
    if (this.#isParked(record.key)) {
      await this.#park(record, { reason: behindParked, detail: null, attempts: 0 });
      return;
    }
    const isDone = () => this.#isBehind(nextOffset);
    const tried = await this.#try(reading, { nextOffset, isDone });
    if (tried.tag === 'done') metrics.count(tried.outcome);
    else await this.#refuse(record, tried);
  }

  /** Nothing up to there is left to look at. */
  pass(nextOffset: bigint): void {
    this.#nextOffset = nextOffset;
  }

  /** Commits the position when it is behind what was looked at. */
  async flush(): Promise<void> {
    const nextOffset = this.#nextOffset;
    if (nextOffset === this.#hold.nextOffset) return;
    await this.#transact({
      nextOffset,
      work: async () => undefined,
      isDone: () => this.#isBehind(nextOffset),
    });
  }

  /** Carries out what was decided about parked events, and what follows from it. */
  async settleDecided(): Promise<void> {
    const { pool } = this.#context;
    for (;;) {
      const event = await this.#patiently(() => nextDecided(pool, this.#hold.claim));
      if (!event) return;
      await this.#settle(event);
      const { key } = event.record;
      if (!key) continue;
      const waits = await this.#patiently(() => isKeyParked(pool, { ...this.#hold.claim, key }));
      if (!waits) this.#hold.parkedKeys.delete(key.toString('hex'));
    }
  }

  async #settle(event: ParkedEvent): Promise<void> {
    const { read, metrics, log } = this.#context;
    const { id, decision, record } = event;
    const keeping = {
      nextOffset: this.#hold.nextOffset,
      isDone: async () => (await nextDecided(this.#context.pool, this.#hold.claim))?.id !== id,
    };
    const reading = read(record);
    if (decision === 'discard' || reading.tag === 'passed-over') {
      await this.#transact({ ...keeping, work: (tx) => settle(tx, id) });
      metrics.count(decision === 'discard' ? 'discarded' : 'passed-over');
      return;
    }
    const tried = await this.#try(reading, { ...keeping, parkedId: id });
    if (tried.tag === 'done') {
      metrics.count(tried.outcome);
      return;
    }
    const { failure, attempts } = tried;
    const why = { reason: failure.code, detail: failure.message, attempts };
    await this.#transact({ ...keeping, work: (tx) => parkAgain(tx, { id, why }) });
    metrics.count('parked');
    log.warn(
      { ...this.#where(record), code: failure.code },
      `a released event is parked again: ${failure.message}`,
    );
  }

  /** As often as the limits say, with pauses. */
  async #try(
    reading: Exclude<Reading<Contracts>, { tag: 'passed-over' }>,
    step: Pick<Step<Outcome>, 'nextOffset' | 'isDone'> & { readonly parkedId?: bigint },
  ): Promise<Tried> {
    if (reading.tag === 'unreadable') return { tag: 'refused', failure: reading.failure, attempts: 0 };
    const { consumer, handle, limits, metrics, log } = this.#context;
    const { event } = reading;
    const work = async (tx: PoolClient): Promise<Outcome> => {
      if (step.parkedId !== undefined) await settle(tx, step.parkedId);
      if (consumer !== null && !(await isFirst(tx, { consumer, eventId: event.id }))) return 'repeated';
      await handle(event, tx);
      return 'handled';
    };
    for (let attempts = 1; ; attempts += 1) {
      try {
        return { tag: 'done', outcome: (await this.#transact({ ...step, work })) ?? 'handled' };
      } catch (error) {
        if (error instanceof FencedError || this.#signal.aborted) throw error;
        const isHopeless = error instanceof OperatingError && error.retry !== 'timed';
        metrics.failed();
        if (isHopeless || attempts >= limits.attemptsMax) {
          return { tag: 'refused', failure: failureOf(error, { type: event.type, attempts }), attempts };
        }
        const pauseMs = Math.min(limits.retryPauseMs * 2 ** (attempts - 1), limits.retryPauseMaxMs);
        const where = { ...event.at, offset: event.at.offset.toString() };
        log.warn({ ...where, attempts, pauseMs }, `a handler failed: ${messageOf(error)}`);
        await this.#pause(pauseMs);
      }
    }
  }

  /** What cannot be handled is parked, or stops the inbox. */
  async #refuse(record: IncomingRecord, { failure, attempts }: Tried & { tag: 'refused' }): Promise<void> {
    const { onPoison, onUnknownVersion, limits, log } = this.#context;
    const policy = failure.code === 'contract-unknown-version' ? onUnknownVersion : onPoison;
    if (policy === 'stop') throw failure;
    const { parkedKeys, claim } = this.#hold;
    if (parkedKeys.size >= limits.parkedKeysMax) throw tooManyParked(claim, limits.parkedKeysMax);
    await this.#park(record, { reason: failure.code, detail: failure.message, attempts });
    if (record.key) parkedKeys.add(record.key.toString('hex'));
    log.warn({ ...this.#where(record), code: failure.code }, `an event is parked: ${failure.message}`);
  }

  async #park(record: IncomingRecord, why: Reason): Promise<void> {
    const nextOffset = record.offset + 1n;
    const { group } = this.#context;
    const work = (tx: PoolClient) => park(tx, { group, record, why });
    await this.#transact({ nextOffset, work, isDone: () => this.#isBehind(nextOffset) });
    this.#context.metrics.count('parked');
  }

  /**
   * Until the database has it: an outage is waited for, and then asked whether it was committed after all (undefined).
   * Throws FencedError, the signal's reason, and what `work` throws.
   */
  async #transact<T>({ nextOffset, work, isDone }: Step<T>): Promise<T | undefined> {
    const { pool, turns, gate, limits, metrics } = this.#context;
    const { claim } = this.#hold;
    for (let contentions = 0; ; ) {
      await this.#pass();
      try {
        const result = await turns(() =>
          metrics.time(() =>
            inTransaction(
              pool,
              async (tx) => {
                await advance(tx, claim, nextOffset);
                return await work(tx);
              },
              { idleMsMax: limits.idleMsMax },
            ),
          ),
        );
        gate.worked();
        this.#moved(nextOffset);
        return result;
      } catch (error) {
        if (isContention(error)) {
          contentions += 1;
          await this.#pause(Math.min(10 * 2 ** Math.min(contentions, 10), limits.retryPauseMaxMs));
        } else if (isOutage(error)) {
          gate.close(error, this.#context.ending);
          if (await this.#patiently(isDone)) {
            this.#moved(nextOffset);
            return undefined;
          }
        } else throw error;
      }
    }
  }

  #moved(nextOffset: bigint): void {
    assert(nextOffset >= this.#hold.nextOffset, 'a position never moves back');
    this.#hold.nextOffset = nextOffset;
    if (nextOffset > this.#nextOffset) this.#nextOffset = nextOffset;
  }

  /** Asks until the database answers. */
  async #patiently<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.#pass();
      try {
        return await ask();
      } catch (error) {
        if (!isOutage(error)) throw error;
        this.#context.gate.close(error, this.#context.ending);
      }
    }
  }

  /** Whether the position was committed there. Throws FencedError when it is another member's. */
  async #isBehind(nextOffset: bigint): Promise<boolean> {
    const { claim } = this.#hold;
    const position = await readPosition(this.#context.pool, claim);
    if (position?.epoch !== claim.epoch) throw new FencedError(claim);
    return position.nextOffset >= nextOffset;
  }

  #isParked(key: Buffer | null): boolean {
    const { parkedKeys } = this.#hold;
    return key !== null && parkedKeys.size > 0 && parkedKeys.has(key.toString('hex'));
  }

  async #pass(): Promise<void> {
    await this.#context.gate.pass(this.#signal);
    this.#signal.throwIfAborted();
  }

  async #pause(pauseMs: number): Promise<void> {
    await sleep(pauseMs, undefined, { signal: this.#signal }).catch(() => undefined);
    this.#signal.throwIfAborted();
  }

  #where({ topic, partition, offset }: IncomingRecord) {
    return { group: this.#context.group, topic, partition, offset: offset.toString() };
  }
}

/** Whether the consumer meets the event for the first time. Waits for a transaction in which somebody else does. */
async function isFirst(
  tx: PoolClient,
  { consumer, eventId }: { consumer: string; eventId: string },
): Promise<boolean> {
  // https://www.postgresql.org/docs/18/sql-insert.html#SQL-ON-CONFLICT
  const { rowCount } = await tx.query(
    'insert into inbox (consumer, event_id) values ($1, $2) on conflict do nothing',
    [consumer, eventId],
  );
  return rowCount === 1;
}

function failureOf(error: unknown, { type, attempts }: { type: string; attempts: number }): OperatingError {
  if (error instanceof OperatingError && error.retry !== 'timed') return error;
  const times = attempts === 1 ? 'once' : `${attempts} times`;
  return new OperatingError('handler-failed', `the handler of ${type} failed ${times}: ${messageOf(error)}`, {
    remedy: 'Mend the handler or its surroundings and release the event, or discard it.',
    cause: error,
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
