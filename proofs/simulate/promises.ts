/** The promises, checked while a schedule runs and when it has come to rest. */
import type { Progress } from '@diptych/delivery/protocol';
import { formatLsn, type Lsn, lsnZero } from '@diptych/wal/lsn';
import { type KafkaTransaction, partitioned } from './kafka.ts';
import { describeRecord, type RecordId, transactionOf, type Wal } from './wal.ts';
import type { World } from './world.ts';

export class Promises {
  readonly #world: World;
  /** The last committed checkpoint: what may be reported. */
  #held: Progress = { lsn: lsnZero, part: null, reportedLsn: lsnZero };
  /** How many records of each transaction are committed in Kafka. */
  readonly #counts: number[] = [];
  /** Transactions before this one are before the slot's position: the server forgets them. */
  #forgotten = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** A Kafka transaction is decided. */
  committed({ records, progress }: KafkaTransaction): void {
    for (const record of records) {
      const transaction = transactionOf(record);
      this.#counts[transaction] = (this.#counts[transaction] ?? 0) + 1;
    }
    if (!progress) return;
    const before = this.#held;
    if (
      progress.reportedLsn < before.reportedLsn ||
      progress.lsn < before.lsn ||
      isEarlierPart(progress, before)
    ) {
      this.#world.broken('positions-never-move-backwards', {
        expected: `a checkpoint after ${describeProgress(before)}`,
        got: describeProgress(progress),
      });
    }
    this.#held = progress;
  }

  /** The slot's position is about to become `flushed`. */
  confirmed({ before, flushed, wal }: { before: Lsn; flushed: Lsn; wal: Wal }): void {
    if (flushed < before) {
      this.#world.broken('positions-never-move-backwards', {
        expected: `a flushed position from ${formatLsn(before)} on`,
        got: formatLsn(flushed),
      });
    }
    for (;;) {
      const transaction = wal.transactions[this.#forgotten];
      if (!transaction || transaction.commitLsn >= flushed) break;
      const count = this.#counts[this.#forgotten] ?? 0;
      if (count < transaction.records.length) {
        this.#world.broken('nothing-lost', {
          expected: `${transaction.records.length} records of transaction ${transaction.index} in Kafka before the server may skip it`,
          got: `${count}, and the flushed position ${formatLsn(flushed)}`,
        });
      }
      this.#forgotten += 1;
    }
    if (flushed > this.#held.reportedLsn) {
      this.#world.broken('reported-only-what-a-checkpoint-holds', {
        expected: `at most ${formatLsn(this.#held.reportedLsn)}`,
        got: formatLsn(flushed),
      });
    }
  }

  /** How many records of all transactions are committed: enough to see whether the end may be near. */
  isComplete(wal: Wal): boolean {
    for (let index = wal.transactions.length - 1; index >= 0; index--) {
      if ((this.#counts[index] ?? 0) < (wal.transactions[index]?.records.length ?? 0)) return false;
    }
    return true;
  }

  /** What a `read_committed` consumer has in the end is each transaction once, in commit order, contiguous. */
  compare(wal: Wal, received: readonly (readonly RecordId[])[]): void {
    const expected = partitioned(wal.transactions.flatMap((transaction) => transaction.records));
    for (const [partition, wanted] of expected.entries()) {
      this.#comparePartition(wanted, received[partition] ?? []);
    }
  }

  /** Says the worst of what is amiss. */
  #comparePartition(wanted: readonly RecordId[], got: readonly RecordId[]): void {
    const place = wanted.findIndex((record, index) => record !== got[index]);
    if (place < 0 && wanted.length === got.length) return;
    const list = (records: readonly RecordId[]) => records.slice(0, 8).map(describeRecord).join(' ');
    const lost = wanted.filter((record) => !got.includes(record));
    const invented = got.filter((record) => !wanted.includes(record));
    const repeated = got.filter((record, index) => got.indexOf(record) < index);
    if (lost.length > 0) {
      this.#world.broken('nothing-lost', { expected: `also ${list(lost)}`, got: 'none of them' });
    } else if (invented.length > 0) {
      this.#world.broken('nothing-invented', { expected: 'no other', got: list(invented) });
    } else if (repeated.length > 0) {
      this.#world.broken('nothing-repeated', { expected: 'each once', got: `again ${list(repeated)}` });
    } else {
      this.#world.broken('commit-order', {
        expected: list(wanted.slice(place)),
        got: list(got.slice(place)),
      });
    }
  }
}

/** Both are of the same last whole transaction: less of the next one is a step back. */
function isEarlierPart(now: Progress, before: Progress): boolean {
  if (now.lsn !== before.lsn || !before.part) return false;
  return (
    !now.part ||
    now.part.lsn < before.part.lsn ||
    (now.part.lsn === before.part.lsn && now.part.seq < before.part.seq)
  );
}

export const describeProgress = ({ lsn, part, reportedLsn }: Progress): string =>
  `${formatLsn(lsn)}${part ? ` and ${part.seq} of ${formatLsn(part.lsn)}` : ''}, reported ${formatLsn(reportedLsn)}`;
