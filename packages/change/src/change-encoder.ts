import type { Before, LogicalMessage } from '@diptych/pgoutput/message';
import type { Relation } from '@diptych/pgoutput/relation';
import type { Row } from '@diptych/pgoutput/row';
import { unreachable } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type { PanelHeader, PanelRecord, WrittenRecord } from '@diptych/transaction/panel-record';
import type { TransactionChange } from '@diptych/transaction/transaction';
import type { Representation } from './column-plan.ts';
import { type ChangeEncoderOptions, representationOf } from './encoder-options.ts';
import { type ChangeEvent, EnvelopeWriter, type EventContext } from './envelope-writer.ts';
import { JsonWriter } from './json-writer.ts';
import { messageFilter, messageKey } from './message-event.ts';
import { inSchema, messageSchemas, type TableSchemas } from './record-schema.ts';
import type { PlannedContext, Recorded } from './recorded.ts';
import { RelationPlan } from './relation-plan.ts';
import type { LooseSource, ReadSource } from './source-block.ts';
import type { TransactionCounters } from './transaction-counters.ts';
import { Unrepresentable } from './unrepresentable.ts';

const noHeaders: readonly PanelHeader[] = [];

/**
 * Row changes to change events: Debezium's JSON envelope, from the bytes of the row straight to the bytes that are
 * published. Keys, values and headers it returns stay valid; the rows it is given only until the next message.
 */
export class ChangeEncoder {
  readonly #options: ChangeEncoderOptions;
  readonly #representation: Representation;
  readonly #envelope: EnvelopeWriter;
  readonly #out = new JsonWriter();
  readonly #messageSchemas: TableSchemas | null;
  readonly #publishesMessage: (prefix: string) => boolean;
  /** null: not published. */
  readonly #plans = new WeakMap<Relation, RelationPlan | null>();

  constructor(options: ChangeEncoderOptions) {
    this.#options = options;
    this.#publishesMessage = options.messages ? messageFilter(options.messages) : () => false;
    this.#representation = representationOf(options);
    const {
      schemas,
      modes: { binary },
    } = this.#representation;
    this.#messageSchemas = schemas === 'none' ? null : messageSchemas(binary);
    const messageHead = this.#messageSchemas?.value ?? null;
    this.#envelope = new EnvelopeWriter(this.#out, { ...options, binary, messageHead });
  }

