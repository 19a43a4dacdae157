/** A transaction named for people and scripts: everything by which it can be found in Postgres and in Kafka. */
import { transactionId } from '@diptych/kafka/identity';
import { formatLsn } from '@diptych/wal/lsn';
import { formatCommitTime, type TransactionIdentity } from './joined-transaction.ts';

export interface TransactionReference {
  /** `<xid>:<commitLsn decimal>`, as in change events and END. */
  readonly transaction: string;
  readonly timeline: number;
  readonly xid: number;
  /** PostgreSQL's text form, `16/B374D848`. */
  readonly commitLsn: string;
  /** UTC, with microseconds. */
  readonly commitTime: string;
}

export function referenceTo(identity: TransactionIdentity): TransactionReference {
  return {
    transaction: transactionId(identity),
    timeline: identity.timeline,
    xid: identity.xid,
    commitLsn: formatLsn(identity.commitLsn),
    commitTime: formatCommitTime(identity.commitTimeUs),
  };
}
