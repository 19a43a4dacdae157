/**
 * Aggregates of one's own in both panels, declared in a file instead of in code: which tables hold them, and which column
 * says the same as which member of an event (docs/compare.md).
 */
import { readFile } from 'node:fs/promises';
import { OperatingError } from '@diptych/runtime/failure';
import { stringifyLossless } from '@diptych/runtime/json';
import { z } from 'zod';
import type { AggregateMapping, Facts, Read } from './aggregate-mapping.ts';
import type { AggregateRows } from './aggregate-rows.ts';
import { type DomainEvent, tableName } from './joined-transaction.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';

const table = z.string().regex(/^[^.]+\.[^.]+$/, 'takes schema.table');

const fieldSchema = z
  .strictObject({
    /** Of the root table. */
    column: z.string(),
    /** Path of a member of the payload, `totals.total`: an event that has it says the new value. */
    payload: z.string().optional(),
    /** By event type, the value that it means: `{"OrderPaid": "paid"}`. */
    events: z.record(z.string(), z.string()).default({}),
    /** `decimal`: 9.9 and 9.90 are the same. */
    as: z.enum(['text', 'decimal']).default('text'),
  })
  .refine(({ payload, events }) => payload !== undefined || Object.keys(events).length > 0, {
    message: 'needs `payload` or `events`: what an event says of it',
  });

const aggregateSchema = z.strictObject({
  aggregateType: z.string().min(1),
  /** The table that has one row for each aggregate. */
  table,
  /** Its column with the aggregate's id. */
  key: z.string(),
  /** By the name of the fact. */
  fields: z.record(z.string(), fieldSchema),
  /** Types of event after which there is no aggregate any more. */
  ends: z.array(z.string()).default([]),
  /** Tables with any number of rows for each aggregate: how many there are must be what the events say. */
  parts: z
    .array(
      z.strictObject({
        table,
        /** Its column with the aggregate's id. */
        key: z.string(),
        /** Its column that tells the rows of one aggregate apart, and the member of the list's items that says the same. */
        each: z.strictObject({ column: z.string(), member: z.string() }),
        value: z.strictObject({ column: z.string(), member: z.string() }),
        /** Path of a list in the payload: an event that has it says all of them. */
        payload: z.string(),
        as: z.enum(['text', 'decimal']).default('text'),
      }),
    )
    .default([]),
});

const fileSchema = z.strictObject({ aggregates: z.array(aggregateSchema) });

type Declared = z.output<typeof aggregateSchema>;
type Field = z.output<typeof fieldSchema>;

/** Facts by name, as events said them until now; of a part each fact is `<table> <each>`. */
export type DeclaredState = Facts;

/** Reads the file. Throws OperatingError `configuration-invalid`. */
export async function readMappings(path: string): Promise<readonly AggregateMapping<DeclaredState>[]> {
  try {
    return parseMappings(await readFile(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll('\n', ' ') : String(cause);
    throw new OperatingError('configuration-invalid', `the mappings in ${path} cannot be used: ${why}`, {
      remedy: 'docs/compare.md has an example of the file.',
      cause,
    });
  }
}

/** Throws what JSON.parse and zod throw. */
export function parseMappings(text: string): readonly AggregateMapping<DeclaredState>[] {
  return fileSchema.parse(JSON.parse(text)).aggregates.map(mappingOf);
}

function mappingOf(declared: Declared): AggregateMapping<DeclaredState> {
  const keys = new Map([
    [declared.table, declared.key],
    ...declared.parts.map((part) => [part.table, part.key] as const),
  ]);
  return {
    aggregateType: declared.aggregateType,
    tables: [...keys.keys()],
    rootTable: declared.table,
    ownerOf: (row) => {
      const column = keys.get(tableName(row));
      const image = 'row' in row ? row.row : (row.after ?? row.before);
      const id = column === undefined ? undefined : (row.key?.[column] ?? image?.[column]);
      return id === undefined || id === null ? undefined : textOf(id, 'text');
    },
    begins: ({ aggregateVersion }) => aggregateVersion === 1n,
    evolve: (state, event) => ({ ok: true, value: evolve(declared, { state, event }) }),
    factsOfEvents: (state) => state,
    factsOfRows: (rows) => factsOfRows(declared, rows),
  };
}

function evolve(
  { fields, parts, ends }: Declared,
  { state, event }: { state: DeclaredState | undefined; event: DomainEvent },
): DeclaredState | undefined {
  if (ends.includes(event.type)) return undefined;
  const facts: Record<string, string> = { ...state };
  for (const [fact, field] of Object.entries(fields)) {
    const said = saidOf(field, event);
    if (said === null) delete facts[fact];
    else if (said !== undefined) facts[fact] = said;
  }
  for (const { table: name, each, value, payload, as } of parts) {
    const list = memberAt(event.payload, payload);
    if (!Array.isArray(list)) continue;
    for (const fact of Object.keys(facts)) if (fact.startsWith(`${name} `)) delete facts[fact];
    for (const item of list) {
      if (isJsonObject(item))
        facts[`${name} ${textOf(item[each.member], 'text')}`] = textOf(item[value.member], as);
    }
  }
  return facts;
}

/** null: that there is none; undefined: nothing. */
function saidOf({ payload, events, as }: Field, event: DomainEvent): string | null | undefined {
  const meant = Object.hasOwn(events, event.type) ? events[event.type] : undefined;
  if (meant !== undefined) return meant;
  const member = payload === undefined ? undefined : memberAt(event.payload, payload);
  return member === undefined || member === null ? member : textOf(member, as);
}

function factsOfRows({ table: root, fields, parts }: Declared, rows: AggregateRows): Read<Facts | undefined> {
  const [row] = rows.of(root);
  if (row === undefined) return { ok: true, value: undefined };
  const facts: Record<string, string> = {};
  for (const [fact, { column, as }] of Object.entries(fields)) {
    if (!(column in row)) return { ok: false, reason: 'row-unreadable' };
    if (row[column] !== null) facts[fact] = textOf(row[column], as);
  }
  for (const { table: name, each, value, as } of parts) {
    for (const part of rows.of(name))
      facts[`${name} ${textOf(part[each.column], 'text')}`] = textOf(part[value.column], as);
  }
  return { ok: true, value: facts };
}

function memberAt(payload: unknown, path: string): unknown {
  let node = payload;
  for (const name of path.split('.')) {
    if (!isJsonObject(node) || !Object.hasOwn(node, name)) return undefined;
    node = (node satisfies JsonObject)[name];
  }
  return node;
}

/** A decimal without what does not change its value: `9.90` is `9.9`, `-0` is `0`. */
function textOf(value: unknown, as: 'text' | 'decimal'): string {
  const text = typeof value === 'string' ? value : stringifyLossless(value ?? null);
  const decimal = as === 'decimal' ? /^(-?)0*(\d+?)(?:\.(\d*?)0*)?$/.exec(text) : null;
  if (decimal === null) return text;
  const [, sign = '', whole = '', fraction = ''] = decimal;
  const amount = fraction === '' ? whole : `${whole}.${fraction}`;
  return amount === '0' ? amount : sign + amount;
}
