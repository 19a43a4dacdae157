import type { DataMessage, LogicalMessage } from '@diptych/pgoutput/message';
import type { Lsn, Xid } from '@diptych/wal/lsn';

/** What is known of a committed transaction from its Begin message on. */
export interface Transaction {
  readonly xid: Xid;
  /** Start of the commit record: the transaction's identity together with the timeline. */
  readonly commitLsn: Lsn;
  readonly commitTimeUs: bigint;
  /** End of the commit before this one in the stream; null when none is known. */
  readonly previousCommitEndLsn: Lsn | null;
  /** Where the transaction came from when it was replayed from another server. Known from the first change on. */
  readonly origin: Origin | null;
}

/** https://www.postgresql.org/docs/18/replication-origins.html */
export interface Origin {
  readonly name: string;
  /** The commit's position on the server it came from; 0 when it did not say. */
  readonly lsn: Lsn;
}

/**
 * A committed transaction arrives as one `begin`, its changes, one `end`. Nothing of it waits for the whole. A logical
 * message that belongs to no transaction stands for itself, wherever it comes.
 */
export type TransactionItem = TransactionBegin | TransactionChange | TransactionEnd | LooseMessage;

export interface TransactionBegin {
  readonly tag: 'begin';
  readonly transaction: Transaction;
}

export interface TransactionChange {
  readonly tag: 'change';
  readonly transaction: Transaction;
  /** 1-based among all raw data messages, published or not. */
  readonly ordinal: number;
  /** Where the change itself stands in the WAL (the start that XLogData names); the commit's start when not told. */
  readonly lsn: Lsn;
  readonly message: DataMessage;
}

export interface TransactionEnd {
  readonly tag: 'end';
  readonly transaction: Transaction;
  /** First byte after the commit record. */
  readonly commitEndLsn: Lsn;
  /** How many raw data messages the transaction had. */
  readonly rawMessages: number;
}

/** A non-transactional logical message: no identity, no ordinal. */
export interface LooseMessage {
  readonly tag: 'message';
  readonly message: LogicalMessage;
}
