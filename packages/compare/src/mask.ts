/**
 * Values that nobody is to see: replaced before anything is folded, kept or shown, by a digest under a key of the engine's own.
 * Equal values stay equal, so that what changed, leaks and drift are found as without.
 */
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { OperatingError } from '@diptych/runtime/failure';
import { stringifyLossless } from '@diptych/runtime/json';
import { z } from 'zod';
import { type Change, type DomainEvent, type JoinedItem, tableName } from './joined-transaction.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';

const names = z.array(z.string().min(1));

const fileSchema = z.strictObject({
  /** By `schema.table`: columns. */
  tables: z.record(z.string().regex(/^[^.]+\.[^.]+$/, 'takes schema.table'), names).default({}),
  /** By aggregate type: members of payloads, `address.street`; in lists, of each item. */
  events: z.record(z.string(), names).default({}),
});

export type Masks = Readonly<z.output<typeof fileSchema>>;

export const noMasks: Masks = { tables: {}, events: {} };

/** Throws what JSON.parse and zod throw. */
export function parseMasks(text: string): Masks {
  return fileSchema.parse(JSON.parse(text));
}

/** Reads the file. Throws OperatingError `configuration-invalid`. */
export async function readMasks(path: string): Promise<Masks> {
  try {
    return parseMasks(await readFile(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause).replaceAll('\n', ' ') : String(cause);
    throw new OperatingError('configuration-invalid', `the masks in ${path} cannot be used: ${why}`, {
      remedy: 'docs/console.md has an example of the file.',
      cause,
    });
  }
}

/** What stands for a value. */
const prefix = 'masked:';

/** The digest of a masked value. */
export function digestOf(value: unknown): string {
  return typeof value === 'string' && value.startsWith(prefix) ? value.slice(prefix.length) : '';
}

export class Mask {
  readonly #masks: Masks;
  readonly #key: string;

  constructor(masks: Masks, key: string) {
    this.#masks = masks;
    this.#key = key;
  }

  /** Whether the table's column is masked. */
  hides({ schema, table }: Pick<Change, 'schema' | 'table'>, column: string): boolean {
    return this.#columnsOf({ schema, table }).includes(column);
  }

  item(item: JoinedItem): JoinedItem {
    switch (item.tag) {
      case 'transaction': {
        const { transaction } = item;
        const domainEvents = transaction.domainEvents.map((event) => this.#event(event));
        const changes = transaction.changes.map((change) => this.#change(change));
        return { ...item, transaction: { ...transaction, domainEvents, changes } };
      }
      case 'baseline': {
        const { row } = item;
        const columns = this.#columnsOf(row);
        if (columns.length === 0) return item;
        return {
          ...item,
          row: { ...row, key: this.#row(row.key, columns), row: this.#row(row.row, columns) },
        };
      }
      case 'released': {
        const { late } = item;
        if (late.tag === 'event') return { ...item, late: { ...late, event: this.#event(late.event) } };
        return { ...item, late: { ...late, change: this.#change(late.change) } };
      }
      case 'irregular':
        return item;
    }
  }

  #columnsOf(row: Pick<Change, 'schema' | 'table'>): readonly string[] {
    const { tables } = this.#masks;
    const name = tableName(row);
    return Object.hasOwn(tables, name) ? (tables[name] ?? []) : [];
  }

  #change(change: Change): Change {
    const columns = this.#columnsOf(change);
    if (columns.length === 0) return change;
    const { key, before, after } = change;
    return {
      ...change,
      key: this.#row(key, columns),
      before: this.#row(before, columns),
      after: this.#row(after, columns),
    };
  }

  #row<Row extends JsonObject | null>(row: Row, columns: readonly string[]): Row {
    if (row === null) return row;
    const hidden = columns.filter((column) => Object.hasOwn(row, column) && row[column] !== null);
    return { ...row, ...Object.fromEntries(hidden.map((column) => [column, this.#hide(row[column])])) };
  }

  #event(event: DomainEvent): DomainEvent {
    const { events } = this.#masks;
    const members = Object.hasOwn(events, event.aggregateType) ? (events[event.aggregateType] ?? []) : [];
    if (members.length === 0) return event;
    // What is no object cannot be looked into, and may hold what is to be hidden.
    if (!isJsonObject(event.payload)) return { ...event, payload: this.#hide(event.payload) };
    const payload = members.reduce<unknown>((node, path) => this.#at(node, path.split('.')), event.payload);
    return { ...event, payload };
  }

  #at(node: unknown, [name, ...rest]: readonly string[]): unknown {
    if (Array.isArray(node))
      return node.map((one) => this.#at(one, name === undefined ? [] : [name, ...rest]));
    if (name === undefined) return node === null ? null : this.#hide(node);
    if (!isJsonObject(node) || !Object.hasOwn(node, name)) return node;
    return { ...node, [name]: this.#at(node[name], rest) };
  }

  #hide(value: unknown): string {
    const text = typeof value === 'string' ? value : stringifyLossless(value ?? null);
    // A row may spell an amount otherwise than its event: 9.9, 9.90.
    const plain = /^-?\d+\.\d+$/.test(text) ? text.replace(/\.?0+$/, '') : text;
    return prefix + createHmac('sha256', this.#key).update(plain).digest('hex').slice(0, 12);
  }
}
