/**
 * A row that was inserted into an outbox table to its domain event, as Debezium's Outbox Event Router makes it with
 * StringConverter for key and value. https://debezium.io/documentation/reference/3.7/transformations/outbox-event-router.html
 */
import type { Relation } from '@diptych/pgoutput/relation';
import { nullStart, type Row } from '@diptych/pgoutput/row';
import { OperatingError } from '@diptych/runtime/failure';
import type { PanelHeader, PanelRecord, TopicNaming } from '@diptych/transaction/panel-record';
import type { TransactionChange } from '@diptych/transaction/transaction';
import { formatLsn } from '@diptych/wal/lsn';

export interface OutboxRouterOptions {
  readonly topics: TopicNaming;
  /** Before the aggregate type in a topic's name; default `outbox.event.`. */
  readonly topicPrefix?: string;
}

export interface DomainEvent {
  readonly record: PanelRecord;
  /** As in the header: what END counts by. */
  readonly eventType: string;
}

/** What a row that cannot be routed still tells, for whoever sets it aside. */
export interface UnroutableRow {
  /** The topic that it asks for, as the row says it: no valid name perhaps. */
  readonly topic: string | null;
  readonly key: Buffer | null;
  /** The payload; null also when there is none. */
  readonly value: Buffer | null;
  readonly headers: readonly PanelHeader[];
}

/** An aggregate type beyond it has no valid topic in any case: as much of it as tells which one it was. */
const topicLengthMax = 300;

/** Where the columns of one outbox table stand; -1 for an optional one that it does not have. */
interface Columns {
  readonly id: number;
  readonly aggregateType: number;
  readonly aggregateId: number;
  readonly type: number;
  readonly payload: number;
  readonly typeVersion: number;
  readonly aggregateVersion: number;
  readonly headers: number;
}

/** A row and where it comes from, for the error that names it. */
interface Source {
  readonly change: TransactionChange;
  readonly relation: Relation;
  readonly row: Row;
}

export class OutboxRouter {
  readonly #topics: TopicNaming;
  readonly #topicPrefix: string;
  readonly #columns = new WeakMap<Relation, Columns>();

  constructor({ topics, topicPrefix = 'outbox.event.' }: OutboxRouterOptions) {
    this.#topics = topics;
    this.#topicPrefix = topicPrefix;
  }

  /**
   * The domain event of a change in an outbox table. Null for everything but an insert: deleting or truncating old rows
   * is housekeeping, and an event that was told cannot be told otherwise. A null payload gives a null value. Throws
   * OperatingError `outbox-row-malformed` for a row that cannot be routed, and what TopicNaming throws.
   */
  route(change: TransactionChange): DomainEvent | null {
    const { message } = change;
    if (message.tag !== 'insert') return null;
    const { relation, after: row } = message;
    const source: Source = { change, relation, row };
    const columns = this.#columnsOf(source);
    const id = required(source, columns.id);
    const aggregateType = required(source, columns.aggregateType);
    const eventType = required(source, columns.type);
    const key = present(source, columns.aggregateId);
    const record: PanelRecord = {
      topic: this.#topics.of(
        `aggregate type ${JSON.stringify(aggregateType)}`,
        this.#topicPrefix + aggregateType,
      ),
      key: copy(row, key),
      value: row.start(columns.payload) === nullStart ? null : copy(row, columns.payload),
      headers: headers(source, { columns, id, eventType }),
      part: 0,
    };
    return { record, eventType };
  }

  /** What can be told of a row that `route` refused. Never throws. */
  salvage({ message }: TransactionChange): UnroutableRow {
    if (message.tag !== 'insert') return { topic: null, key: null, value: null, headers: [] };
    const { relation, after: row } = message;
    const place = (name: string) => relation.columns.findIndex((column) => column.name === name);
    const bytes = (name: string) => {
      const column = place(name);
      return column >= 0 && row.kind(column) === 'value' ? copy(row, column) : null;
    };
    const aggregateType = bytes('aggregatetype');
    const named = [
      ['id', bytes('id')],
      ['eventType', bytes('type')],
    ] as const;
    return {
      topic: aggregateType && `${this.#topicPrefix}${aggregateType.toString()}`.slice(0, topicLengthMax),
      key: bytes('aggregateid'),
      value: bytes('payload'),
      headers: named.flatMap(([name, value]) => (value === null ? [] : [[name, value.toString()] as const])),
    };
  }

  #columnsOf(source: Source): Columns {
    const { relation } = source;
    const known = this.#columns.get(relation);
    if (known) return known;
    const place = (name: string) => relation.columns.findIndex((column) => column.name === name);
    const needed = (name: string) => {
      const index = place(name);
      return index >= 0 ? index : malformed(source, name, 'is missing');
    };
    const columns: Columns = {
      id: needed('id'),
      aggregateType: needed('aggregatetype'),
      aggregateId: needed('aggregateid'),
      type: needed('type'),
      payload: needed('payload'),
      typeVersion: place('typeversion'),
      aggregateVersion: place('aggregateversion'),
      headers: place('headers'),
    };
    this.#columns.set(relation, columns);
    return columns;
  }
}

