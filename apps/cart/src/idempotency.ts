/**
 * Idempotency-Key: a retry gets the answer of the first attempt and writes nothing. The answer is stored in the
 * transaction that did the work, so there is no moment at which one exists without the other. A refusal is not stored:
 * it changed nothing, and a retry is judged anew.
 */
import { lt, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { idempotencyKeys } from './tables.ts';

/** What a client calls one command, and a digest of what it asked. */
export interface IdempotencyKey {
  readonly key: string;
  readonly fingerprint: string;
}

/** An answer as it was given the first time. */
export interface StoredAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly xid: string;
}

export type Recalled =
  | { readonly tag: 'new' }
  | { readonly tag: 'answered'; readonly answer: StoredAnswer }
  | { readonly tag: 'reused' };

/**
 * Looks the key up, after waiting for whoever uses the same key at this moment. The lock is one number for each key and
 * ends with the transaction; two keys that share a number only wait for each other.
 * https://www.postgresql.org/docs/18/explicit-locking.html#ADVISORY-LOCKS
 */
export async function recall(tx: Database, { key, fingerprint }: IdempotencyKey): Promise<Recalled> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`);
  const [stored] = await tx.select().from(idempotencyKeys).where(sql`${idempotencyKeys.key} = ${key}`);
  if (!stored) return { tag: 'new' };
  if (stored.fingerprint !== fingerprint) return { tag: 'reused' };
  const { status, body, xid } = stored;
  return { tag: 'answered', answer: { status, body, xid } };
}

/** Keeps the answer for the next attempt. */
export async function remember(
  tx: Database,
  { key, fingerprint }: IdempotencyKey,
  answer: StoredAnswer,
): Promise<void> {
  await tx.insert(idempotencyKeys).values({ key, fingerprint, ...answer });
}

/** Forgets answers that are older than a day: a client that retries does so within minutes. */
export async function forgetOldAnswers(database: Database): Promise<void> {
  await database.delete(idempotencyKeys).where(lt(idempotencyKeys.createdAt, sql`now() - interval '1 day'`));
}
