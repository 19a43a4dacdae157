import type { DataMessage } from '@diptych/pgoutput/message';
import type { Lsn, Xid } from '@diptych/wal/lsn';

/** What is known of a committed transaction from its Begin message on. */
export interface Transaction {
  readonly xid: Xid;
  /** Start of the commit record: the transaction's identity together with the timeline. */
  readonly commitLsn: Lsn;
  readonly commitTimeUs: bigint;
  /** Replication origin, when the transaction was replayed from another server. */
  readonly origin: { readonly name: string; readonly lsn: Lsn } | null;
}

/** A committed transaction arrives as one `begin`, its changes, one `end`. Nothing of it waits for the whole. */
export type TransactionItem =
  | { readonly tag: 'begin'; readonly transaction: Transaction }
  | {
      readonly tag: 'change';
      readonly transaction: Transaction;
      /** 1-based among all raw data messages, published or not. */
      readonly ordinal: number;
      readonly message: DataMessage;
    }
  | {
      readonly tag: 'end';
      readonly transaction: Transaction;
      /** First byte after the commit record. */
      readonly commitEndLsn: Lsn;
      /** How many raw data messages the transaction had. */
      readonly rawMessages: number;
    };
