/** What stands in the modelled topics, and what readers of committed records make of it. */
import type { Progress } from '@diptych/delivery/protocol';
import { furthestCheckpoint } from '@diptych/kafka/furthest-checkpoint';
import { commandOf, isOfCommand, isWord } from './commands.ts';
import type { RecordId } from './wal.ts';

/** Two partitions of records, and the checkpoint's own. */
export const recordPartitions = 2;
export const checkpointPartition = recordPartitions;

/**
 * Who answers a request: the leader of a partition, by the partition's number, or the transaction coordinator. Each is
 * elected anew by itself.
 */
export const coordinator = checkpointPartition + 1;
export const leaders = coordinator + 1;

export interface KafkaTransaction {
  outcome: 'open' | 'committed' | 'aborted';
  /** Partitions that have its records, and those that have its marker too, as bits. */
  touched: number;
  marked: number;
  /** Of a committed one: what the promises are told. */
  readonly records: RecordId[];
  progress: Progress | null;
}

export interface Entry<T> {
  readonly transaction: KafkaTransaction;
  readonly value: T;
}

/** What every record that is in no transaction is part of. */
export const none: KafkaTransaction = {
  outcome: 'committed',
  touched: 0,
  marked: ~0,
  records: [],
  progress: null,
};

/** One slot's story, on one timeline. */
const story = { systemId: '', database: '', era: 0, timeline: 1, optionsHash: '', partitions: {} };

/** What checkpoints say together, as the product reads them. */
export function together(log: readonly Progress[]): Progress | null {
  const furthest = furthestCheckpoint(log.map((progress) => ({ ...story, ...progress })));
  return furthest && { lsn: furthest.lsn, part: furthest.part, reportedLsn: furthest.reportedLsn };
}

/** A command's word stands in another partition than what it released. */
export function partitionOf(record: RecordId): number {
  if (isOfCommand(record)) return (commandOf(record) + (isWord(record) ? 1 : 0)) % recordPartitions;
  return Math.floor(record / 4) % recordPartitions;
}

/** Values below the last stable offset of a partition, but for aborted ones. */
export function readCommitted<T>(entries: readonly Entry<T>[], partition: number): T[] {
  const values: T[] = [];
  for (const { transaction, value } of entries) {
    if ((transaction.marked & (1 << partition)) === 0) break; // the last stable offset
    if (transaction.outcome === 'committed') values.push(value);
  }
  return values;
}

/** The same records as a partition must hold them. */
export function partitioned(records: readonly RecordId[]): RecordId[][] {
  const partitions: RecordId[][] = Array.from({ length: recordPartitions }, () => []);
  for (const record of records) partitions[partitionOf(record)]?.push(record);
  return partitions;
}
