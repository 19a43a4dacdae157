/**
 * A row that was inserted into an outbox table, or a message in its place, to its domain event, as Debezium's Outbox Event
 * Router makes it. https://debezium.io/documentation/reference/3.7/transformations/outbox-event-router.html
 */
import type { Relation } from '@diptych/pgoutput/relation';
import type { Row } from '@diptych/pgoutput/row';
import { OperatingError } from '@diptych/runtime/failure';
import type { PanelHeader, PanelRecord, TopicNaming } from '@diptych/transaction/panel-record';
import type { TransactionChange } from '@diptych/transaction/transaction';
import { formatLsn } from '@diptych/wal/lsn';
import { KnownTexts } from './known-texts.ts';
import { messageRelation, messageRow } from './message-row.ts';
import { copy, recordValue } from './payload.ts';
import { isPlain, type PlainEvent, plainEvent } from './plain-event.ts';
import { type ColumnType, type Placed, type RoutePlan, routePlan } from './route-plan.ts';
import { RoutedTopics } from './routed-topics.ts';
import { defaultRouting, type RouterOptions, topicPrefixDefault } from './router-options.ts';

export interface OutboxRouterOptions {
  readonly topics: TopicNaming;
  /** Before the aggregate type in a topic's name; default `outbox.event.`. */
  readonly topicPrefix?: string;
  /** Default: what `defaultRouting` says. */
  readonly options?: RouterOptions;
  /** A column's text as JSON, by its type; for what is placed in headers and envelope. Default: as text. */
  readonly columnJson?: ColumnJson;
  /** Told of an UPDATE, where that does not stop the relay. */
  readonly onUpdate?: (told: { level: 'warn' | 'error'; change: TransactionChange }) => void;
}

export type ColumnJson = (type: ColumnType, row: Row, column: number) => string;

export interface DomainEvent {
  readonly record: PanelRecord;
  /** As in the header: what END counts by. */
  readonly eventType: string;
  /** The value that it was routed by. */
  readonly routedBy: string;
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

/** A value beyond it has no valid topic in any case: as much of it as tells which one it was. */
const topicLengthMax = 300;

/** Kafka's partitions are counted in 32 bits. */
const partitionMax = 2 ** 31 - 1;

/** A row and where it comes from, for the error that names it. */
interface Source {
  readonly change: TransactionChange;
  readonly relation: Relation;
  readonly row: Row;
}

const columnText: ColumnJson = (_type, row, column) => JSON.stringify(row.text(column));

/** Routes one outbox, or all that are set alike. */
export class OutboxRouter {
  readonly #topics: RoutedTopics;
  readonly #options: RouterOptions;
  readonly #columnJson: ColumnJson;
  readonly #onUpdate: NonNullable<OutboxRouterOptions['onUpdate']>;
  readonly #plans = new WeakMap<Relation, RoutePlan>();
  readonly #texts = new KnownTexts();

  constructor({
    topics,
    topicPrefix = topicPrefixDefault,
    options,
    columnJson,
    onUpdate,
  }: OutboxRouterOptions) {
    this.#options = options ?? defaultRouting(topicPrefix);
    this.#topics = new RoutedTopics({ topics, topicPrefix, route: this.#options.topic });
    this.#columnJson = columnJson ?? columnText;
    this.#onUpdate = onUpdate ?? (() => {});
  }

