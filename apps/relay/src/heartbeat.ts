/** The relay's sign of life: through the WAL and back, so that its record says that the whole way works. */
import { operating } from '@diptych/runtime/failure';
import type { Logger } from '@diptych/runtime/log';
import type { PanelRecord } from '@diptych/transaction/panel-record';
import type { TransactionChange } from '@diptych/transaction/transaction';
import type { Catalogue } from '@diptych/wal/catalogue';
import { emitHeartbeat, heartbeatPrefix } from '@diptych/wal/heartbeat';
import { formatLsn } from '@diptych/wal/lsn';
import type { Configuration } from './configuration.ts';

/** The record of a heartbeat that came back; null for any other change, and for the heartbeat of another slot. */
export function heartbeatRecord(
  { message, transaction }: TransactionChange,
  { topic, slot }: { topic: string; slot: string },
): PanelRecord | null {
  if (message.tag !== 'message' || message.prefix !== heartbeatPrefix) return null;
  if (message.content.toString() !== slot) return null;
  const { commitLsn, commitTimeUs } = transaction;
  const value = { slot, lsn: formatLsn(commitLsn), ts_ms: Number(commitTimeUs / 1000n) };
  return { topic, key: Buffer.from(slot), value: Buffer.from(JSON.stringify(value)), headers: [], part: 0 };
}

/** Emits one now and then, while the relay holds the slot. One that cannot be emitted is said, and no failure. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #emittedAtMs = Number.NEGATIVE_INFINITY;
  #emitting = false;
  #failed = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** To be called often; emits when it is time. */
  beat(nowMs: number): void {
    const { catalogue, configuration } = this.#options;
    const { slot, heartbeat } = configuration;
    const { intervalMs } = heartbeat;
    if (intervalMs === 0 || this.#emitting || nowMs - this.#emittedAtMs < intervalMs) return;
    this.#emittedAtMs = nowMs;
    this.#emitting = true;
    void emitHeartbeat(catalogue, slot)
      .then(() => {
        this.#failed = false;
      }, this.#say)
      .finally(() => {
        this.#emitting = false;
      });
  }

  /** Once, until one goes through again. A bug of ours ends the process, as an unhandled rejection. */
  readonly #say = (error: unknown): void => {
    const { code, message, remedy } = operating(error);
    if (this.#failed) return;
    this.#failed = true;
    this.#options.log.warn(
      { code, reason: message, remedy },
      'no heartbeat can be emitted, publishing goes on',
    );
  };
}

export interface HeartbeatOptions {
  readonly catalogue: Catalogue;
  /** An interval of 0 emits none. */
  readonly configuration: Pick<Configuration, 'slot' | 'heartbeat'>;
  readonly log: Logger;
}
