/** Which transactions a read could see: `pg_current_snapshot()`. https://www.postgresql.org/docs/18/functions-info.html#FUNCTIONS-PG-SNAPSHOT */
import { assert } from '@diptych/runtime/assert';
import type { Xid } from '@diptych/wal/lsn';

const low32 = (value: bigint): number => Number(BigInt.asUintN(32, value));

/** A snapshot of PostgreSQL: what was running when it was taken is not seen by it. */
export class Visibility {
  readonly #xmax: bigint;
  /** The low halves: what runs at one time spans less than 2^31 ids. */
  readonly #running: ReadonlySet<number>;

  /** `text`: `xmin:xmax:xip,xip,…`, each of 64 bit. */
  constructor(text: string) {
    const match = /^(\d+):(\d+):([\d,]*)$/.exec(text);
    assert(match, `not a snapshot: ${text}`);
    const [, , xmax = '', list = ''] = match;
    this.#xmax = BigInt(xmax);
    this.#running = new Set(list === '' ? [] : list.split(',').map((one) => low32(BigInt(one))));
  }

  /** Whether what this transaction did, which has committed, is seen. The stream names it by the low half of its id. */
  sees(xid: Xid): boolean {
    const distance = (xid - low32(this.#xmax)) | 0;
    return distance < 0 && !this.#running.has(xid);
  }
}

/**
 * The transactions whose commit came last in the stream. A commit record is in the WAL, and may be decoded, before the
 * transaction is seen by others: for the time that a synchronous standby takes to answer, or the server to schedule.
 */
export class RecentCommits {
  readonly #xids = new Set<Xid>();
  readonly #max: number;
  #hasForgotten = false;

  constructor({ max }: { max: number }) {
    this.#max = max;
  }

  add(xid: Xid): void {
    this.#xids.add(xid);
    if (this.#xids.size <= this.#max) return;
    this.#hasForgotten = true;
    for (const oldest of this.#xids) {
      this.#xids.delete(oldest);
      return;
    }
  }

  addAll(others: RecentCommits): void {
    for (const xid of others.#xids) this.add(xid);
    this.#hasForgotten ||= others.#hasForgotten;
  }

  /** Whether there were more than are kept: of those it is not known who sees them. */
  get hasForgotten(): boolean {
    return this.#hasForgotten;
  }

  /** The forgotten ones are waited for. */
  settle(): void {
    this.#hasForgotten = false;
  }

  /** Those that a read cannot see although they came before it. The others every later read sees: they are kept no more. */
  unseenBy(visibility: Visibility): Xid[] {
    for (const xid of this.#xids) if (visibility.sees(xid)) this.#xids.delete(xid);
    return [...this.#xids];
  }
}
