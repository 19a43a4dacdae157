import type { Transaction } from '@diptych/transaction/transaction';
import type { Lsn } from '@diptych/wal/lsn';

/**
 * The parts of a change event that are the same in a whole transaction, as JSON bytes. Fields and order are those of
 * Debezium 3.7: https://debezium.io/documentation/reference/3.7/connectors/postgresql.html#postgresql-create-events
 */
export interface TransactionParts {
  readonly transaction: Transaction;
  /** All four, one behind the other. They are overwritten by the next transaction's. */
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
    const previous = previousCommitEndLsn === null ? 'null' : `\\"${previousCommitEndLsn}\\"`;
    const from = origin === null ? 'null' : JSON.stringify(origin.name);
    const head = `${this.#opening}${commitTimeUs / 1000n}${this.#middle}${previous},\\"`;
    const times = `\\"]","ts_us":${commitTimeUs},"ts_ns":${commitTimeUs}000,`;
    const txId = `,"txId":${xid},"lsn":`;
    const tail =
      `,"xmin":null,"origin":${from},"origin_lsn":${origin?.lsn ?? 'null'}},` +
      `"transaction":{"id":"${id}","total_order":`;
    const bytesMax = 3 * (head.length + times.length + txId.length + tail.length);
    if (bytesMax > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(bytesMax);
    const bytes = this.#bytes;
    const headEnd = bytes.write(head, 0);
    const timesEnd = headEnd + bytes.write(times, headEnd);
    const xidEnd = timesEnd + bytes.write(txId, timesEnd);
    const tailEnd = xidEnd + bytes.write(tail, xidEnd);
    return { transaction, bytes, headEnd, timesEnd, xidEnd, tailEnd };
  }
}
