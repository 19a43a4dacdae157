/** A cut through both panels: everything up to one transaction, and nothing behind it, in commit order. */
import { type CommitToken, parseCommitToken } from '@diptych/wal/commit-token';
import { type Lsn, parseLsn } from '@diptych/wal/lsn';
import { compareCommits, type TransactionIdentity } from './joined-transaction.ts';
import { lowXid } from './published-position.ts';

/** Up to where. */
export type CutTarget =
  /** The transaction of a commit token. */
  | { readonly tag: 'commit'; readonly commit: CommitToken }
  /** The last one that committed at or before the position. */
  | { readonly tag: 'position'; readonly lsn: Lsn }
  /** Up to the first one that committed later, in µs since 1970: clocks are not quite in commit order. */
  | { readonly tag: 'time'; readonly timeUs: bigint };

/** How a target is written, for messages. */
export const cutForms =
  'a commit token such as 757@0/16B37480, a position such as 0/16B37480, or a time such as 2026-11-21T12:00:00Z';

/** Reads any of the three; undefined for what is none of them. */
export function parseCutTarget(text: string): CutTarget | undefined {
  const commit = parseCommitToken(text);
  if (commit) return { tag: 'commit', commit };
  if (/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/.test(text)) return { tag: 'position', lsn: parseLsn(text) };
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const ms = isTime ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : { tag: 'time', timeUs: BigInt(ms) * 1000n };
}

/** Is shown the transactions in commit order, and says where the cut is. */
export class CutFinder {
  readonly #target: CutTarget;
  #last: TransactionIdentity | null = null;
  #transactions = 0;
  #done = false;

  constructor(target: CutTarget) {
    this.#target = target;
  }

  /** The last transaction before the cut; null when there is none, or when that of the token has not come. */
  get last(): TransactionIdentity | null {
    return this.#target.tag === 'commit' && !this.#done ? null : this.#last;
  }

  /** How many transactions stand before the cut. */
  get transactions(): number {
    return this.#transactions;
  }

  /** Takes the next one; true when it stands before the cut. After the cut it takes no more. */
  take(identity: TransactionIdentity): boolean {
    if (this.#done || this.#isBeyond(identity)) {
      if (this.#target.tag !== 'commit') this.#done = true;
      return false;
    }
    this.#last = identity;
    this.#transactions += 1;
    if (this.#isTarget(identity)) this.#done = true;
    return true;
  }

  /** Nothing that comes can move the cut. */
  get done(): boolean {
    return this.#done;
  }

  #isBeyond({ commitLsn, commitTimeUs }: TransactionIdentity): boolean {
    const target = this.#target;
    switch (target.tag) {
      case 'commit':
        return commitLsn > target.commit.lsn;
      case 'position':
        return commitLsn > target.lsn;
      case 'time':
        return commitTimeUs > target.timeUs;
    }
  }

  #isTarget({ xid }: TransactionIdentity): boolean {
    return this.#target.tag === 'commit' && xid === lowXid(this.#target.commit);
  }
}

/** Whether what has this identity stands before the cut. */
export const isBeforeCut = (
  identity: Pick<TransactionIdentity, 'timeline' | 'commitLsn'>,
  last: TransactionIdentity,
): boolean => compareCommits(identity, last) <= 0;
