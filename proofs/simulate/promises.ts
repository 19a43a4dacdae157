/** The promises, checked while a schedule runs and when it has come to rest. */
import type { Progress } from '@diptych/delivery/protocol';
import { formatLsn, type Lsn, lsnZero } from '@diptych/wal/lsn';
import { isOfCommand, releasedRecord, wordRecord } from './commands.ts';
import type { AppendRequest } from './kafka.ts';
import { type KafkaTransaction, partitioned, together } from './partitions.ts';
import { largestBatchBytes } from './plan.ts';
import { describeRecord, ordinalOf, type RecordId, transactionOf, type Wal } from './wal.ts';
import type { World } from './world.ts';

/** A batch of the largest kind, twice: what is in flight, and the one before whose statement travels with it. */
const repeatedBytesMax = 2 * largestBatchBytes;

export class Promises {
  readonly #world: World;
  /** What the checkpoints in Kafka hold: what may be reported. */
  #held: Progress = { lsn: lsnZero, part: null, reportedLsn: lsnZero };
  readonly #seen = new Set<RecordId>();
  /** How many distinct records of each transaction are committed in Kafka. */
  readonly #counts: number[] = [];
  /** Transactions before this one are before the slot's position: the server forgets them. */
  #forgotten = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** A Kafka transaction is decided. */
  committed({ records, progress }: KafkaTransaction): void {
    this.#count(records);
    if (!progress) return;
    if (saysLess(progress, this.#held)) {
      this.#world.broken('positions-never-move-backwards', {
        expected: `a checkpoint after ${describeProgress(this.#held)}`,
        got: describeProgress(progress),
      });
    }
    this.#held = progress;
  }

  /** Without transactions: one partition has a batch. */
  appended({ records, progress, floor }: AppendRequest, wal: Wal): void {
    for (const record of records) {
      const transaction = isOfCommand(record) ? undefined : wal.transactions[transactionOf(record)];
      if (!floor || !transaction || !covers(floor, transaction.commitLsn, ordinalOf(record))) continue;
      this.#world.broken('repeats-are-bounded', {
        expected: `nothing that the session found in ${describeProgress(floor)}`,
        got: describeRecord(record),
      });
    }
    this.#count(records);
    if (!progress) return;
    if (saysLess(progress, this.#held)) this.#world.coverage.staleCheckpoints += 1;
    this.#held = together([this.#held, progress]) ?? progress;
  }

  /** A session is about to begin at `progress`: so much is in Kafka behind it, and comes again. */
  adopted(progress: Progress | null, wal: Wal): void {
    if (!progress) return;
    let bytes = 0;
    for (const { commitLsn, index, messages } of wal.transactions) {
      if (commitLsn <= progress.lsn || (this.#counts[index] ?? 0) === 0) continue;
      for (const message of messages) {
        if (!('records' in message) || !message.records.some((record) => this.#seen.has(record))) continue;
        const isHeld = message.tag === 'change-received' && covers(progress, commitLsn, message.ordinal);
        if (!isHeld) bytes += message.bytes;
      }
    }
    if (bytes <= repeatedBytesMax) return;
    this.#world.broken('repeats-are-bounded', {
      expected: `at most ${repeatedBytesMax} bytes behind ${describeProgress(progress)}`,
      got: `${bytes}`,
    });
  }

  #count(records: readonly RecordId[]): void {
    for (const record of records) {
      if (this.#seen.has(record)) {
        this.#world.coverage.repeats += 1;
        continue;
      }
      this.#seen.add(record);
      if (isOfCommand(record)) continue;
      const transaction = transactionOf(record);
      this.#counts[transaction] = (this.#counts[transaction] ?? 0) + 1;
    }
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

  /** How many records of all transactions and commands are committed: enough to see whether the end may be near. */
  isComplete(wal: Wal, commands: number): boolean {
    for (let command = 0; command < commands; command += 1) {
      if (!this.#seen.has(wordRecord(command))) return false;
    }
    for (let index = wal.transactions.length - 1; index >= 0; index--) {
      if ((this.#counts[index] ?? 0) < (wal.transactions[index]?.records.length ?? 0)) return false;
    }
    return true;
  }

  /**
   * What a `read_committed` consumer has in the end is each transaction once, in commit order, contiguous, and each command
   * once between two of them. At least once that holds of what it sees for the first time, but for contiguity.
   */
  compare(wal: Wal, received: readonly (readonly RecordId[])[], commands: number): void {
    const expected = partitioned(wal.transactions.flatMap((transaction) => transaction.records));
    const asked = Array.from({ length: commands }, (_, command) => [
      releasedRecord(command),
      wordRecord(command),
    ]);
    const ofCommands = partitioned(asked.flat());
    for (const [partition, wanted] of expected.entries()) {
      const all = received[partition] ?? [];
      const got = this.#isExact ? all : [...new Set(all)];
      this.#compare(
        wanted,
        got.filter((record) => !isOfCommand(record)),
      );
      const executed = got.filter(isOfCommand).toSorted((a, b) => b - a);
      this.#compare(
        (ofCommands[partition] ?? []).toSorted((a, b) => b - a),
        executed,
      );
      if (this.#isExact) this.#findInside(got);
    }
  }

  get #isExact(): boolean {
    return this.#world.plan.delivery === 'exactly-once';
  }

  #findInside(got: readonly RecordId[]): void {
    let last = -1;
    for (const [place, record] of got.entries()) {
      if (!isOfCommand(record)) last = transactionOf(record);
      const next = got.slice(place).find((one) => !isOfCommand(one));
      if (!isOfCommand(record) || next === undefined || transactionOf(next) !== last) continue;
      this.#world.broken('commit-order', {
        expected: `transaction ${last} contiguous`,
        got: `${describeRecord(record)} inside`,
      });
    }
  }

  /** Says the worst of what is amiss. */
  #compare(wanted: readonly RecordId[], got: readonly RecordId[]): void {
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

/** Less is whole, or less of the same next one. */
function saysLess(now: Progress, before: Progress): boolean {
  return now.reportedLsn < before.reportedLsn || now.lsn < before.lsn || isEarlierPart(now, before);
}

/** Whether a checkpoint says that a change is in Kafka. */
function covers({ lsn, part }: Progress, commitLsn: Lsn, ordinal: number): boolean {
  return commitLsn <= lsn || (part?.lsn === commitLsn && ordinal <= part.seq);
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
