/**
 * An event that was sent as a logical message, as the row that it would have been in the outbox table: from there on both
 * are routed by the same code. Content as docs/wire.md has it ("Outbox tables"): a line of JSON, then the payload.
 */
import type { LogicalMessage } from '@diptych/pgoutput/message';
import type { Relation } from '@diptych/pgoutput/relation';
import { nullStart, Row } from '@diptych/pgoutput/row';
import { messagePrefix } from './emission.ts';

/** By type oid: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/catalog/pg_type.dat */
const columns = [
  { name: 'id', typeOid: 2950 },
  { name: 'aggregatetype', typeOid: 25 },
  { name: 'aggregateid', typeOid: 25 },
  { name: 'type', typeOid: 25 },
  { name: 'payload', typeOid: 3802 },
  { name: 'aggregateversion', typeOid: 20 },
  { name: 'typeversion', typeOid: 23 },
  { name: 'headers', typeOid: 3802 },
  { name: 'occurred_at', typeOid: 1184 },
] as const;

/** Stands for the table that there is none of. */
export const messageRelation: Relation = {
  oid: 0,
  schema: 'diptych',
  table: 'outbox (message)',
  replicaIdentity: 'nothing',
  columns: columns.map((column) => ({ ...column, key: column.name === 'id', typeModifier: -1 })),
};

/** The name of the outbox that a message belongs to; null for messages of others, and for those outside transactions. */
export function outboxNameOf({ prefix, transactional }: LogicalMessage): string | null {
  return transactional && prefix.startsWith(messagePrefix) ? prefix.slice(messagePrefix.length) : null;
}

/** The row; a member that the head lacks is null. Undefined when the content has not the form. */
export function messageRow({ content }: LogicalMessage): Row | undefined {
  const lineEnd = content.indexOf(0x0a);
  const head = lineEnd < 0 ? undefined : parseObject(content.toString('utf8', 0, lineEnd));
  if (!head) return undefined;
  const values = columns.map(({ name }) =>
    name === 'payload' ? content.subarray(lineEnd + 1) : textOf(name, head),
  );
  const bounds: number[] = [];
  let at = 0;
  for (const value of values) {
    if (value === null) bounds.push(nullStart, nullStart);
    else bounds.push(at, at + value.length);
    at += value?.length ?? 0;
  }
  return new Row(Buffer.concat(values.filter((value) => value !== null)), bounds);
}

function textOf(name: string, head: Readonly<Record<string, unknown>>): Buffer | null {
  if (name === 'occurred_at') {
    const { occurredAt } = head;
    return typeof occurredAt === 'string' ? Buffer.from(timestampText(occurredAt)) : null;
  }
  const value = Object.hasOwn(head, name) ? head[name] : null;
  if (value === null || value === undefined) return null;
  if (typeof value === 'object') return Buffer.from(jsonbText(value));
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

/** ISO 8601 as the server writes a `timestamptz` to a session in UTC; what is not ISO 8601 as it is. */
function timestampText(iso: string): string {
  const [, toSeconds, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/.exec(iso) ?? [];
  const ms = Date.parse(`${toSeconds}${zone}`);
  if (Number.isNaN(ms)) return iso;
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}${fraction.replace(/\.?0*$/, '')}+00`;
}

/** An object as jsonb prints it, one level deep: `headers` has texts only. */
function jsonbText(value: object): string {
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}: ${JSON.stringify(member)}`,
  );
  return Array.isArray(value) ? JSON.stringify(value) : `{${members.join(', ')}}`;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
