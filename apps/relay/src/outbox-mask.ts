/** Rows and messages of outboxes as they are published: with the fields hidden that `outbox.payload` names. */
import { messageRelation, messageRow, outboxNameOf } from '@diptych/outbox/message-row';
import { type EventKind, PayloadMask, type PayloadSettings } from '@diptych/outbox/payload-mask';
import type { Before, DataMessage, LogicalMessage } from '@diptych/pgoutput/message';
import type { Relation } from '@diptych/pgoutput/relation';
import { Row } from '@diptych/pgoutput/row';
import { unreachable } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type { TransactionChange } from '@diptych/transaction/transaction';
import type { PayloadPlace } from './outboxes.ts';

/** What is published of a row. Where its payload cannot be masked the row has an empty one, and `failure` says why. */
export interface Masked<T> {
  readonly masked: T;
  readonly failure: OperatingError | null;
}

/** Where the columns stand; -1: the table has none. */
interface Columns {
  readonly aggregateType: number;
  readonly type: number;
  readonly payload: number;
}

const empty = Buffer.alloc(0);

export class OutboxMask {
  readonly #mask: PayloadMask;
  readonly #places: ReadonlyMap<string, PayloadPlace>;
  /** Null: no outbox. A table that is described anew is another Relation. */
  readonly #columns = new WeakMap<Relation, Columns | null>();

  constructor(settings: PayloadSettings, places: readonly PayloadPlace[]) {
    this.#mask = new PayloadMask(settings);
    this.#places = new Map(places.map((place) => [place.table, place]));
  }

  /** Whether no field of any payload is to be hidden. */
  get isEmpty(): boolean {
    return this.#mask.isEmpty;
  }

  /** The change itself where nothing is to be hidden. */
  change(change: TransactionChange): Masked<TransactionChange> {
    if (this.#mask.isEmpty) return { masked: change, failure: null };
    const { masked, failure } = this.#message(change.message);
    return { masked: masked === change.message ? change : { ...change, message: masked }, failure };
  }

  /** The row itself where nothing is to be hidden. */
  row(relation: Relation, row: Row): Masked<Row> {
    const columns = this.#mask.isEmpty ? null : this.#columnsOf(relation);
    if (!columns || columns.payload < 0 || row.kind(columns.payload) !== 'value')
      return { masked: row, failure: null };
    const payload = row.bytes.subarray(row.start(columns.payload), row.end(columns.payload));
    const { masked, failure } = this.#payload(kindOf(row, columns), payload);
    return { masked: masked === payload ? row : withPayload(row, columns.payload, masked), failure };
  }

  #message(message: DataMessage): Masked<DataMessage> {
    switch (message.tag) {
      case 'insert': {
        const { masked: after, failure } = this.row(message.relation, message.after);
        return { masked: after === message.after ? message : { ...message, after }, failure };
      }
      case 'update': {
        const after = this.row(message.relation, message.after);
        const before = message.before && this.#before(message.relation, message.before);
        const failure = after.failure ?? before?.failure ?? null;
        return { masked: { ...message, after: after.masked, before: before?.masked ?? null }, failure };
      }
      case 'delete': {
        const { masked: before, failure } = this.#before(message.relation, message.before);
        return { masked: { ...message, before }, failure };
      }
      case 'truncate':
        return { masked: message, failure: null };
      case 'message':
        return this.#logical(message);
      default:
        return unreachable(message);
    }
  }

  #before(relation: Relation, before: Before): Masked<Before> {
    const { masked: row, failure } = this.row(relation, before.row);
    return { masked: { ...before, row }, failure };
  }

  /** The payload is what follows the first line. */
  #logical(message: LogicalMessage): Masked<LogicalMessage> {
    const row = outboxNameOf(message) === null ? undefined : messageRow(message);
    if (!row) return { masked: message, failure: null };
    const start = message.content.indexOf(0x0a) + 1;
    const payload = message.content.subarray(start);
    const { masked, failure } = this.#payload(kindOf(row, messageColumns), payload);
    if (masked === payload) return { masked: message, failure };
    return {
      masked: { ...message, content: Buffer.concat([message.content.subarray(0, start), masked]) },
      failure,
    };
  }

  #payload(kind: EventKind, payload: Buffer): Masked<Buffer> {
    try {
      return { masked: isBlank(payload) ? payload : this.#mask.apply(kind, payload), failure: null };
    } catch (error) {
      if (!(error instanceof OperatingError)) throw error;
      return { masked: empty, failure: error };
    }
  }

  #columnsOf(relation: Relation): Columns | null {
    const known = this.#columns.get(relation);
    if (known !== undefined) return known;
    const place = this.#places.get(`${relation.schema}.${relation.table}`);
    const columns = place ? columnsOf(relation, place) : null;
    this.#columns.set(relation, columns);
    return columns;
  }
}

function columnsOf(
  { columns }: Relation,
  names: Pick<PayloadPlace, 'aggregateType' | 'type' | 'payload'>,
): Columns {
  const place = (name: string) => columns.findIndex((column) => column.name === name);
  return {
    aggregateType: place(names.aggregateType),
    type: place(names.type),
    payload: place(names.payload),
  };
}

const messageColumns = columnsOf(messageRelation, {
  aggregateType: 'aggregatetype',
  type: 'type',
  payload: 'payload',
});

/** Of a key, and of a TOASTed value that was left as it was, nobody knows more than this row says. */
function kindOf(row: Row, { aggregateType, type }: Columns): EventKind {
  const text = (column: number) => (column < 0 ? null : (row.text(column) ?? null));
  return { aggregateType: text(aggregateType), type: text(type) };
}

/** The same row in bytes of its own, with the payload behind the others. */
function withPayload(row: Row, column: number, payload: Buffer): Row {
  const texts: Buffer[] = [];
  const bounds: number[] = [];
  let size = 0;
  for (let at = 0; at < row.columns; at += 1) {
    const start = row.start(at);
    if (start < 0) {
      bounds.push(start, start);
      continue;
    }
    const text = at === column ? payload : row.bytes.subarray(start, row.end(at));
    bounds.push(size, size + text.length);
    texts.push(text);
    size += text.length;
  }
  return new Row(Buffer.concat(texts), bounds);
}

/** None: an event without a payload, or a tombstone. */
const isBlank = (payload: Buffer): boolean => payload.every((byte) => byte <= 0x20);
