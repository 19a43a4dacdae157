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
  /** A ring, because a set of which the oldest is deleted steps over all that were deleted before, each time. */
  #xids: Xid[] = [];
  #next = 0;
  readonly #max: number;
  #hasForgotten = false;

  constructor({ max }: { max: number }) {
    this.#max = max;
  }

  add(xid: Xid): void {
    if (this.#xids.length === this.#max) this.#hasForgotten = true;
    this.#xids[this.#next] = xid;
    this.#next = (this.#next + 1) % this.#max;
  }

  addAll(others: RecentCommits): void {
    for (const xid of others.#inOrder()) this.add(xid);
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
    this.#xids = this.#inOrder().filter((xid) => !visibility.sees(xid));
    this.#next = this.#xids.length % this.#max;
    return [...this.#xids];
  }

  #inOrder(): Xid[] {
    return [...this.#xids.slice(this.#next), ...this.#xids.slice(0, this.#next)];
  }
}
