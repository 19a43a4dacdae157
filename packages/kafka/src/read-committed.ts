/**
 * What a reader of committed records may see of a fetched partition, as Java's consumer decides it. The broker sends
 * everything below the last stable offset, aborted records too, and names the aborted transactions.
 * https://github.com/apache/kafka/blob/4.3/clients/src/main/java/org/apache/kafka/clients/consumer/internals/CompletedFetch.java
 */
import type { Cursor } from './cursor.ts';
import type { FetchResponsePartition, RecordsBatch } from './fetch-client.ts';
import type { IncomingRecord } from './record.ts';

const timestampIsAppendTime = 1 << 3;
const transactional = 1 << 4;
const control = 1 << 5;

/** Key of a control record: int16 version, int16 type; 0 is ABORT, 1 is COMMIT. */
const abortMarker = 0;

export interface CommittedRecords {
  readonly records: readonly IncomingRecord[];
  /** Where to fetch on: after the last batch, whatever was in it. */
  readonly nextOffset: bigint;
}

/** The committed records of one fetched partition, from the cursor's offset on. */
export function committedRecords(
  fetched: Pick<FetchResponsePartition, 'records' | 'abortedTransactions'>,
  { topic, partition, offset: fetchOffset }: Pick<Cursor, 'topic' | 'partition' | 'offset'>,
): CommittedRecords {
  const pending = (fetched.abortedTransactions ?? []).toSorted((a, b) =>
    Number(a.firstOffset - b.firstOffset),
  );
  const aborted = new Set<bigint>();
  const records: IncomingRecord[] = [];
  let nextOffset = fetchOffset;
  for (const batch of fetched.records ?? []) {
    const lastOffset = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    for (let first = pending[0]; first && first.firstOffset <= lastOffset; first = pending[0]) {
      aborted.add(first.producerId);
      pending.shift();
    }
    if (batch.attributes & control) {
      // Compaction may have left an empty batch of a marker; then nothing of its transaction is left either.
      if (batch.records[0]?.key?.readInt16BE(2) === abortMarker) aborted.delete(batch.producerId);
    } else if (!(batch.attributes & transactional && aborted.has(batch.producerId))) {
      appendRecords(records, batch, { topic, partition, fetchOffset });
    }
    if (lastOffset >= nextOffset) nextOffset = lastOffset + 1n;
  }
  return { records, nextOffset };
}

/** A batch may begin before the offset that was asked for: its earlier records are not ours. */
function appendRecords(
  records: IncomingRecord[],
  batch: RecordsBatch,
  { topic, partition, fetchOffset }: { topic: string; partition: number; fetchOffset: bigint },
): void {
  for (const record of batch.records) {
    const offset = batch.firstOffset + BigInt(record.offsetDelta);
    if (offset < fetchOffset) continue;
    const timestamp =
      batch.attributes & timestampIsAppendTime
        ? batch.maxTimestamp
        : batch.firstTimestamp + record.timestampDelta;
    records.push({
      topic,
      partition,
      offset,
      key: record.key,
      value: record.value,
      headers: new Map(
        record.headers.map(([name, value]) => [name?.toString() ?? '', value?.toString() ?? '']),
      ),
      timestampMs: Number(timestamp),
    });
  }
}
