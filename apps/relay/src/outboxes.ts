/** Which outbox a message of the stream belongs to, and how it is set. */
import { JsonWriter } from '@diptych/change/json-writer';
import type { TypeCatalogue } from '@diptych/change/type-catalogue';
import { exactModes } from '@diptych/change/value-modes';
import { writeText } from '@diptych/change/value-writer';
import { valueWriter } from '@diptych/change/values';
import { outboxNameOf } from '@diptych/outbox/message-row';
import { type ColumnJson, OutboxRouter } from '@diptych/outbox/route';
import { defaultRouting, type RouterOptions } from '@diptych/outbox/router-options';
import type { DataMessage } from '@diptych/pgoutput/message';
import type { Relation } from '@diptych/pgoutput/relation';
import { unreachable } from '@diptych/runtime/assert';
import type { Logger } from '@diptych/runtime/log';
import type { TopicNaming } from '@diptych/transaction/panel-record';
import type { TransactionChange } from '@diptych/transaction/transaction';
import type { Configuration } from './configuration.ts';
import { asCloudEvent, type CloudEventSettings } from './outbox-cloud-events.ts';
import { cloudEventSettings, routerOptions } from './outbox-configuration.ts';
import { type PayloadCheck, payloadCheck } from './outbox-contracts.ts';
import { type Masked, OutboxMask } from './outbox-mask.ts';
import { isPoison } from './parking/poison.ts';

export interface Outbox {
  readonly router: OutboxRouter;
  readonly onPoison: 'park' | 'stop';
  /** Null: payloads are published whatever they are. */
  readonly check: PayloadCheck | null;
  readonly cloudEvents: CloudEventSettings | null;
}

/** All outbox tables, `schema.table`: those of the common settings, and those that have their own. */
export function outboxTables({
  outbox,
  outboxes,
}: Pick<Configuration, 'outbox' | 'outboxes'>): readonly string[] {
  return [...new Set([...outbox.tables, ...outboxes.flatMap(({ table }) => table ?? [])])];
}

/** An outbox table, and the columns that tell what an event is of and what it says. */
export interface PayloadPlace {
  /** `schema.table` */
  readonly table: string;
  readonly id: string;
  readonly aggregateType: string;
  readonly type: string;
  readonly payload: string;
}

/** Where payloads stand, table by table. */
export function payloadPlaces(
  configuration: Pick<Configuration, 'outbox' | 'outboxes'>,
): readonly PayloadPlace[] {
  return outboxTables(configuration).map((table) => {
    const set = configuration.outboxes.find((outbox) => outbox.table === table)?.router;
    return {
      table,
      id: set?.['table.field.event.id'] ?? 'id',
      aggregateType: set?.['route.by.field'] ?? 'aggregatetype',
      type: set?.['table.field.event.type'] ?? 'type',
      payload: set?.['table.field.event.payload'] ?? 'payload',
    };
  });
}

export interface OutboxesOptions {
  readonly configuration: Configuration;
  readonly topics: TopicNaming;
  readonly log: Logger;
  readonly types: TypeCatalogue;
}

export class Outboxes {
  readonly #byTable = new Map<string, Outbox>();
  readonly #byMessage = new Map<string, Outbox>();
  /** Null: no outbox. A table that is described anew is another Relation. */
  readonly #byRelation = new WeakMap<Relation, Outbox | null>();
  readonly #common: Outbox;
  readonly #mask: OutboxMask;

  constructor({ configuration, topics, log, types }: OutboxesOptions) {
    const { topicPrefix, onPoison } = configuration.outbox;
    const columnJson = jsonOfColumns(types);
    const onUpdate = warnOncePerTransaction(log);
    const outbox = (options: RouterOptions, own: Partial<Omit<Outbox, 'router'>> = {}): Outbox => ({
      router: new OutboxRouter({ topics, topicPrefix, options, columnJson, onUpdate }),
      ...{ onPoison, check: null, cloudEvents: null, ...own },
    });
    this.#common = outbox(defaultRouting(topicPrefix));
    this.#mask = new OutboxMask(configuration.outbox.payload, payloadPlaces(configuration));
    for (const table of configuration.outbox.tables) this.#byTable.set(table, this.#common);
    for (const settings of configuration.outboxes) {
      const own = outbox(routerOptions(settings, topicPrefix), {
        onPoison: settings.onPoison ?? onPoison,
        check: settings.contracts ? payloadCheck(settings.contracts) : null,
        cloudEvents: cloudEventSettings(settings),
      });
      if (settings.table !== undefined) this.#byTable.set(settings.table, own);
      if (settings.message !== undefined) this.#byMessage.set(settings.message, own);
    }
  }