  /**
   * The domain event of a change in an outbox table, or of a logical message of an outbox. Null for everything else:
   * deleting or truncating old rows is housekeeping, and an event that was told cannot be told otherwise. Throws
   * OperatingError `outbox-row-malformed` for a row that cannot be routed, `outbox-operation-invalid` for an UPDATE where
   * that is to stop the relay, and what TopicNaming throws.
   */
  route(change: TransactionChange): DomainEvent | null {
    const { message } = change;
    if (message.tag === 'update') this.#refuseUpdate(change, message.relation);
    const source = sourceOf(change);
    if (!source) return null;
    const { row } = source;
    const plan = this.#planOf(source);
    const eventType = required(source, plan.type);
    const routedBy = required(source, plan.route);
    const key = present(source, plan.key);
    const headers = this.#headers(source, plan, eventType);
    const members = plan.envelope?.map((placed) => [placed.alias, this.#json(row, placed)] as const) ?? null;
    const record: PanelRecord = {
      topic: this.#topics.of(routedBy),
      key: copy(row, key),
      value: recordValue({ row, column: plan.payload }, { options: this.#options, members }),
      headers,
      part: 0,
      ...timestampOf(source, plan),
      ...partitionOf(source, plan),
    };
    return { record, eventType, routedBy };
  }

  /** The domain event of an inserted row that is no more than its columns; null for every other change, which is for `route`. */
  plain({ message }: TransactionChange): PlainEvent | null {
    if (message.tag !== 'insert') return null;
    const plan = this.#plans.get(message.relation);
    if (!plan || !isPlain(plan, this.#options)) return null;
    return plainEvent(message.after, plan, { topics: this.#topics, texts: this.#texts });
  }

  /** The payload of a change that was routed, as it is stored, whatever the record's value makes of it. */
  payloadOf(change: TransactionChange): Buffer | null {
    const source = sourceOf(change);
    if (!source) return null;
    const { payload } = this.#planOf(source);
    return source.row.kind(payload) === 'value' ? copy(source.row, payload) : null;
  }

  /** What can be told of a row that `route` refused. Never throws. */
  salvage(change: TransactionChange): UnroutableRow {
    const source = hasRow(change) ? sourceOf(change) : null;
    if (!source) return { topic: null, key: null, value: null, headers: [] };
    const { relation, row } = source;
    const { columns, routeBy, topic } = this.#options;
    const bytes = (name: string) => {
      const column = relation.columns.findIndex((one) => one.name === name);
      return column >= 0 && row.kind(column) === 'value' ? copy(row, column) : null;
    };
    const routed = bytes(routeBy);
    const named = [
      ['id', bytes(columns.id)],
      ['eventType', bytes(columns.type)],
    ] as const;
    return {
      topic: routed && topic(routed.toString()).slice(0, topicLengthMax),
      key: bytes(columns.key),
      value: bytes(columns.payload),
      headers: named.flatMap(([name, value]) => (value === null ? [] : [[name, value.toString()] as const])),
    };
  }

  #planOf(source: Source): RoutePlan {
    const { relation } = source;
    const known = this.#plans.get(relation);
    if (known) return known;
    const plan = routePlan(relation, this.#options, (column, what) => malformed(source, column, what));
    this.#plans.set(relation, plan);
    return plan;
  }

  /** `id`, `eventType`, and those of `eventVersion`, `aggregateVersion` that the row has; then what is set besides. */
  #headers(source: Source, plan: RoutePlan, eventType: string): readonly PanelHeader[] {
    const { row } = source;
    const made: PanelHeader[] = [
      ['id', required(source, plan.id)],
      ['eventType', eventType],
    ];
    const typeVersion = optional(source, plan.typeVersion);
    if (typeVersion !== null) made.push(['eventVersion', typeVersion]);
    const aggregateVersion = optional(source, plan.aggregateVersion);
    if (aggregateVersion !== null) made.push(['aggregateVersion', aggregateVersion]);
    made.push(...toldHeaders(source, plan, this.#options.headers));
    if (plan.placedHeaders.length === 0) return made;
    const placed = plan.placedHeaders.flatMap((one): PanelHeader[] => {
      const json = this.#json(row, one);
      if (json === 'null') return [];
      return [[one.alias, json.startsWith('"') ? String(JSON.parse(json)) : json]];
    });
    return [...made.filter(([name]) => !plan.isReplaced(name)), ...placed];
  }

  #json(row: Row, { column, type }: Placed): string {
    return row.kind(column) === 'value' ? this.#columnJson(type, row, column) : 'null';
  }

  #refuseUpdate(change: TransactionChange, { schema, table }: Relation): void {
    const { onUpdate } = this.#options;
    if (onUpdate !== 'fatal') return this.#onUpdate({ level: onUpdate, change });
    throw new OperatingError(
      'outbox-operation-invalid',
      `${schema}.${table}: a row was updated (${placeOf(change)})`,
      {
        remedy:
          'An event that was told cannot be told otherwise: write another. To go on past this one, set ' +
          'table.op.invalid.behavior of this outbox to warn or error.',
      },
    );
  }
}

const hasRow = ({ message }: TransactionChange): boolean =>
  message.tag === 'insert' || (message.tag === 'message' && messageRow(message) !== undefined);

/** Null for what is no event. Throws OperatingError `outbox-row-malformed` for a message without an event's form. */
function sourceOf(change: TransactionChange): Source | null {
  const { message } = change;
  if (message.tag === 'insert') return { change, relation: message.relation, row: message.after };
  if (message.tag !== 'message') return null;
  const row = messageRow(message);
  if (row) return { change, relation: messageRelation, row };
  throw new OperatingError(
    'outbox-row-malformed',
    `a message with prefix ${JSON.stringify(message.prefix)} has not a line of JSON and a payload (${placeOf(change)})`,
    { remedy: 'Let `append` write it, or give it the form that docs/wire.md describes ("Outbox tables").' },
  );
}

/** Those of `names` that the column `headers`, an object of jsonb, has. https://www.w3.org/TR/trace-context/ */
function toldHeaders(
  source: Source,
  { headers: column }: RoutePlan,
  names: readonly string[],
): PanelHeader[] {
  const text = optional(source, column);
  if (text === null || text === '{}') return [];
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (cause) {
    return malformed(source, 'headers', 'is not JSON', cause);
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return malformed(source, 'headers', 'is not a JSON object');
  }
  return names.flatMap((name) => {
    const value: unknown = Object.hasOwn(given, name) ? Reflect.get(given, name) : null;
    if (value === null) return [];
    if (typeof value === 'string') return [[name, value] as const];
    return malformed(source, 'headers', `has a ${name} that is not text`);
  });
}

/** Null and no such column: the commit time. The text is in UTC, as the session is. */
function timestampOf(source: Source, { timestamp }: RoutePlan): { timestampMs?: number } {
  const text = optional(source, timestamp);
  if (text === null) return {};
  const ms = Date.parse(`${text.replace(' ', 'T').replace(/\+00$/, '')}Z`);
  if (ms >= 0) return { timestampMs: ms };
  return malformed(
    source,
    source.relation.columns[timestamp]?.name ?? '',
    'is no time that a record can have',
  );
}

function partitionOf(source: Source, { partition }: RoutePlan): { partition?: number } {
  const text = optional(source, partition);
  if (text === null) return {};
  const number = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  if (number >= 0 && number <= partitionMax) return { partition: number };
  return malformed(source, source.relation.columns[partition]?.name ?? '', 'is no number of a partition');
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

function placeOf({ transaction, ordinal }: TransactionChange): string {
  return `transaction ${transaction.xid} at ${formatLsn(transaction.commitLsn)}, change ${ordinal}`;
}

function malformed({ relation, change }: Source, column: string, what: string, cause?: unknown): never {
  const { schema, table } = relation;
  throw new OperatingError(
    'outbox-row-malformed',
    `${schema}.${table}: column ${column} ${what} (${placeOf(change)})`,
    {
      remedy:
        `Give ${schema}.${table} the columns that docs/wire.md names ("Outbox tables"), id, aggregatetype, aggregateid ` +
        'and type not null. The row stays in the WAL: park it, or take the table out of the publication.',
      cause,
    },
  );
}
