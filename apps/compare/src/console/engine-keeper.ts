/** Keeps an engine at work beside the console's server: what it gets over by trying again does not end the process. */
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AcceptedShape } from '@diptych/compare/accepted-shapes';
import { describeCartEvent } from '@diptych/compare/cart-mapping';
import type { DriftOf } from '@diptych/compare/comparison';
import type { AggregateName, Trouble } from '@diptych/compare/console-api';
import type { Masks } from '@diptych/compare/mask';
import { formatPosition } from '@diptych/compare/position';
import type { Shape } from '@diptych/compare/shape';
import type { TransactionReference } from '@diptych/compare/transaction-reference';
import { type OperatingError, operating } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import type { Logger } from '@diptych/runtime/log';
import { parseLsn } from '@diptych/wal/lsn';
import { capturedDatabases } from '../captured-databases.ts';
import { Engine, type EngineAnswer } from '../engine.ts';
import { EngineStore } from '../engine-store.ts';
import { type Kept, KeptRecorder } from '../timeline/kept-recorder.ts';

export interface EngineKeeperOptions {
  readonly brokers: Brokers;
  readonly prefix: string;
  readonly domainPrefix: string;
  readonly databaseUrl: string;
  readonly name: string;
  readonly drifts: readonly DriftOf[];
  readonly masks: Masks;
  readonly keptMax: number;
  readonly audit: {
    readonly tables?: readonly string[] | undefined;
    readonly accepted: readonly AcceptedShape[];
    readonly eventOnly: readonly string[];
  };
  readonly log: Logger;
}

/** What is wrong with transactions, as far as is known now. */
export interface Marker {
  isLeak(shape: Shape): boolean;
  /** By position: the aggregates whose sides part there. */
  readonly drifts: ReadonlyMap<string, readonly AggregateName[]>;
}

/** What is shown live is at most so old, in ms; a save of a quiet engine costs nothing. */
const saveIntervalMs = 250;
const retryMsMin = 500;
const retryMsMax = 15_000;
/** Longer than any pause between two attempts. */
const troubleAgeMsMax = 30_000;
/** An answer is built from all that was learned; questions of the same moment share one. */
const answerAgeMsMax = 500;

export class EngineKeeper extends EventEmitter<{ kept: [Kept] }> {
  readonly #options: EngineKeeperOptions;
  /** The last one: what it knew when it ended is shown until the next one has begun. */
  #engine: Engine | null = null;
  #trouble: { readonly error: OperatingError; readonly atMs: number } | null = null;
  #answered: { readonly answer: EngineAnswer; readonly atMs: number } | null = null;

  constructor(options: EngineKeeperOptions) {
    super();
    this.#options = options;
  }

  /** What is known now; null before the engine has begun. */
  get answer(): EngineAnswer | null {
    if (this.#engine === null) return null;
    const now = performance.now();
    if (this.#answered === null || now - this.#answered.atMs > answerAgeMsMax)
      this.#answered = { answer: this.#engine.answer(this.#options.audit), atMs: now };
    return this.#answered.answer;
  }

  /** Why the engine does not go on; null when it does. */
  get trouble(): Trouble | null {
    // Nobody says that it is over: it is told again for as long as it lasts.
    if (this.#trouble === null || performance.now() - this.#trouble.atMs > troubleAgeMsMax) return null;
    const { code, message, remedy } = this.#trouble.error;
    return { code, message, remedy };
  }

  get marker(): Marker {
    const drifts = new Map<string, AggregateName[]>();
    for (const { drifted } of Object.values(this.answer?.drift ?? {})) {
      for (const { aggregateType, id, since } of drifted) {
        const position = positionOf(since);
        drifts.set(position, [...(drifts.get(position) ?? []), { aggregateType, id }]);
      }
    }
    return { isLeak: this.#engine?.leakJudge(this.#options.audit) ?? (() => false), drifts };
  }

  /** Begins the engine, and begins it again when it ends by an operating error, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let retryMs = retryMsMin;
    while (!signal.aborted) {
      const startedAt = performance.now();
      try {
        await this.#live(signal);
      } catch (error) {
        if (signal.aborted) return;
        const { code, message } = this.#tell(operating(error));
        this.#options.log.warn({ code, reason: message }, 'the engine ended; it begins again');
        // One that has worked for a while ended for a reason of its own.
        if (performance.now() - startedAt > retryMsMax) retryMs = retryMsMin;
        await sleep(retryMs, undefined, { signal }).catch(() => undefined);
        retryMs = Math.min(retryMsMax, retryMs * 2);
      }
    }
  }

  #tell(error: OperatingError): OperatingError {
    this.#trouble = { error, atMs: performance.now() };
    return error;
  }

  async #live(signal: AbortSignal): Promise<void> {
    const { brokers, prefix, domainPrefix, databaseUrl, name, drifts, masks, keptMax } = this.#options;
    const captured = await capturedDatabases({ brokers, prefix });
    const store = await EngineStore.open({ databaseUrl, name, captured });
    try {
      const recorder = new KeptRecorder({
        ...{ name, masks, keptMax, maskKey: await store.maskKey(), describe: describeCartEvent },
        onKept: (kept) => {
          this.#answered = null;
          this.#trouble = null;
          this.emit('kept', kept);
        },
      });
      this.#engine = await Engine.resume(store, {
        ...{ brokers, prefix, domainPrefix, drifts, recorder, saveIntervalMs },
        onTrouble: (error) => this.#tell(error),
      });
      this.#answered = null;
      await this.#engine.run(signal);
    } finally {
      await store.close();
    }
  }
}

/** Where a transaction of a report is in the timeline. */
export function positionOf({ timeline, commitLsn }: TransactionReference): string {
  return formatPosition({ timeline, commitLsn: parseLsn(commitLsn) });
}
