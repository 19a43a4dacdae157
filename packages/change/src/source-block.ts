import { putBytes } from '@diptych/runtime/bytes';
import { digitsOf, putDigits } from '@diptych/runtime/digits';
import type { Transaction } from '@diptych/transaction/transaction';
import type { Lsn } from '@diptych/wal/lsn';

/**
 * The parts of a change event that are the same in a whole transaction, as JSON bytes. Fields and order are those of
 * Debezium 3.7: https://debezium.io/documentation/reference/3.7/connectors/postgresql.html#postgresql-create-events
 */
export interface TransactionParts {
  /** Whose they are: all of it is overwritten by the next one's. */
  transaction: Transaction;
  /** All four, one behind the other. */
  readonly bytes: Buffer;
  /** From `"source":{` to the place of the change's LSN in `sequence`. */
  readonly headEnd: number;
  /** From there to the table's names. */
  readonly timesEnd: number;
  /** From there to the change's LSN. */
  readonly xidEnd: number;
  /** From there to the place of `total_order`. */
  readonly tailEnd: number;
}

/** By so many digits a time in µs is longer than in ms. */
const msDigits = 3;

/** Enough for all parts, unless somebody has very long names. */
const partsBytes = 1024;

export interface SourceOptions {
  /** `source.version`: of this product. */
  readonly version: string;
  /** `source.name`: the prefix of topics. */
  readonly prefix: string;
  /** `source.db`. */
  readonly database: string;
}

export interface LooseSource {
  readonly lsn: Lsn;
  readonly timeUs: bigint;
  readonly previousCommitEndLsn: Lsn | null;
}

/** Of a row that was read, not changed. */
export interface ReadSource {
  /** Debezium's `source.snapshot`. */
  readonly marker: string;
  /** When it was read, in µs since 1970. */
  readonly timeUs: bigint;
  /** The position that the whole read belongs to; null: rows of other positions surround it. */
  readonly lsn: Lsn | null;
}

export class SourceBlock {
  /** From `"source":{` to the commit time. */
  readonly #opening: string;
  /** From the commit time to the array in `sequence`. */
  readonly #middle: string;
  readonly #database: string;
  #bytes = Buffer.allocUnsafeSlow(partsBytes);
  /** Null: the next transaction is written whole. */
  #places: Places | null = null;

  constructor({ version, prefix, database }: SourceOptions) {
    const [ours, name, db] = [version, prefix, database].map((text) => JSON.stringify(text));
    this.#opening = `"source":{"version":${ours},"connector":"postgresql","name":${name},"ts_ms":`;
    this.#database = db as string;
    this.#middle = `,"snapshot":"false","db":${db},"sequence":"[`;
  }

  /** The whole block for a message outside every transaction: its time is the relay's, its transaction none. */
  ofLoose({ lsn, timeUs, previousCommitEndLsn }: LooseSource): string {
    const previous = previousCommitEndLsn === null ? 'null' : `\\"${previousCommitEndLsn}\\"`;
    return (
      `${this.#opening}${timeUs / 1000n}${this.#middle}${previous},\\"${lsn}\\"]","ts_us":${timeUs},` +
      `"ts_ns":${timeUs}000,"schema":"","table":"","txId":null,"lsn":${lsn},"xmin":null,"origin":null,"origin_lsn":null}`
    );
  }

  /** The whole block for a row that was read; `table` names it. No transaction made it. */
  ofRead({ marker, timeUs, lsn }: ReadSource, table: Buffer): string {
    const position = lsn === null ? 'null' : `\\"${lsn}\\"`;
    return (
      `${this.#opening}${timeUs / 1000n},"snapshot":"${marker}","db":${this.#database},` +
      `"sequence":"[null,${position}]","ts_us":${timeUs},"ts_ns":${timeUs}000,${table.toString()},` +
      `"txId":null,"lsn":${lsn ?? 'null'},"xmin":null,"origin":null,"origin_lsn":null}`
    );
  }