/** `id`, `eventType`, and those of `eventVersion`, `aggregateVersion`, `traceparent` that the row has. */
function headers(
  source: Source,
  { columns, id, eventType }: { columns: Columns; id: string; eventType: string },
): readonly PanelHeader[] {
  const made: PanelHeader[] = [
    ['id', id],
    ['eventType', eventType],
  ];
  const typeVersion = optional(source, columns.typeVersion);
  if (typeVersion !== null) made.push(['eventVersion', typeVersion]);
  const aggregateVersion = optional(source, columns.aggregateVersion);
  if (aggregateVersion !== null) made.push(['aggregateVersion', aggregateVersion]);
  const traceparent = traceparentOf(source, columns.headers);
  if (traceparent !== null) made.push(['traceparent', traceparent]);
  return made;
}

/** https://www.w3.org/TR/trace-context/#traceparent-header; `headers` is an object of jsonb. */
function traceparentOf(source: Source, column: number): string | null {
  const text = optional(source, column);
  if (text === null || text === '{}') return null;
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (cause) {
    return malformed(source, 'headers', 'is not JSON', cause);
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return malformed(source, 'headers', 'is not a JSON object');
  }
  const traceparent: unknown = Object.hasOwn(given, 'traceparent') ? Reflect.get(given, 'traceparent') : null;
  if (traceparent === null || typeof traceparent === 'string') return traceparent;
  return malformed(source, 'headers', 'has a traceparent that is not text');
}

/** The column, which must have a value. */
function present(source: Source, column: number): number {
  const { row, relation } = source;
  if (row.kind(column) === 'value') return column;
  return malformed(source, relation.columns[column]?.name ?? '', 'is null');
}

function required(source: Source, column: number): string {
  return source.row.text(present(source, column)) as string;
}

function optional({ row }: Source, column: number): string | null {
  return column < 0 ? null : (row.text(column) ?? null);
}

/** A row's bytes last only until the next message. */
function copy(row: Row, column: number): Buffer {
  return Buffer.from(row.bytes.subarray(row.start(column), row.end(column)));
}

function malformed({ relation, change }: Source, column: string, what: string, cause?: unknown): never {
  const { schema, table } = relation;
  const place = `transaction ${change.transaction.xid} at ${formatLsn(change.transaction.commitLsn)}, change ${change.ordinal}`;
  throw new OperatingError(
    'outbox-row-malformed',
    `${schema}.${table}: column ${column} ${what} (${place})`,
    {
      remedy:
        `Give ${schema}.${table} the columns that docs/wire.md names ("Outbox tables"), id, aggregatetype, aggregateid ` +
        'and type not null. The row stays in the WAL: park it, or take the table out of the publication.',
      cause,
    },
  );
}
