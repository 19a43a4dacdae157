import type { OutboxPort } from '@diptych/outbox/port';
import { CompiledQuery, type Transaction } from 'kysely';

export const kyselyPort = (tx: Transaction<unknown>): OutboxPort => ({
  rows: async (text, values) => (await tx.executeQuery(CompiledQuery.raw(text, [...values]))).rows,
});