  /**
   * The records of one change, in order, and counts them. None for a table or a message that is not published. A record
   * with a value that has no form says so in `failure`. `withoutValues`: of a change that is too large to be made into an
   * envelope; topics, keys and counts are as ever, envelopes are empty. Throws what TopicNaming throws.
   */
  encode(
    change: TransactionChange,
    counters: TransactionCounters,
    { withoutValues = false }: { withoutValues?: boolean } = {},
  ): readonly PanelRecord[] {
    const { message } = change;
    if (message.tag === 'message') return this.#message(message, { change, counters, withoutValues });
    if (message.tag === 'truncate')
      return this.#truncate(message.relations, { change, counters, withoutValues });
    const plan = this.#plan(message.relation);
    if (plan === null) return [];
    switch (message.tag) {
      case 'insert': {
        const { after } = message;
        const event: ChangeEvent = { op: 'c', before: null, after, known: null };
        const key = () => plan.key(this.#out, after, null);
        return [this.#record({ change, counters, withoutValues, plan, event, key, part: 0 })];
      }
      case 'update': {
        const { before, after } = message;
        if (before !== null && plan.keyChanged(before, after))
          return this.#keyChange({ change, counters, withoutValues, plan }, before, after);
        const event: ChangeEvent = { op: 'u', before, after, known: before };
        const key = () => plan.keyAfter(this.#out, after, before);
        return [this.#record({ change, counters, withoutValues, plan, event, key, part: 0 })];
      }
      case 'delete':
        return this.#delete({ change, counters, withoutValues, plan }, message.before);
      default:
        return unreachable(message);
    }
  }

  /**
   * Key and value of an insert or update that makes one record like nearly all, and counts it; null for every other change,
   * and the first of a table, which are for `encode`.
   */
  write(change: TransactionChange, counters: TransactionCounters): WrittenRecord | null {
    const { message } = change;
    if (message.tag !== 'insert' && message.tag !== 'update') return null;
    const plan = this.#plans.get(message.relation);
    if (!plan) return null;
    const { after } = message;
    const known = message.tag === 'update' ? message.before : null;
    if (known !== null && plan.keyChanged(known, after)) return null;
    const out = this.#out;
    const place = counters.countChange(plan.collection);
    try {
      const isKeyed =
        message.tag === 'insert' ? plan.writeKey(out, after, null) : plan.writeKeyAfter(out, after, known);
      const keyBytes = out.written;
      const op = message.tag === 'insert' ? 'c' : 'u';
      const event: ChangeEvent = { op, before: known, after, known };
      this.#envelope.change({ change, counters, withoutValues: false }, { plan, event, place });
      return this.#written(plan, { isKeyed, keyBytes });
    } catch (error) {
      this.#failure(plan, error);
      counters.uncountChange(plan.collection);
      return null;
    }
  }

  /** Whether a table has change events. */
  publishes(relation: Relation): boolean {
    return this.#plan(relation) !== null;
  }

  /** The event of a logical message outside every transaction; null for one that is not published. */
  encodeLoose(
    message: LogicalMessage,
    { withoutValues, ...source }: LooseSource & { readonly withoutValues: boolean },
  ): PanelRecord | null {
    if (!this.#publishesMessage(message.prefix)) return null;
    if (!withoutValues) this.#envelope.looseMessage(message, source);
    return this.#messageRecord(message);
  }

  /**
   * The event of a row that a snapshot read, op `r`; null for a table that is not published. Counted nowhere: it belongs to
   * no transaction. `withoutValues` and `failure` as in `encode`.
   */
  encodeRead(
    relation: Relation,
    row: Row,
    { withoutValues, ...source }: ReadSource & { readonly withoutValues: boolean },
  ): PanelRecord | null {
    const plan = this.#plan(relation);
    if (plan === null) return null;
    const key = () => plan.key(this.#out, row, null);
    try {
      const made = key();
      if (!withoutValues) this.#envelope.read({ plan, row, source });
      return { topic: plan.topic, key: made, value: this.#out.take(), headers: noHeaders, part: 0 };
    } catch (error) {
      const failure = this.#failure(plan, error);
      const event: ChangeEvent = { op: 'r', before: null, after: row, known: null };
      return this.#salvage({ plan, event, key, part: 0, withoutValues }, failure);
    }
  }

  /** The same as `encodeRead` of a row that makes a record like nearly all; null of every other one, which is for that. */
  writeRead(relation: Relation, row: Row, source: ReadSource): WrittenRecord | null {
    const plan = this.#plan(relation);
    if (plan === null) return null;
    try {
      const isKeyed = plan.writeKey(this.#out, row, null);
      const keyBytes = this.#out.written;
      this.#envelope.read({ plan, row, source });
      return this.#written(plan, { isKeyed, keyBytes });
    } catch (error) {
      this.#failure(plan, error);
      return null;
    }
  }

  /** What was written, to be copied before more is. */
  #written(
    { topic }: RelationPlan,
    { isKeyed, keyBytes }: { isKeyed: boolean; keyBytes: number },
  ): WrittenRecord {
    const { bytes, start } = this.#out.peek();
    const end = start + this.#out.written;
    this.#out.rewind();
    return { topic, bytes, start, keyEnd: start + keyBytes, end, isKeyed };
  }

  #plan(relation: Relation): RelationPlan | null {
    const known = this.#plans.get(relation);
    if (known !== undefined) return known;
    const { prefix, topics, publishes, primaryKeys = () => null } = this.#options;
    let plan: RelationPlan | null = null;
    if (publishes?.(relation) ?? true) {
      const { schema, table } = relation;
      const topic = topics.of(
        `table ${JSON.stringify(schema)}.${JSON.stringify(table)}`,
        `${prefix}.${schema}.${table}`,
      );
      plan = new RelationPlan(relation, { topic, primaryKeys, representation: this.#representation });
    }
    this.#plans.set(relation, plan);
    return plan;
  }

  /** The delete, and its tombstone when the table has a key. */
  #delete(context: PlannedContext, before: Before, headers = noHeaders): PanelRecord[] {
    const { plan } = context;
    const event: ChangeEvent = { op: 'd', before, after: null, known: null };
    const key = () => plan.keyBefore(this.#out, before);
    const record = this.#record({ ...context, event, key, part: 0, headers });
    if (record.key === null || !(this.#options.tombstones ?? true)) return [record];
    const { failure } = record;
    const tombstone = { topic: plan.topic, key: record.key, value: null, headers, part: 1 };
    return [record, failure ? { ...tombstone, failure } : tombstone];
  }

  /** A row that moved to another key: deleted under the old one, created under the new one, each naming the other. */
  #keyChange(context: PlannedContext, before: Before, after: Row): PanelRecord[] {
    const { plan } = context;
    const newKey = () => plan.keyAfter(this.#out, after, before);
    const named = this.#keyOf(context, newKey, after);
    const records = this.#delete(context, before, [['__debezium.newkey', String(named)]]);
    const event: ChangeEvent = { op: 'c', before: null, after, known: before };
    const headers: PanelHeader[] = [['__debezium.oldkey', String(records[0]?.key ?? null)]];
    records.push(this.#record({ ...context, event, key: newKey, part: records.length, headers }));
    return records;
  }

  #truncate(relations: readonly Relation[], context: EventContext): PanelRecord[] {
    const records: PanelRecord[] = [];
    if (!(this.#options.truncates ?? true)) return records;
    const event: ChangeEvent = { op: 't', before: null, after: null, known: null };
    for (const relation of relations) {
      const plan = this.#plan(relation);
      if (plan === null) continue;
      const record = this.#record({ ...context, plan, event, key: () => null, part: records.length });
      records.push({ ...record, spread: 'every' });
    }
    return records;
  }

  #message(message: LogicalMessage, context: EventContext): PanelRecord[] {
    if (!this.#publishesMessage(message.prefix)) return [];
    this.#envelope.message(message, context);
    return [this.#messageRecord(message)];
  }

  #messageRecord(message: LogicalMessage): PanelRecord {
    const { topics, prefix } = this.#options;
    const topic = topics.of('logical messages', `${prefix}.message`);
    const key = inSchema(messageKey(message), this.#messageSchemas?.key ?? null);
    return { topic, key, value: this.#out.take(), headers: noHeaders, part: 0 };
  }

  #record(recorded: Recorded): PanelRecord {
    const { counters, plan, event, key: keyOf, part, headers = noHeaders } = recorded;
    const place = counters.countChange(plan.collection);
    try {
      const key = keyOf();
      this.#envelope.change(recorded, { plan, event, place });
      return { topic: plan.topic, key, value: this.#out.take(), headers, part };
    } catch (error) {
      return this.#salvage(recorded, this.#failure(plan, error));
    }
  }

  /** What is left of a record that cannot be made: why, and the texts of its rows. */
  #salvage(recorded: Omit<Recorded, 'change' | 'counters'>, failure: OperatingError): PanelRecord {
    const { plan, event, key: keyOf, part, headers = noHeaders, withoutValues } = recorded;
    const key = this.#keyOf(recorded, keyOf, event.after ?? event.before?.row ?? null);
    if (!withoutValues) this.#envelope.texts(plan, event);
    return { topic: plan.topic, key, value: this.#out.take(), headers, part, failure };
  }

  /** The key, or the texts of the row in its place: records of one key that cannot be made still share a key. */
  #keyOf(
    { plan, withoutValues }: Pick<PlannedContext, 'plan' | 'withoutValues'>,
    keyOf: () => Buffer | null,
    row: Row | null,
  ): Buffer | null {
    try {
      return keyOf();
    } catch (error) {
      this.#failure(plan, error);
      if (!withoutValues) plan.writeTexts(this.#out, row);
      return this.#out.take();
    }
  }

  /** Why a value has no form; any other error is thrown on. Forgets what was written of the record. */
  #failure(plan: RelationPlan, error: unknown): OperatingError {
    if (!(error instanceof Unrepresentable)) throw error;
    this.#out.rewind();
    return new OperatingError('value-not-representable', `column ${plan.writing}: ${error.message}`, {
      remedy:
        error.remedy ??
        'Choose another mode for values of this kind (docs/change-events.md), or correct the row.',
      cause: error,
    });
  }
}
