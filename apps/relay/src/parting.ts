/** How a session ends when the stream cannot go on behind one place, whoever reads it. */
import type { DeliveryState, OpenTransaction } from '@diptych/delivery/state';
import { type FailureCode, OperatingError, operating } from '@diptych/runtime/failure';
import { formatLsn } from '@diptych/wal/lsn';
import type { Parking } from './parking/parking.ts';
import { ofOneRow } from './parking/poison.ts';
import { isTooLarge } from './refusal.ts';

/** What is wrong with one transaction, and with nothing else. */
const ofOneTransaction: ReadonlySet<FailureCode> = new Set([
  ...ofOneRow,
  'outbox-operation-invalid',
  'record-too-large',
  'row-too-large',
  'row-exceeds-server-limit',
  'wal-message-malformed',
]);

/**
 * A failure that waits until everything before it is published: only then is the place that holds the relay up the next
 * one, and can be left out by itself (`diptych skip`).
 */
export class Parting {
  readonly failure: OperatingError;
  readonly #sinceMs: number;
  #isOver = false;

  constructor(failure: OperatingError, { open, nowMs }: { open: OpenTransaction | null; nowMs: number }) {
    this.failure = naming(failure, open);
    this.#sinceMs = nowMs;
  }

  /** True once: when nothing is left to wait for, or it took too long. What is left then comes again. */
  ends<R>({ publishing, queuedWhole, queuedBytes, limits }: DeliveryState<R>, nowMs: number): boolean {
    if (this.#isOver) return false;
    const isSettled = publishing === null && queuedWhole === 0 && queuedBytes < limits.batchBytesMax;
    this.#isOver = isSettled || nowMs - this.#sinceMs > limits.drainTimeoutMs;
    return this.#isOver;
  }

  /** Everything before the failure is published. It may be that the limits by which it fails are no longer those. */
  async reason(parking: Pick<Parking, 'requireSameLimits'> | null): Promise<OperatingError> {
    if (!isTooLarge(this.failure) || !parking) return this.failure;
    return await parking.requireSameLimits().then(() => this.failure, operating);
  }
}

/** The failure with the transaction that it is about, and the way past it. */
function naming(failure: OperatingError, open: OpenTransaction | null): OperatingError {
  const { code, message, remedy } = failure;
  if (!open || !ofOneTransaction.has(code)) return failure;
  const lsn = formatLsn(open.commitLsn);
  return new OperatingError(code, `${message}; commit LSN of the transaction: ${lsn}`, {
    remedy: `${remedy} To leave the whole transaction out: \`diptych skip --lsn ${lsn}\`.`,
    cause: failure,
  });
}
