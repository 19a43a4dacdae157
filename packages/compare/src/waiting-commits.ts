/** Who waits for which commit: found by transaction id when an END comes, and by position when a checkpoint does. */
import type { CommitToken } from '@diptych/wal/commit-token';
import type { Lsn } from '@diptych/wal/lsn';
import { lowXid, type Passed } from './published-position.ts';

export interface Waiter {
  readonly token: CommitToken;
  readonly resolve: (passed: Passed) => void;
  readonly reject: (reason: unknown) => void;
}

export class WaitingCommits {
  readonly #byXid = new Map<number, Set<Waiter>>();
  /** Lowest position first. */
  readonly #byLsn: Waiter[] = [];

  get size(): number {
    return this.#byLsn.length;
  }

  add(waiter: Waiter): void {
    const xid = lowXid(waiter.token);
    const ofXid = this.#byXid.get(xid) ?? new Set();
    this.#byXid.set(xid, ofXid);
    ofXid.add(waiter);
    // Tokens come in about their order: the place is near the end.
    const behind = this.#byLsn.findLastIndex(({ token }) => token.lsn <= waiter.token.lsn);
    this.#byLsn.splice(behind + 1, 0, waiter);
  }

  /** Forgets one that has its answer; again does nothing. */
  remove(waiter: Waiter): void {
    const xid = lowXid(waiter.token);
    const ofXid = this.#byXid.get(xid);
    if (!ofXid?.delete(waiter)) return;
    if (ofXid.size === 0) this.#byXid.delete(xid);
    this.#byLsn.splice(this.#byLsn.indexOf(waiter), 1);
  }

  /** Those that wait for a transaction of this id. */
  ofXid(xid: number): readonly Waiter[] {
    return [...(this.#byXid.get(xid) ?? [])];
  }

  /** Those whose position is not beyond this one. */
  upTo(lsn: Lsn): readonly Waiter[] {
    const beyond = this.#byLsn.findIndex(({ token }) => token.lsn > lsn);
    return beyond < 0 ? [...this.#byLsn] : this.#byLsn.slice(0, beyond);
  }

  all(): readonly Waiter[] {
    return [...this.#byLsn];
  }
}
