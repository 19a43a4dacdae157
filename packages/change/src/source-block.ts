import type { Transaction } from '@diptych/transaction/transaction';

/**
 * The parts of a change event that are the same in a whole transaction, as JSON bytes. Fields and order are those of
 * Debezium 3.7: https://debezium.io/documentation/reference/3.7/connectors/postgresql.html#postgresql-create-events
 */
export interface TransactionParts {
  readonly transaction: Transaction;
  /** From `"source":{` to the place of the change's LSN in `sequence`. */
  readonly head: Buffer;
  /** From there to the table's names. */
  readonly times: Buffer;
  /** From there to the change's LSN. */
  readonly xid: Buffer;
  /** From there to the place of `total_order`. */
  readonly tail: Buffer;
}

export interface SourceOptions {
  /** `source.version`: of this product. */
  readonly version: string;
  /** `source.name`: the prefix of topics. */
  readonly prefix: string;
  /** `source.db`. */
  readonly database: string;
}

/** Prepares them. `id` is the transaction's, as END has it. */
export function transactionParts(
  transaction: Transaction,
  { version, prefix, database, id }: SourceOptions & { readonly id: string },
): TransactionParts {
  const { commitTimeUs, previousCommitEndLsn, origin, xid } = transaction;
  const previous = previousCommitEndLsn === null ? 'null' : `\\"${previousCommitEndLsn}\\"`;
  return {
    transaction,
    head: Buffer.from(
      `"source":{"version":${JSON.stringify(version)},"connector":"postgresql","name":${JSON.stringify(prefix)},` +
        `"ts_ms":${commitTimeUs / 1000n},"snapshot":"false","db":${JSON.stringify(database)},` +
        `"sequence":"[${previous},\\"`,
    ),
    times: Buffer.from(`\\"]","ts_us":${commitTimeUs},"ts_ns":${commitTimeUs * 1000n},`),
    xid: Buffer.from(`,"txId":${xid},"lsn":`),
    tail: Buffer.from(
      `,"xmin":null,"origin":${JSON.stringify(origin?.name ?? null)},"origin_lsn":${origin?.lsn ?? 'null'}},` +
        `"transaction":{"id":${JSON.stringify(id)},"total_order":`,
    ),
  };
}
