import type { Lsn } from '@diptych/wal/lsn';

/**
 * What is never divided: the records of consecutive messages of one transaction, those of some small transactions that are whole,
 * or records that stand for themselves between two transactions. It grows in the queue: each object that waits there is copied by
 * the garbage collector, a piece for each message was a fifth of what a drain cost.
 */
export interface Piece<R> {
  /** Of its last transaction; of the last one before it, when it stands for itself. */
  commitLsn: Lsn;
  /** Of its last message. */
  ordinal: number;
  bytes: number;
  readonly records: R[];
  /** First byte after the commit record, when this piece ends its transaction. */
  commitEndLsn: Lsn | null;
  /** Belongs to no transaction: what is published up to it is whole. */
  readonly standalone: boolean;
}

/** What comes to the queue: a piece, unless it goes into the one before it. */
export type Arrival<R> = Omit<Piece<R>, 'records'> & { readonly records: readonly R[] };

export interface Batch<R> {
  readonly pieces: readonly Piece<R>[];
  readonly bytes: number;
  /** How many of them are whole. */
  readonly whole: number;
  readonly rest: Piece<R>[];
}

/** Nothing is open behind it: its transactions are whole, or it stands for itself. */
export function isWhole<R>({ standalone, commitEndLsn }: Arrival<R>): boolean {
  return standalone || commitEndLsn !== null;
}

/** Puts what follows `piece` into it, where one piece may hold both; answers whether it does. */
export function joins<R>(piece: Piece<R>, next: Arrival<R>, pieceBytesMax: number): boolean {
  if (piece.standalone || next.standalone) return false;
  const isSameTransaction = piece.commitEndLsn === null && piece.commitLsn === next.commitLsn;
  const areBothWhole = piece.commitEndLsn !== null && next.commitEndLsn !== null;
  if (!isSameTransaction && !areBothWhole) return false;
  if (piece.bytes + next.bytes > pieceBytesMax) return false;
  for (const record of next.records) piece.records.push(record);
  piece.bytes += next.bytes;
  piece.commitLsn = next.commitLsn;
  piece.ordinal = next.ordinal;
  piece.commitEndLsn = next.commitEndLsn;
  return true;
}

/**
 * The next Kafka transaction: as many whole transactions as fit, never less than one. A transaction is divided only
 * when it does not fit by itself, and only when the batch would be full of it; its pieces wait for more otherwise
 * (the server sends committed transactions, so the rest is on its way). Null when there is nothing to publish yet.
 */
export function cutBatch<R>(queue: readonly Piece<R>[], batchBytesMax: number): Batch<R> | null {
  let bytes = 0;
  let count = 0;
  let whole = { count: 0, bytes: 0, pieces: 0 };
  for (const piece of queue) {
    if (count > 0 && bytes + piece.bytes > batchBytesMax) break;
    bytes += piece.bytes;
    count += 1;
    if (isWhole(piece)) whole = { count, bytes, pieces: whole.pieces + 1 };
  }
  const full = count < queue.length || bytes >= batchBytesMax;
  const cut = whole.count > 0 ? whole : full ? { count, bytes, pieces: 0 } : null;
  if (!cut || cut.count === 0) return null;
  const pieces = queue.slice(0, cut.count);
  return { pieces, bytes: cut.bytes, whole: cut.pieces, rest: queue.slice(cut.count) };
}
