import type { Before } from '@diptych/pgoutput/message';
import type { Relation } from '@diptych/pgoutput/relation';
import type { Row } from '@diptych/pgoutput/row';
import { unreachable } from '@diptych/runtime/assert';
import type { PanelHeader, PanelRecord, TopicNaming } from '@diptych/transaction/panel-record';
import type { TransactionChange } from '@diptych/transaction/transaction';
import { JsonWriter } from './json-writer.ts';
import { type PrimaryKeys, RelationPlan } from './relation-plan.ts';
import { SourceBlock, type SourceOptions, type TransactionParts } from './source-block.ts';
import type { TransactionCounters } from './transaction-counters.ts';

export interface ChangeEncoderOptions extends SourceOptions {
  readonly topics: TopicNaming;
  /** Which tables have change events; left out: all. Asked once for each Relation. */
  readonly publishes?: (relation: Relation) => boolean;
  /** The catalogue's primary keys, for tables whose replica identity is FULL or NOTHING. Asked once for each Relation. */
  readonly primaryKeys?: PrimaryKeys;
  /** A tombstone after each delete (default true). */
  readonly tombstones?: boolean;
  /** A change event for each TRUNCATE (default true). */
  readonly truncates?: boolean;
  /** Now, in ms since 1970: the envelope's own `ts_*`, when the event was made. */
  readonly nowMs?: () => number;
}

type Operation = 'c' | 'u' | 'd' | 't';

/** One change event to be written. */
interface Event {
  readonly op: Operation;
  readonly before: Before | null;
  readonly after: Row | null;
  /** Where values of `after` that were not sent may stand. */
  readonly known: Before | null;
}

/** Room for the envelope around a row's values. */
const envelopeBytes = 2048;

const noHeaders: readonly PanelHeader[] = [];

/**
 * Row changes to change events: Debezium's JSON envelope, from the bytes of the row straight to the bytes that are
 * published. Keys, values and headers it returns stay valid; the rows it is given only until the next message.
 */
export class ChangeEncoder {
  readonly #options: ChangeEncoderOptions;
  readonly #source: SourceBlock;
  readonly #out = new JsonWriter();
  /** null: not published. */
  readonly #plans = new WeakMap<Relation, RelationPlan | null>();
  #parts: TransactionParts | null = null;
  #withoutValues = false;
  #nowMs = Number.NaN;
  #stamp: Buffer = Buffer.alloc(0);

  constructor(options: ChangeEncoderOptions) {
    this.#options = options;
    this.#source = new SourceBlock(options);
  }

