/**
 * The table of snapshots, for the drizzle schema of any service. A cache: it may be emptied at any time. Never published;
 * a row that is deleted is named by its primary key.
 */
import { bigint, integer, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

export const outboxSnapshots = pgTable(
  'outbox_snapshots',
  {
    aggregatetype: text().notNull(),
    aggregateid: text().notNull(),
    /** Of the state's form: what another version of the service folded is not read by this one. */
    stateversion: integer().notNull(),
    /** Of the last event in it. */
    version: bigint({ mode: 'bigint' }).notNull(),
    state: jsonb().notNull(),
    takenAt: timestamp('taken_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({
      name: 'outbox_snapshots_pk',
      columns: [table.aggregatetype, table.aggregateid, table.stateversion, table.version],
    }),
  ],
);
