/** What is done with the records of a partition that this member holds: in transactions with its position. */
import type { Contracts } from '@diptych/events/event-contract';
import type { IncomingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import type { PoolClient } from 'pg';
import type { DomainEvent, Reading } from './domain-event.ts';
import { type Effect, failureOf, giveEffect, messageOf, StopInboxError } from './effect.ts';
import { HeldPosition, type Step } from './held-position.ts';
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
import { CommittedLateError, FencedError } from './positions.ts';

type EffectStep = Pick<Step<Effect>, 'nextOffset' | 'isDone'> & {
  /** The parked event that this settles. */
  readonly parkedId?: bigint;
};

type Tried =
  | { readonly tag: 'done' }
  | { readonly tag: 'refused'; readonly failure: OperatingError; readonly attempts: number };

/** A record whose event can be handled. */
interface Legible {
  readonly record: IncomingRecord;
  readonly event: DomainEvent<Contracts>;
}

export class Handling {
  readonly #context: LaneContext;
  readonly #hold: Hold;
  readonly #signal: AbortSignal;
  readonly position: HeldPosition;

  constructor({ context, hold, signal }: { context: LaneContext; hold: Hold; signal: AbortSignal }) {
    this.#context = context;
    this.#hold = hold;
    this.#signal = signal;
    this.position = new HeldPosition({ context, hold, signal });
  }

  /**
   * Handles consecutive records, parks them, or passes them over: those that can be handled in one transaction, unless it
   * fails; then each in its own. Throws FencedError when the partition is another member's, the signal's reason, and where
   * the policy is `stop` the OperatingError that says why one cannot be handled.
   */
  async handle(records: readonly IncomingRecord[]): Promise<void> {
    const { read, metrics } = this.#context;
    const run: Legible[] = [];
    for (const record of records) {
      const reading = read(record);
      if (reading.tag === 'passed-over') {
        metrics.count('passed-over');
      } else if (reading.tag === 'event' && !this.#isParked(record.key)) {
        run.push({ record, event: reading.event });
      } else {
        await this.#handleRun(run.splice(0));
        await this.#handleAlone(record, reading);
      }
    }
    await this.#handleRun(run);
    const last = records.at(-1);
    if (last) this.position.pass(last.offset + 1n);
  }

  async #handleRun(run: readonly Legible[]): Promise<void> {
    const [first, last] = [run[0], run.at(-1)];
    if (first && last && first !== last && (await this.#handleTogether(run, { first, last }))) return;
    for (const { record, event } of run) {
      this.#signal.throwIfAborted();
      await this.#handleAlone(record, { tag: 'event', event });
    }
  }

  /** Answers whether it could be done; which event is at fault is found out one by one. */
  async #handleTogether(
    run: readonly Legible[],
    { first, last }: { first: Legible; last: Legible },
  ): Promise<boolean> {
    const { metrics, log } = this.#context;
    const nextOffset = last.record.offset + 1n;
    const events = run.map(({ event }) => event);
    try {
      await this.#giveEffect(events, { nextOffset, isDone: () => this.position.isBehind(nextOffset) });
      return true;
    } catch (error) {
      if (this.#isOver(error)) throw error;
      metrics.failed();
      const where = { ...this.#where(first.record), events: run.length };
      log.warn(where, `each event on its own, together they failed: ${messageOf(error)}`);
      return false;
    }
  }

  async #handleAlone(
    record: IncomingRecord,
    reading: Exclude<Reading<Contracts>, { tag: 'passed-over' }>,
  ): Promise<void> {
    const nextOffset = record.offset + 1n;
    if (this.#isParked(record.key)) {
      await this.#park(record, { reason: behindParked, detail: null, attempts: 0 });
      return;
    }
    const isDone = () => this.position.isBehind(nextOffset);
    const tried = await this.#try(reading, { nextOffset, isDone });
    if (tried.tag === 'refused') await this.#refuse(record, tried);
  }

  /** Carries out what was decided about parked events, and what follows from it. */
  async settleDecided(): Promise<void> {
    const { pool } = this.#context;
    for (;;) {
      const event = await this.position.patiently(() => nextDecided(pool, this.#hold.claim));
      if (!event) return;
      await this.#settle(event);
      const { key } = event.record;
      if (!key) continue;
      const waits = await this.position.patiently(() => isKeyParked(pool, { ...this.#hold.claim, key }));
      if (!waits) this.#hold.parkedKeys.delete(key.toString('hex'));
    }
  }

  async #settle(event: ParkedEvent): Promise<void> {
    const { read, metrics, log } = this.#context;
    const { id, decision, record } = event;
    const keeping = {
      nextOffset: this.position.committed,
      isDone: async () => (await nextDecided(this.#context.pool, this.#hold.claim))?.id !== id,
    };
    const reading = read(record);
    if (decision === 'discard' || reading.tag === 'passed-over') {
      await this.position.transact({ ...keeping, work: (tx) => settle(tx, id) });
      metrics.count(decision === 'discard' ? 'discarded' : 'passed-over');
      return;
    }
    const tried = await this.#try(reading, { ...keeping, parkedId: id });
    if (tried.tag === 'done') return;
    const { failure, attempts } = tried;
    const why = { reason: failure.code, detail: failure.message, attempts };
    await this.position.transact({ ...keeping, work: (tx) => parkAgain(tx, { id, why }) });
    metrics.count('parked');
    log.warn(
      { ...this.#where(record), code: failure.code },
      `a released event is parked again: ${failure.message}`,
    );
  }

  /** As often as the limits say, with pauses. */
  async #try(reading: Exclude<Reading<Contracts>, { tag: 'passed-over' }>, step: EffectStep): Promise<Tried> {
    if (reading.tag === 'unreadable') return { tag: 'refused', failure: reading.failure, attempts: 0 };
    const { limits, metrics, log } = this.#context;
    const { event } = reading;
    for (let attempts = 1; ; attempts += 1) {
      try {
        await this.#giveEffect([event], step);
        return { tag: 'done' };
      } catch (error) {
        if (this.#isOver(error)) throw error;
        const isHopeless = error instanceof OperatingError && error.retry !== 'timed';
        metrics.failed();
        if (isHopeless || attempts >= limits.attemptsMax) {
          return { tag: 'refused', failure: failureOf(error, { type: event.type, attempts }), attempts };
        }
        const pauseMs = Math.min(limits.retryPauseMs * 2 ** (attempts - 1), limits.retryPauseMaxMs);
        const where = { ...event.at, offset: event.at.offset.toString() };
        log.warn({ ...where, attempts, pauseMs }, `a handler failed: ${messageOf(error)}`);
        await this.position.pause(pauseMs);
      }
    }
  }

  async #giveEffect(
    events: readonly DomainEvent<Contracts>[],
    { parkedId, ...step }: EffectStep,
  ): Promise<void> {
    const work = async (tx: PoolClient): Promise<Effect> => {
      if (parkedId !== undefined && !(await settle(tx, parkedId)))
        throw new CommittedLateError(this.#hold.claim);
      return await giveEffect(tx, events, this.#context);
    };
    const effect = await this.position.transact({ ...step, work });
    const { handled, repeated } = effect ?? { handled: events.length, repeated: 0 };
    this.#context.metrics.count('handled', handled);
    this.#context.metrics.count('repeated', repeated);
  }

  /** Whether it is no failure of a handler, but the end of this lane or of the inbox. */
  #isOver(error: unknown): boolean {
    return error instanceof FencedError || error instanceof StopInboxError || this.#signal.aborted;
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
    await this.position.transact({ nextOffset, work, isDone: () => this.position.isBehind(nextOffset) });
    this.#context.metrics.count('parked');
  }

  #isParked(key: Buffer | null): boolean {
    const { parkedKeys } = this.#hold;
    return key !== null && parkedKeys.size > 0 && parkedKeys.has(key.toString('hex'));
  }

  #where({ topic, partition, offset }: IncomingRecord) {
    return { group: this.#context.group, topic, partition, offset: offset.toString() };
  }
}
