import type { Lsn } from '@diptych/wal/lsn';

/**
 * One raw message with its records, the end of a transaction with its END record, or records that stand for themselves
 * between two transactions. It is never divided.
 */
export interface Piece<R> {
  /** Of its transaction; of the last one before it, when it stands for itself. */
  readonly commitLsn: Lsn;
  readonly ordinal: number;
  readonly bytes: number;
  readonly records: readonly R[];
  /** First byte after the commit record, when this piece ends its transaction. */
  readonly commitEndLsn: Lsn | null;
  /** Belongs to no transaction: what is published up to it is whole. */
  readonly standalone: boolean;
}

export interface Batch<R> {
  readonly pieces: readonly Piece<R>[];
  readonly bytes: number;
  /** How many transactions and pieces that stand for themselves end in it. */
  readonly transactions: number;
  readonly rest: Piece<R>[];
}

/**
 * The next Kafka transaction: as many whole transactions as fit, never less than one. A transaction is divided only
 * when it does not fit by itself, and only when the batch would be full of it; its pieces wait for more otherwise
 * (the server sends committed transactions, so the rest is on its way). Null when there is nothing to publish yet.
 */
export function cutBatch<R>(queue: readonly Piece<R>[], batchBytesMax: number): Batch<R> | null {
  let bytes = 0;
  let count = 0;
  let whole = { count: 0, bytes: 0, transactions: 0 };
  for (const piece of queue) {
    if (count > 0 && bytes + piece.bytes > batchBytesMax) break;
    bytes += piece.bytes;
    count += 1;
    if (piece.standalone || piece.commitEndLsn !== null)
      whole = { count, bytes, transactions: whole.transactions + 1 };
  }
  const full = count < queue.length || bytes >= batchBytesMax;
  const cut = whole.count > 0 ? whole : full ? { count, bytes, transactions: 0 } : null;
  if (!cut || cut.count === 0) return null;
  const { transactions } = cut;
  return { pieces: queue.slice(0, cut.count), bytes: cut.bytes, transactions, rest: queue.slice(cut.count) };
}
