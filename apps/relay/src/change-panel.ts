/** The change panel of one session: its encoder, and what the catalogue has to say before a table can be encoded. */
import { ChangeEncoder } from '@diptych/change/change-encoder';
import { type TableSchemas, transactionSchemas } from '@diptych/change/record-schema';
import type { ReadSource } from '@diptych/change/source-block';
import type { TransactionCounters } from '@diptych/change/transaction-counters';
import { TypeCatalogue } from '@diptych/change/type-catalogue';
import type { LogicalMessage, Message } from '@diptych/pgoutput/message';
import type { Relation } from '@diptych/pgoutput/relation';
import type { Row } from '@diptych/pgoutput/row';
import type { PanelRecord, TopicNaming } from '@diptych/transaction/panel-record';
import type { Transaction, TransactionChange } from '@diptych/transaction/transaction';
import { type Lsn, xid } from '@diptych/wal/lsn';
import { beginsTransactions, encoderSettings } from './change-settings.ts';
import type { Configuration } from './configuration.ts';
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
  #primaryKeys: Described['primaryKeys'];
  /** Of tables that snapshots read: as of the rows, which may be newer than what was described. */
  readonly #keysRead = new WeakMap<Relation, readonly string[]>();
  #wantsDescription = false;

  constructor({ configuration, database, described, topics, publishes }: ChangePanelOptions) {
    const { change, prefix } = configuration;
    this.begins = beginsTransactions(change);
    this.transactionSchemas = change.schemas === 'inline' ? transactionSchemas : null;
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

  /** The event of a row that a snapshot read; null for a table that is not published. */
  encodeRead(
    relation: Relation,
    row: Row,
    source: ReadSource & { readonly withoutValues: boolean },
  ): PanelRecord | null {
    return this.#encoder.encodeRead(relation, row, source);
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

  /**
   * With replica identity FULL and NOTHING pgoutput flags all columns as key, or none, and of a type it says no more than
   * a name.
   */
  #needsDescription({ replicaIdentity, columns }: Relation): boolean {
    const keysElsewhere = replicaIdentity === 'full' || replicaIdentity === 'nothing';
    return keysElsewhere || columns.some(({ typeOid }) => !this.types.knows(typeOid));
  }
}

const nameOf = ({ schema, table }: Relation): string => `${schema}.${table}`;
