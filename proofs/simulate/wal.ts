/** The modelled write-ahead log: committed transactions in commit order, and bytes that nothing is sent of. */
import type { Event } from '@diptych/delivery/protocol';
import { type Lsn, lsn } from '@diptych/wal/lsn';
import { commandOf, isOfCommand, isWord } from './commands.ts';
import type { Write } from './plan.ts';

/** A record is a number that says which it is: transaction, ordinal, part. */
export type RecordId = number;

const partsMax = 4;
const ordinalsMax = 256;

export const recordId = (transaction: number, ordinal: number, part: number): RecordId =>
  (transaction * ordinalsMax + ordinal) * partsMax + part;

export const ordinalOf = (record: RecordId): number => Math.floor(record / partsMax) % ordinalsMax;

export const transactionOf = (record: RecordId): number => Math.floor(record / (partsMax * ordinalsMax));

/** `7:3.1` – transaction 7, ordinal 3, part 1. */
export const describeRecord = (record: RecordId): string =>
  isOfCommand(record)
    ? `command-${commandOf(record)}-${isWord(record) ? 'done' : 'released'}`
    : `${transactionOf(record)}:${ordinalOf(record)}.${record % partsMax}`;

/** What the state machine is told of a transaction, message by message. */
export type StreamEvent = Extract<
  Event<RecordId>,
  { tag: 'transaction-began' | 'change-received' | 'transaction-ended' | 'keepalive' }
>;

export interface WalTransaction {
  readonly index: number;
  readonly commitLsn: Lsn;
  readonly commitEndLsn: Lsn;
  readonly messages: readonly StreamEvent[];
  /** All that must be in Kafka, in order, END included; empty when it touched no published table. */
  readonly records: readonly RecordId[];
}

const commitRecordBytes = 40;
const endBytes = 4;

export class Wal {
  readonly transactions: WalTransaction[] = [];
  /** Near 4 GiB, where the halves of the text form meet. */
  end: Lsn = lsn(0xffff_f000n);

  append(write: Exclude<Write, { tag: 'command' }>): void {
    if (write.tag === 'unsent') {
      this.end = lsn(this.end + BigInt(write.bytes));
      return;
    }
    const index = this.transactions.length;
    const commitLsn = lsn(this.end + BigInt(write.gapBytes));
    const commitEndLsn = lsn(commitLsn + BigInt(commitRecordBytes));
    const changes = write.changes.map(({ bytes, records }, place) => {
      const ordinal = place + 1;
      const ids = Array.from({ length: records }, (_, part) => recordId(index, ordinal, part));
      return { tag: 'change-received' as const, ordinal, bytes, records: ids };
    });
    const ids = changes.flatMap((change) => change.records);
    const endRecords = ids.length > 0 ? [recordId(index, changes.length + 1, 0)] : [];
    this.transactions.push({
      index,
      commitLsn,
      commitEndLsn,
      records: [...ids, ...endRecords],
      messages: [
        { tag: 'transaction-began', commitLsn },
        ...changes,
        { tag: 'transaction-ended', commitEndLsn, bytes: endBytes * endRecords.length, records: endRecords },
      ],
    });
    this.end = commitEndLsn;
  }
}
