/**
 * The outbox's two tables, for the drizzle schema of any service. Their names are those of docs/wire.md.
 *
 * `outbox` is insert-only and has plain indexes only: a unique one would have to contain the partition key once the table
 * is partitioned by `occurred_at`, and would turn a version conflict into an error that ends the caller's transaction.
 * Without a primary key it needs `alter table outbox replica identity full`, in a migration, before it is published: the
 * publication carries all operations, and the server refuses a DELETE (retention) on a table that cannot name its rows.
 * https://www.postgresql.org/docs/18/logical-replication-publication.html#LOGICAL-REPLICATION-PUBLICATION-REPLICA-IDENTITY
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';

/** The 64-bit transaction id, which does not wrap around. https://www.postgresql.org/docs/18/datatype-oid.html */
const xid8 = customType<{ data: string; driverData: string }>({ dataType: () => 'xid8' });

export const outbox = pgTable(
  'outbox',
  {
    id: uuid().notNull(),
    aggregatetype: text().notNull(),
    aggregateid: text().notNull(),
    type: text().notNull(),
    payload: jsonb().notNull(),
    aggregateversion: bigint({ mode: 'bigint' }).notNull(),
    typeversion: integer().notNull().default(1),
    headers: jsonb().notNull().default({}),
    occurredAt: timestamp('occurred_at', { withTimezone: true }).notNull().defaultNow(),
    xid: xid8().notNull().default(sql`pg_current_xact_id()`),
  },
  (table) => [
    index('outbox_aggregate_index').on(table.aggregatetype, table.aggregateid, table.aggregateversion),
  ],
);

/** The last version of each aggregate. Never published, never dropped by retention: it outlives the events. */
export const outboxHeads = pgTable(
  'outbox_heads',
  {
    aggregatetype: text().notNull(),
    aggregateid: text().notNull(),
    version: bigint({ mode: 'bigint' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.aggregatetype, table.aggregateid] })],
);
