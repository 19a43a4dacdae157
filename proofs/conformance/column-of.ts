/** Which column a difference is in, and what type it had then. */
import type { Difference } from './compare.ts';
import { isObject, type Observed } from './observed.ts';
import type { DatabaseAccount } from './oracle.ts';
import { topicInKafka } from './read-rows.ts';

/** Types by columns, of a topic and of each of its transactions. */
export type ColumnTypes = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** The types that columns had, by `topic` (the last) and by `topic xid`. */
export function columnTypes({ noted }: DatabaseAccount): ColumnTypes {
  const types = new Map<string, Map<string, string>>();
  for (const { topic, xid, columns, types: named } of noted) {
    for (const place of [topic, `${topic} ${xid}`]) {
      const known = types.get(place) ?? new Map<string, string>();
      types.set(place, known);
      for (const [index, column] of columns.entries()) known.set(column, named[index] ?? '');
    }
  }
  return types;
}

export interface ColumnOf {
  readonly name: string;
  /** Undefined where the database has noted none, as of a generated column. */
  readonly type: string | undefined;
  /** Whether the difference is in its whole value in a row before or after, not within it or in a key or a schema. */
  readonly isWhole: boolean;
}

const parts =
  /^(?<part>key|headers\.__debezium\.(?:new|old)key|(?:value|schemas\.value\.fields)\.(?:before|after)(?:\.fields)?)\.(?<rest>.+)$/s;

/** The column that a difference is in; undefined where it is in none. A name may hold whatever stands in a path. */
export function columnOf({ topic, path, pair }: Difference, types: ColumnTypes): ColumnOf | undefined {
  const { part = '', rest = '' } = parts.exec(path)?.groups ?? {};
  if (rest === '') return undefined;
  const place = topicInKafka(topic);
  const known = types.get(`${place} ${transactionOf(pair.ours ?? pair.theirs)}`) ?? types.get(place);
  const isHere = (name: string) =>
    rest.startsWith(name) && /^($|[.[]| \(order)/.test(rest.slice(name.length));
  const [name = /^[^.[]+?(?=$|[.[]| \(order)/.exec(rest)?.[0] ?? rest] = [...(known?.keys() ?? [])]
    .filter(isHere)
    .toSorted((one, other) => other.length - one.length);
  return { name, type: known?.get(name), isWhole: /^value\.(before|after)$/.test(part) && rest === name };
}

function transactionOf(record: Observed | undefined): string {
  const { value } = record ?? {};
  return isObject(value) && isObject(value.source) ? String(value.source.txId) : '';
}