  hasTable(qualified: string): boolean {
    return this.#byTable.has(qualified);
  }

  /** Whether fields of payloads are hidden at all. */
  get hidesFields(): boolean {
    return !this.#mask.isEmpty;
  }

  /** The change with the fields hidden that are to be, whichever panel it is published on. */
  masked(change: TransactionChange): Masked<TransactionChange> {
    return this.#mask.change(change);
  }

  #ofRelation(relation: Relation): Outbox | undefined {
    const known = this.#byRelation.get(relation);
    if (known !== undefined) return known ?? undefined;
    const outbox = this.#byTable.get(`${relation.schema}.${relation.table}`);
    this.#byRelation.set(relation, outbox ?? null);
    return outbox;
  }

  /** The outbox of a row or a logical message. One of messages that is not named has the common settings. */
  of(message: DataMessage): Outbox | undefined {
    switch (message.tag) {
      case 'delete':
      case 'truncate':
        return undefined; // housekeeping
      case 'insert':
      case 'update':
        return this.#ofRelation(message.relation);
      case 'message': {
        const name = outboxNameOf(message);
        return name === null ? undefined : (this.#byMessage.get(name) ?? this.#common);
      }
      default:
        return unreachable(message);
    }
  }
}

export interface Routing {
  readonly isDecided: boolean;
  /** The change as the database has it, before anything was hidden: its payload is checked. */
  readonly stored: TransactionChange;
}

/**
 * The domain event of a row, or what is left of one that cannot be routed. One that was decided about is not checked again: the
 * schemas may be others now.
 */
export function routeEvent(
  { router, check, cloudEvents }: Outbox,
  change: TransactionChange,
  { isDecided, stored }: Routing,
) {
  try {
    const event = router.route(change);
    if (!event) return null;
    const { record, eventType, routedBy } = event;
    const { headers, key, value } = record;
    const version = headers.find(([name]) => name === 'eventVersion')?.[1] ?? '1';
    const failure =
      check && !isDecided ? check({ type: eventType, version, payload: router.payloadOf(stored) }) : null;
    if (!cloudEvents) return { record, eventType, failure };
    const timestampMs = record.timestampMs ?? Number(change.transaction.commitTimeUs / 1000n);
    const facts = { aggregateType: routedBy, key, headers, timestampMs, value };
    const told = asCloudEvent(facts, cloudEvents);
    const made = { ...record, value: told.value, headers: [...headers, ...told.headers] };
    return { record: made, eventType, failure };
  } catch (failure) {
    if (!isPoison(failure)) throw failure;
    return { record: { ...router.salvage(change), part: 0 }, eventType: '', failure };
  }
}

/** As in an exact change event, whatever is set for those: nothing is rounded, every value has a form. */
function jsonOfColumns(types: TypeCatalogue): ColumnJson {
  const out = new JsonWriter({ bytes: 4096 });
  return ({ typeOid, typeModifier }, row, column) => {
    const choice = { modifier: typeModifier, modes: exactModes, moneyDigits: types.moneyDigits };
    const write = valueWriter(types.of(typeOid), choice) ?? writeText;
    write(out, row.bytes, row.start(column), row.end(column));
    return out.take().toString();
  };
}

/** One UPDATE may touch millions of rows. */
function warnOncePerTransaction(log: Logger) {
  let last: TransactionChange['transaction'] | null = null;
  return ({ level, change }: { level: 'warn' | 'error'; change: TransactionChange }): void => {
    const { transaction, message, ordinal } = change;
    if (transaction === last || message.tag !== 'update') return;
    last = transaction;
    const { schema, table } = message.relation;
    log[level](
      { table: `${schema}.${table}`, xid: transaction.xid, ordinal },
      'an outbox row was updated: no event',
    );
  };
}
