/** Up to where everything is published, as a reader of END records and checkpoints knows it, and what of later it has seen. */
import { furthestCheckpoint, type Stated } from '@diptych/kafka/furthest-checkpoint';
import type { Identity } from '@diptych/kafka/identity';
import type { CommitToken } from '@diptych/wal/commit-token';
import { type Lsn, type Xid, xid } from '@diptych/wal/lsn';

/** By what a commit is known to be published. */
export type Passed =
  /** Its END is in Kafka: this is the transaction, and it published something. */
  | { readonly tag: 'end'; readonly timeline: number; readonly xid: Xid; readonly commitLsn: Lsn }
  /** Everything up to this position is published, whatever the transaction wrote, also if nothing of it is. */
  | { readonly tag: 'position'; readonly lsn: Lsn };

/**
 * How many of the latest END records are remembered. A commit further back is told by its position: never wrongly, at
 * worst later, with the next checkpoint. 32-bit transaction ids come again after four billion.
 */
const endsMax = 50_000;

export class PublishedPosition {
  #checkpoint: Stated | null = null;
  /** By xid, oldest first. */
  readonly #ends = new Map<number, Extract<Passed, { tag: 'end' }>>();

  /** Takes in the END of a transaction. */
  ended({ timeline, xid: of, commitLsn }: Identity): void {
    this.#ends.delete(of);
    this.#ends.set(of, { tag: 'end', timeline, xid: of, commitLsn });
    const [oldest] = this.#ends.keys();
    if (oldest !== undefined && this.#ends.size > endsMax) this.#ends.delete(oldest);
  }

  /** Takes in a checkpoint of the slot; null when it was removed. */
  reported(checkpoint: Stated | null): void {
    const before = this.#checkpoint;
    this.#checkpoint = furthestCheckpoint([before, checkpoint]);
    // Another story under the slot's name: a token of it may have the xid of a transaction that is no part of it.
    if (before && checkpoint && before.era !== this.#checkpoint?.era) this.#ends.clear();
  }

  /** Up to where every commit is published; null when no checkpoint says it. */
  get lsn(): Lsn | null {
    if (!this.#checkpoint) return null;
    const { lsn, reportedLsn } = this.#checkpoint;
    return max(lsn, reportedLsn);
  }

  /** Whether a commit is published, and by what that is known; undefined when it is not known yet. */
  has(token: CommitToken): Passed | undefined {
    const end = this.#ends.get(lowXid(token));
    if (end && end.commitLsn <= token.lsn) return end;
    const { lsn } = this;
    return lsn !== null && lsn >= token.lsn ? { tag: 'position', lsn } : undefined;
  }
}

/** What END has of a token's transaction id. */
export function lowXid(token: Pick<CommitToken, 'xid'>): Xid {
  return xid(Number(BigInt.asUintN(32, token.xid)));
}

const max = (a: Lsn, b: Lsn): Lsn => (a > b ? a : b);
