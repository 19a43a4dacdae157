/** What the snapshot topic is told. */
import type { SnapshotLog, SnapshotTable } from '@diptych/kafka/snapshot-log';
import type { PublishedRecord } from '../panels.ts';
import type { SnapshotTopic, SnapshotWord } from './snapshot-topic.ts';

const nothing: Omit<SnapshotWord, 'status'> = {
  request: null,
  id: null,
  tables: [],
  rows: null,
  reason: null,
  remedy: null,
};

/** `schema.table`, as people name it. */
export const tableText = ({ schema, name }: Pick<SnapshotTable, 'schema' | 'name'>): string =>
  `${schema}.${name}`;

export function wordOf(
  topic: SnapshotTopic,
  word: Partial<SnapshotWord> & Pick<SnapshotWord, 'status'>,
): PublishedRecord {
  return topic.encodeWord({ ...nothing, ...word });
}

/** A table has been read, or cannot be; and when it was the last of its snapshot, that this is completed. */
export function endWords(
  topic: SnapshotTopic,
  {
    table,
    log,
    ...word
  }: {
    table: SnapshotTable;
    /** Without the table. */
    log: SnapshotLog;
  } & Partial<SnapshotWord> &
    Pick<SnapshotWord, 'status'>,
): PublishedRecord[] {
  const { id } = table;
  const words = [wordOf(topic, { ...word, id, tables: [tableText(table)] })];
  if (!log.tables.some((one) => one.id === id)) words.push(wordOf(topic, { status: 'completed', id }));
  return words;
}
