import type { OutboxPort } from '@diptych/outbox/port';
import type { Knex } from 'knex';

/** knex counts its parameters itself. */
export const knexPort = (tx: Knex.Transaction): OutboxPort => ({
  rows: async (text, values) => (await tx.raw(text.replaceAll(/\$\d+/g, '?'), [...values])).rows,
});