  /**
   * The records of one change, in order, and counts them. None for a table that is not published and for logical
   * messages. `withoutValues`: of a row that is too large to be made into an envelope; topics, keys and counts are as
   * ever, envelopes are empty. Throws what TopicNaming throws.
   */
  encode(
    change: TransactionChange,
    counters: TransactionCounters,
    { withoutValues = false }: { withoutValues?: boolean } = {},
  ): readonly PanelRecord[] {
    const { message } = change;
    this.#withoutValues = withoutValues;
    switch (message.tag) {
      case 'insert': {
        const plan = this.#plan(message.relation);
        if (plan === null) return [];
        const event: Event = { op: 'c', before: null, after: message.after, known: null };
        return [
          this.#record({
            change,
            counters,
            plan,
            event,
            key: plan.key(this.#out, message.after, null),
            part: 0,
          }),
        ];
      }
      case 'update': {
        const plan = this.#plan(message.relation);
        if (plan === null) return [];
        const { before, after } = message;
        if (plan.keyChanged(before, after))
          return this.#keyChange({ change, counters, plan }, before as Before, after);
        const event: Event = { op: 'u', before, after, known: before };
        return [
          this.#record({ change, counters, plan, event, key: plan.key(this.#out, after, before), part: 0 }),
        ];
      }
      case 'delete': {
        const plan = this.#plan(message.relation);
        return plan === null ? [] : this.#delete({ change, counters, plan }, message.before);
      }
      case 'truncate':
        return this.#truncate(message.relations, { change, counters });
      case 'message':
        return [];
      default:
        return unreachable(message);
    }
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
      plan = new RelationPlan(relation, { topic, primaryKeys });
    }
    this.#plans.set(relation, plan);
    return plan;
  }

  /** The delete, and its tombstone when the table has a key. */
  #delete(context: Context, before: Before, headers = noHeaders): PanelRecord[] {
    const { plan } = context;
    const key = plan.key(this.#out, before.row, null);
    const event: Event = { op: 'd', before, after: null, known: null };
    const records = [this.#record({ ...context, event, key, part: 0, headers })];
    if (key !== null && (this.#options.tombstones ?? true)) {
      records.push({ topic: plan.topic, key, value: null, headers: noHeaders, part: 1 });
    }
    return records;
  }

  /** A row that moved to another key: deleted under the old one, created under the new one, each naming the other. */
  #keyChange(context: Context, before: Before, after: Row): PanelRecord[] {
    const { plan } = context;
    const oldKey = plan.key(this.#out, before.row, null);
    const newKey = plan.key(this.#out, after, before);
    const records = this.#delete(context, before, [['__debezium.newkey', String(newKey)]]);
    const event: Event = { op: 'c', before: null, after, known: before };
    const headers: PanelHeader[] = [['__debezium.oldkey', String(oldKey)]];
    records.push(this.#record({ ...context, event, key: newKey, part: records.length, headers }));
    return records;
  }

  #truncate(relations: readonly Relation[], context: Omit<Context, 'plan'>): PanelRecord[] {
    const records: PanelRecord[] = [];
    if (!(this.#options.truncates ?? true)) return records;
    const event: Event = { op: 't', before: null, after: null, known: null };
    for (const relation of relations) {
      const plan = this.#plan(relation);
      if (plan === null) continue;
      const record = this.#record({ ...context, plan, event, key: null, part: records.length });
      records.push({ ...record, spread: 'every' });
    }
    return records;
  }

  #record({ change, counters, plan, event, key, part, headers = noHeaders }: Recorded): PanelRecord {
    const value = this.#value({ change, counters, plan }, event);
    return { topic: plan.topic, key, value, headers, part };
  }

  /** Writes the envelope, in the order of Debezium's fields. */
  #value({ change, counters, plan }: Context, { op, before, after, known }: Event): Buffer {
    const out = this.#out;
    const parts = this.#partsOf(change, counters);
    const { totalOrder, collectionOrder } = counters.countChange(plan.collection);
    if (this.#withoutValues) return Buffer.alloc(0);
    const lsn = change.lsn.toString();
    out.expect(((after ?? before?.row)?.bytes.length ?? 0) + envelopeBytes);
    out.ascii('{"before":');
    plan.writeBefore(out, before);
    out.ascii(',"after":');
    plan.writeAfter(out, after, known);
    out.ascii(',');
    out.raw(parts.head);
    out.ascii(lsn);
    out.raw(parts.times);
    out.raw(plan.source);
    out.raw(parts.xid);
    out.ascii(lsn);
    out.raw(parts.tail);
    out.ascii(`${totalOrder},"data_collection_order":${collectionOrder}},"op":"${op}"`);
    out.raw(this.#stampNow());
    if (after !== null) plan.writeUnchanged(out, after, known);
    out.ascii('}');
    return out.take();
  }

  #partsOf({ transaction }: TransactionChange, { id }: TransactionCounters): TransactionParts {
    if (this.#parts?.transaction !== transaction) this.#parts = this.#source.of(transaction, id);
    return this.#parts;
  }

  #stampNow(): Buffer {
    const nowMs = this.#options.nowMs?.() ?? Date.now();
    if (nowMs !== this.#nowMs) {
      this.#nowMs = nowMs;
      this.#stamp = Buffer.from(`,"ts_ms":${nowMs},"ts_us":${nowMs}000,"ts_ns":${nowMs}000000`);
    }
    return this.#stamp;
  }
}

interface Context {
  readonly change: TransactionChange;
  readonly counters: TransactionCounters;
  readonly plan: RelationPlan;
}

interface Recorded extends Context {
  readonly event: Event;
  readonly key: Buffer | null;
  readonly part: number;
  readonly headers?: readonly PanelHeader[];
}
