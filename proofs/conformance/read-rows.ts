/** Rows that a snapshot read, beside the stream: where they stand in it is chance, so they are compared by their keys. */
import { stringifyLossless } from '@diptych/runtime/json';
import { isObject, isReadRow, type Observed } from './observed.ts';

const suffix = ' (read)';

/** The records with those that were read in topics of their own, in the order of their keys. */
export function apartFromStream(records: readonly Observed[]): Observed[] {
  const read = records.filter(isReadRow).map((record) => ({
    order: stringifyLossless(record.key ?? record.value),
    record: { ...withoutMoment(record), topic: `${record.topic}${suffix}` },
  }));
  read.sort((one, other) => (one.order < other.order ? -1 : one.order > other.order ? 1 : 0));
  return [...records.filter((record) => !isReadRow(record)), ...read.map(({ record }) => record)];
}

/** The topic that a record has in Kafka. */
export const topicInKafka = (topic: string): string =>
  topic.endsWith(suffix) ? topic.slice(0, -suffix.length) : topic;

/** When and at which position of whose slot it was read is each side's own; that there is one is not. */
function withoutMoment(record: Observed): Observed {
  if (!isObject(record.value) || !isObject(record.value.source)) return record;
  const { ts_ms: _ms, ts_us: _us, ts_ns: _ns, ...source } = record.value.source;
  const some = (value: unknown, name: string) => (value === null || value === undefined ? value : name);
  const named = {
    ...source,
    lsn: some(source.lsn, 'a position'),
    sequence: some(source.sequence, 'positions'),
    txId: some(source.txId, 'a transaction'),
  };
  return { ...record, value: { ...record.value, source: named } };
}

/** Keys that the stream has changed, `topic key`. */
export function streamedKeys(records: readonly Observed[]): ReadonlySet<string> {
  const changes = records.filter((record) => isObject(record.value) && !isReadRow(record));
  return new Set(changes.map(({ topic, key }) => `${topic} ${stringifyLossless(key)}`));
}

/** Keys of rows that are there twice although nothing deleted them between, in words. */
export function repeatedRows(records: readonly Observed[]): string[] {
  const live = new Set<string>();
  const repeated: string[] = [];
  for (const { topic, key, value } of records) {
    if (!isObject(value) || key === null) continue;
    const place = `${topic} ${stringifyLossless(key)}`;
    if (value.op === 'd') live.delete(place);
    else if (value.op === 'r' || value.op === 'c') {
      if (live.has(place)) repeated.push(`${place} is there twice`);
      live.add(place);
    }
  }
  return repeated;
}