  /** The parts for a transaction; `id` is its own, as END has it. */
  of(transaction: Transaction, id: string): TransactionParts {
    const { commitTimeUs, previousCommitEndLsn, origin, xid } = transaction;
    const timeUs = Number(commitTimeUs);
    const previous = previousCommitEndLsn === null ? -1 : Number(previousCommitEndLsn);
    const places = this.#places;
    const isAlike =
      places !== null &&
      origin === null &&
      id.length === places.idLength &&
      widthOf(timeUs) === places.timeWidth &&
      widthOf(previous) === places.previousWidth &&
      widthOf(xid) === places.xidWidth;
    return isAlike
      ? this.#overwrite(places, { transaction, id, timeUs, previous, xid })
      : this.#write(transaction, id);
  }

  /** Nearly all transactions differ from the one before in some digits: those of as many are put in their place. */
  #overwrite(
    places: Places,
    { transaction, id, timeUs, previous, xid }: Numbers & { transaction: Transaction; id: string },
  ): TransactionParts {
    const bytes = this.#bytes;
    const timeUsEnd = putDigits(bytes, places.timeUs, timeUs);
    putBytes(bytes, places.timeMs, bytes, places.timeUs, timeUsEnd - msDigits);
    putBytes(bytes, places.timeNs, bytes, places.timeUs, timeUsEnd);
    putDigits(bytes, places.previous, previous);
    putDigits(bytes, places.xid, xid);
    for (let index = 0; index < id.length; index += 1) bytes[places.id + index] = id.charCodeAt(index);
    places.parts.transaction = transaction;
    return places.parts;
  }

  #write(transaction: Transaction, id: string): TransactionParts {
    const { commitTimeUs, previousCommitEndLsn, origin, xid } = transaction;
    const previous = previousCommitEndLsn === null ? 'null' : `\\"${previousCommitEndLsn}\\"`;
    const from = origin === null ? 'null' : JSON.stringify(origin.name);
    const head = `${this.#opening}${commitTimeUs / 1000n}${this.#middle}${previous},\\"`;
    const times = `\\"]","ts_us":${commitTimeUs},"ts_ns":${commitTimeUs}000,`;
    const txId = `,"txId":${xid},"lsn":`;
    const block = `,"xmin":null,"origin":${from},"origin_lsn":${origin?.lsn ?? 'null'}},"transaction":{"id":"`;
    const tail = `${block}${id}","total_order":`;
    const bytesMax = 3 * (head.length + times.length + txId.length + tail.length);
    if (bytesMax > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(bytesMax);
    const bytes = this.#bytes;
    const headEnd = bytes.write(head, 0);
    const timesEnd = headEnd + bytes.write(times, headEnd);
    const xidEnd = timesEnd + bytes.write(txId, timesEnd);
    const tailEnd = xidEnd + bytes.write(tail, xidEnd);
    const parts = { transaction, bytes, headEnd, timesEnd, xidEnd, tailEnd };
    const timeMs = Buffer.byteLength(this.#opening);
    const timeUs = headEnd + '\\"]","ts_us":'.length;
    const timeWidth = widthOf(Number(commitTimeUs));
    const previousWidth = widthOf(Number(previousCommitEndLsn ?? -1));
    const places = {
      parts,
      timeMs,
      timeUs,
      timeNs: timeUs + timeWidth + ',"ts_ns":'.length,
      timeWidth,
      previous: headEnd - ',\\"'.length - '\\"'.length - previousWidth,
      previousWidth,
      xid: timesEnd + ',"txId":'.length,
      xidWidth: widthOf(xid),
      id: xidEnd + block.length,
      idLength: id.length,
    };
    // Only what is of digits alone is put in place: no origin, no null, nothing negative or unsafe.
    const isOfDigits = origin === null && places.timeWidth > msDigits && previousWidth > 0;
    this.#places = isOfDigits ? places : null;
    return parts;
  }
}

interface Numbers {
  readonly timeUs: number;
  readonly previous: number;
  readonly xid: number;
}

/** Where the numbers of the last transaction stand, and how many digits they have. */
interface Places {
  readonly parts: TransactionParts;
  readonly timeMs: number;
  readonly timeUs: number;
  readonly timeNs: number;
  readonly timeWidth: number;
  readonly previous: number;
  readonly previousWidth: number;
  readonly xid: number;
  readonly xidWidth: number;
  readonly id: number;
  readonly idLength: number;
}

/** How many digits; 0 of a number that is written in another way. */
const widthOf = (value: number): number => (value >= 0 && Number.isSafeInteger(value) ? digitsOf(value) : 0);
