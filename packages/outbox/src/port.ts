/** The caller's open transaction, whichever library holds it: what `append` needs of it is one way to run a statement. */
import { assert } from '@diptych/runtime/assert';
import { type SQL, sql } from 'drizzle-orm';

/**
 * For any library that is not known here (kysely, knex, Prisma: docs/outbox.md). Runs one statement in the open
 * transaction and answers its rows. `text` names its parameters `$1`, `$2` … in their order, each once, and has no `?`;
 * `values` are text or null, every one with a cast in `text`.
 */
export interface OutboxPort {
  readonly rows: (text: string, values: readonly (string | null)[]) => Promise<readonly unknown[]>;
}

/** A client of `pg` with an open transaction. A pool is none: each statement of it may run on another connection. */
export interface PgClient {
  query(text: string, values: (string | null)[]): Promise<{ readonly rows: readonly unknown[] }>;
  readonly totalCount?: never;
}

/** A transaction of drizzle-orm over node-postgres. */
export interface DrizzleTransaction {
  execute(query: SQL): PromiseLike<{ readonly rows: readonly unknown[] }>;
}

export type OutboxTransaction = OutboxPort | PgClient | DrizzleTransaction;

/** The port of a transaction. Throws AssertionError for a pool. */
export function portOf(tx: OutboxTransaction): OutboxPort {
  if ('rows' in tx) return tx;
  if ('execute' in tx) {
    return { rows: async (text, values) => (await tx.execute(toDrizzle(text, values))).rows };
  }
  assert(!('totalCount' in tx), 'append takes a client with an open transaction, not a pool');
  return { rows: async (text, values) => (await tx.query(text, [...values])).rows };
}

/** The parameters stand in their order, so the text between them is all that is needed. */
function toDrizzle(text: string, values: readonly (string | null)[]): SQL {
  const [first = '', ...rest] = text.split(/\$\d+/);
  assert(rest.length === values.length, `${rest.length} parameters, ${values.length} values`);
  const query = sql.raw(first);
  for (const [index, part] of rest.entries()) {
    query.append(sql`${values[index] ?? null}`);
    query.append(sql.raw(part));
  }
  return query;
}

/** `schema.table` or `table`, quoted. */
export function quoteTable(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');
}
