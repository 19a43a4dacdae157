/** The change panel of one session: its encoder, and what the catalogue has to say before a table can be encoded. */
import { ChangeEncoder } from '@diptych/change/change-encoder';
import { tellsKey } from '@diptych/change/record-key';
import { type TableSchemas, transactionSchemas } from '@diptych/change/record-schema';
import type { ReadSource } from '@diptych/change/source-block';
import type { TransactionCounters } from '@diptych/change/transaction-counters';
import { TypeCatalogue } from '@diptych/change/type-catalogue';
import type { LogicalMessage, Message } from '@diptych/pgoutput/message';
import type { Relation } from '@diptych/pgoutput/relation';
import type { Row } from '@diptych/pgoutput/row';
import type { PanelRecord, TopicNaming, WrittenRecord } from '@diptych/transaction/panel-record';
import type { Transaction, TransactionChange } from '@diptych/transaction/transaction';
import { type Lsn, xid } from '@diptych/wal/lsn';
import { beginsTransactions, encoderSettings } from './change-settings.ts';
import type { Configuration } from './configuration.ts';
import { OutboxMask } from './outbox-mask.ts';
import { payloadPlaces } from './outboxes.ts';
import type { Described } from './source.ts';
import { version } from './version.ts';

export interface ChangePanelOptions {
  readonly configuration: Configuration;
  /** Name of the captured database. */
  readonly database: string;
  readonly described: Described;
  readonly topics: TopicNaming;
  /** Whether a table, `schema.table`, has change events. */
  readonly publishes: (table: string) => boolean;
}

/** A logical message outside every transaction, as a transaction of its own. */
export interface LooseEvent {
  readonly transaction: Transaction;
  readonly record: PanelRecord;
}

export class ChangePanel {
  /** Whether each transaction has a BEGIN. */
  readonly begins: boolean;
  /** Of the transaction topic's records; null: not sent. */
  readonly transactionSchemas: TableSchemas | null;
  /** As the catalogue and the stream describe them, always the latest. */
  readonly types: TypeCatalogue;
  readonly #encoder: ChangeEncoder;
  readonly #mask: OutboxMask;
  #primaryKeys: Described['primaryKeys'];
  /** Of tables that snapshots read: as of the rows, which may be newer than what was described. */
  readonly #keysRead = new WeakMap<Relation, readonly string[]>();
  #wantsDescription = false;

  constructor({ configuration, database, described, topics, publishes }: ChangePanelOptions) {
    const { change, prefix } = configuration;
    this.begins = beginsTransactions(change);
    this.transactionSchemas = change.schemas === 'inline' ? transactionSchemas : null;
    this.#mask = new OutboxMask(configuration.outbox.payload, payloadPlaces(configuration));
    this.#primaryKeys = described.primaryKeys;
    this.types = new TypeCatalogue(described.types);
    this.#encoder = new ChangeEncoder({
      ...encoderSettings(change, this.types),
      topics,
      prefix,
      version,
      database,
      publishes: (relation) => publishes(nameOf(relation)),
      primaryKeys: (relation) => this.#keysRead.get(relation) ?? this.#primaryKeys.get(relation.oid) ?? null,
    });
  }

  /**
   * A table came whose key the stream does not tell, or with a type that is not known: the changes that follow need what
   * the catalogue says now. Two keys for one row would tear its order apart.
   */
  get wantsDescription(): boolean {
    return this.#wantsDescription;
  }

  describe({ primaryKeys, types }: Described): void {
    this.#primaryKeys = primaryKeys;
    this.types.update(types);
    this.#wantsDescription = false;
  }

  /** Takes what the stream says of types and tables. */
  note(message: Message): void {
    if (message.tag === 'type') this.types.learn(message);
    if (message.tag === 'relation') this.#wantsDescription ||= this.#needsDescription(message.relation);
  }

  /** As `ChangeEncoder.write`. */
  write(change: TransactionChange, counters: TransactionCounters): WrittenRecord | null {
    return this.#encoder.write(change, counters);
  }

  /** Whether a table has change events. */
  publishes(relation: Relation): boolean {
    return this.#encoder.publishes(relation);
  }

  /** `withoutValues`: the change is too large to be made into envelopes. */
  encode(
    change: TransactionChange,
    counters: TransactionCounters,
    options: { readonly withoutValues: boolean },
  ): readonly PanelRecord[] {
    return this.#encoder.encode(change, counters, options);
  }

  /** The key of a table that a snapshot read, as the rows have it. Before the first of them is encoded. */
  noteKey(relation: Relation, key: readonly string[]): void {
    this.#keysRead.set(relation, key);
  }

  /**
   * The event of a row that a snapshot read; null for a table that is not published. Of an outbox, with the fields hidden that are
   * to be: where they cannot be, `failure` says so, and the payload is empty.
   */
  encodeRead(
    relation: Relation,
    row: Row,
    source: ReadSource & { readonly withoutValues: boolean },
  ): PanelRecord | null {
    const { masked, failure } = this.#mask.row(relation, row);
    const record = this.#encoder.encodeRead(relation, masked, source);
    return record && failure ? { ...record, failure } : record;
  }

  /** The same as `encodeRead` of a row that makes a record like nearly all, with nothing to hide; null of every other one. */
  writeRead(relation: Relation, row: Row, source: ReadSource): WrittenRecord | null {
    return this.#mask.row(relation, row).masked === row
      ? this.#encoder.writeRead(relation, row, source)
      : null;
  }

  /** Whether the type of each column is known; if not, the catalogue is asked before rows are encoded. */
  knowsTypesOf({ columns }: Relation): boolean {
    return columns.every(({ typeOid }) => this.types.knows(typeOid));
  }

  /** Null for a message that is not published. It stands at its own position, between the commits around it, with xid 0. */
  encodeLoose(
    message: LogicalMessage,
    {
      previousCommitEndLsn,
      withoutValues,
    }: { readonly previousCommitEndLsn: Lsn | null; readonly withoutValues: boolean },
  ): LooseEvent | null {
    const { lsn } = message;
    const timeUs = BigInt(Date.now()) * 1000n;
    const record = this.#encoder.encodeLoose(message, { lsn, timeUs, previousCommitEndLsn, withoutValues });
    if (!record) return null;
    const transaction = {
      xid: xid(0),
      commitLsn: lsn,
      commitTimeUs: timeUs,
      previousCommitEndLsn,
      origin: null,
    };
    return { transaction, record };
  }

  /** Of a key's order the stream says nothing, with replica identity FULL and NOTHING not even its columns; of a type its name. */
  #needsDescription(relation: Relation): boolean {
    return !tellsKey(relation) || relation.columns.some(({ typeOid }) => !this.types.knows(typeOid));
  }
}

const nameOf = ({ schema, table }: Relation): string => `${schema}.${table}`;
