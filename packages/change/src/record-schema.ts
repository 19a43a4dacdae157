/**
 * The Connect schemas of whole records, for readers that demand them (`schemas = inline`): each key and value is
 * `{schema, payload}` then, as Connect's JsonConverter writes it with `schemas.enable=true`. Names and versions are those of
 * Debezium; columns outside the key are optional, because a row before may hold only the key.
 */

import type { ValueModes } from './value-modes.ts';
import { bytesSchema, type ConnectSchema } from './value-schema.ts';

/** What stands before the payload; a closing brace ends the record. */
export type SchemaHead = Buffer;

export interface TableSchemas {
  readonly key: SchemaHead;
  readonly value: SchemaHead;
}

type Column = ConnectSchema & { readonly field: string };

const field = (name: string, type: string, optional = false): ConnectSchema => ({
  type,
  optional,
  field: name,
});
const head = (schema: ConnectSchema): SchemaHead =>
  Buffer.from(`{"schema":${JSON.stringify(schema)},"payload":`);

const snapshotStates = 'true,first,first_in_data_collection,last_in_data_collection,last,false,incremental';

/** Of 3.7: `AbstractSourceInfoStructMaker`, `PostgresSourceInfoStructMaker`. */
const source: ConnectSchema = {
  type: 'struct',
  fields: [
    field('version', 'string'),
    field('connector', 'string'),
    field('name', 'string'),
    field('ts_ms', 'int64'),
    {
      ...field('snapshot', 'string', true),
      name: 'io.debezium.data.Enum',
      version: 1,
      parameters: { allowed: snapshotStates },
      default: 'false',
    },
    field('db', 'string'),
    field('sequence', 'string', true),
    field('ts_us', 'int64', true),
    field('ts_ns', 'int64', true),
    field('schema', 'string'),
    field('table', 'string'),
    field('txId', 'int64', true),
    field('lsn', 'int64', true),
    field('xmin', 'int64', true),
    field('origin', 'string', true),
    field('origin_lsn', 'int64', true),
  ],
  optional: false,
  name: 'io.debezium.connector.postgresql.Source',
  version: 1,
  field: 'source',
};

const transaction: ConnectSchema = {
  type: 'struct',
  fields: [field('id', 'string'), field('total_order', 'int64'), field('data_collection_order', 'int64')],
  optional: true,
  name: 'event.block',
  version: 1,
  field: 'transaction',
};

const times = ['ts_ms', 'ts_us', 'ts_ns'].map((name) => field(name, 'int64', true));

/** `columns` are those of `before` and `after`, `key` those of the key; `unchanged` says whether that field may come. */
export function tableSchemas({
  name,
  columns,
  key,
  unchanged,
}: {
  /** `<prefix>.<schema>.<table>` */
  name: string;
  columns: readonly Column[];
  key: readonly Column[];
  unchanged: boolean;
}): TableSchemas {
  const row = { type: 'struct', fields: columns, optional: true, name: `${name}.Value` };
  const named: ConnectSchema[] = unchanged
    ? [{ type: 'array', items: { type: 'string', optional: false }, optional: true, field: 'unchanged' }]
    : [];
  return {
    key: head({ type: 'struct', fields: key, optional: false, name: `${name}.Key` }),
    value: head({
      type: 'struct',
      fields: [
        { ...row, field: 'before' },
        { ...row, field: 'after' },
        source,
        transaction,
        field('op', 'string'),
        ...times,
        ...named,
      ],
      optional: false,
      name: `${name}.Envelope`,
      version: 2,
    }),
  };
}

/** A payload with its schema; the payload itself without one. */
export function inSchema(payload: Buffer, schema: SchemaHead | null): Buffer {
  return schema === null ? payload : Buffer.concat([schema, payload, closing]);
}

const closing = Buffer.from('}');

/** Of logical messages. */
export function messageSchemas(binary: ValueModes['binary']): TableSchemas {
  const postgres = 'io.debezium.connector.postgresql';
  const prefix = field('prefix', 'string', true);
  const message: ConnectSchema = {
    type: 'struct',
    fields: [prefix, { ...bytesSchema(binary), optional: true, field: 'content' }],
    optional: false,
    name: `${postgres}.Message`,
    version: 1,
    field: 'message',
  };
  return {
    key: head({
      type: 'struct',
      fields: [prefix],
      optional: false,
      name: `${postgres}.MessageKey`,
      version: 1,
    }),
    value: head({
      type: 'struct',
      fields: [field('op', 'string'), field('ts_ms', 'int64', true), source, transaction, message],
      optional: false,
      name: `${postgres}.MessageValue`,
      version: 1,
    }),
  };
}

/** Of BEGIN and END; the counts of the domain panel and of parked records are ours. */
export const transactionSchemas: TableSchemas = {
  key: head({
    ...{ type: 'struct', fields: [field('id', 'string')], optional: false },
    ...{ name: 'io.debezium.connector.common.TransactionMetadataKey', version: 1 },
  }),
  value: head({
    type: 'struct',
    fields: [
      field('status', 'string'),
      field('id', 'string'),
      field('event_count', 'int64', true),
      listOf('data_collections', 'event.collection', [
        field('data_collection', 'string'),
        field('event_count', 'int64'),
      ]),
      field('ts_ms', 'int64'),
      field('domain_event_count', 'int64', true),
      listOf('domain_events', 'event.domain', [
        field('topic', 'string'),
        field('event_type', 'string'),
        field('event_count', 'int64'),
      ]),
      field('parked_count', 'int64', true),
    ],
    optional: false,
    name: 'io.debezium.connector.common.TransactionMetadataValue',
    version: 1,
  }),
};

function listOf(name: string, item: string, fields: readonly ConnectSchema[]): ConnectSchema {
  const items = { type: 'struct', fields, optional: true, name: item, version: 1 };
  return { type: 'array', items, optional: true, field: name };
}
