/** The position in a partition that this member holds: only transactions move it, whatever the database goes through. */
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from '@diptych/runtime/assert';
import type { PoolClient } from 'pg';
import { isContention, isOutage } from './database-gate.ts';
import type { LaneContext } from './lane-context.ts';
import type { Hold } from './partition-hold.ts';
import { advance, CommittedLateError, FencedError, readPosition } from './positions.ts';
import { inTransaction } from './transaction.ts';

/** A transaction that moves the position, or keeps it where it is. */
export interface Step<T> {
  readonly nextOffset: bigint;
  readonly work: (tx: PoolClient) => Promise<T>;
  /** Whether it was committed although the connection broke meanwhile. */
  readonly isDone: () => Promise<boolean>;
}

export class HeldPosition {
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

  /** As committed. */
  get committed(): bigint {
    return this.#hold.nextOffset;
  }

  /** Nothing up to there is left to look at. */
  pass(nextOffset: bigint): void {
    this.#nextOffset = nextOffset;
  }

  /** Commits the position when it is behind what was looked at. */
  async flush(): Promise<void> {
    const nextOffset = this.#nextOffset;
    if (nextOffset === this.#hold.nextOffset) return;
    await this.transact({ nextOffset, work: async () => undefined, isDone: () => this.isBehind(nextOffset) });
  }

  /**
   * Until the database has it: an outage is waited for, and then asked whether it was committed after all (undefined).
   * Throws FencedError, the signal's reason, and what `work` throws.
   */
  async transact<T>({ nextOffset, work, isDone }: Step<T>): Promise<T | undefined> {
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
                await advance(tx, claim, { from: this.#hold.nextOffset, to: nextOffset });
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
        if (error instanceof CommittedLateError) {
          this.#moved(nextOffset);
          return undefined;
        }
        if (isContention(error)) {
          contentions += 1;
          await this.pause(Math.min(10 * 2 ** Math.min(contentions, 10), limits.retryPauseMaxMs));
        } else if (isOutage(error)) {
          gate.close(error, this.#context.ending);
          if (await this.patiently(isDone)) {
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
  async patiently<T>(ask: () => Promise<T>): Promise<T> {
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
  async isBehind(nextOffset: bigint): Promise<boolean> {
    const { claim } = this.#hold;
    const position = await readPosition(this.#context.pool, claim);
    if (position?.epoch !== claim.epoch) throw new FencedError(claim);
    return position.nextOffset >= nextOffset;
  }

  async #pass(): Promise<void> {
    await this.#context.gate.pass(this.#signal);
    this.#signal.throwIfAborted();
  }

  /** Throws the signal's reason when it ends meanwhile. */
  async pause(pauseMs: number): Promise<void> {
    await sleep(pauseMs, undefined, { signal: this.#signal }).catch(() => undefined);
    this.#signal.throwIfAborted();
  }
}
