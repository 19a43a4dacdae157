/** Transactions that have committed, and wait for a standby before others see it. */
import { unreachable } from '@diptych/runtime/assert';
import { quoteLiteral } from '@diptych/wal/catalogue';
import type { TextReader } from '@diptych/wal/text-reader';

/**
 * Each holds the lock of its id until others see how it ended, also while it waits for a standby; anyone may ask.
 * https://www.postgresql.org/docs/18/view-pg-locks.html
 */
const openTransactions = `pg_locks where locktype = 'transactionid' and mode = 'ExclusiveLock' and granted`;

/** `open`: it is not told which; they are among the transactions with an id that are open, whose ids these are. */
export type WaitingCommits =
  | { readonly tag: 'none' }
  | { readonly tag: 'shown' }
  | { readonly tag: 'open'; readonly xids: string };

/**
 * How to tell which they are. Who waits for what is in `pg_stat_activity`, for those who may read it; a session's setting may be
 * older or newer than what commits are held to, and decides for the others alone. Throws OperatingError.
 */
export async function waitingCommits(reader: TextReader): Promise<WaitingCommits> {
  const [row] = await reader.query(
    `select current_setting('synchronous_standby_names') <> '', pg_has_role('pg_read_all_stats', 'usage'),
       (select coalesce(array_agg(transactionid::text), '{}') from ${openTransactions})`,
  );
  const [waits, maySee, xids] = row ?? [];
  if (maySee === 't') return { tag: 'shown' };
  return waits === 't' ? { tag: 'open', xids: xids ?? '{}' } : { tag: 'none' };
}

/** The SQL that is true while there are such; null: there are none. */
export function isAnyWaiting(waiting: WaitingCommits): string | null {
  switch (waiting.tag) {
    case 'none':
      return null;
    case 'shown':
      return `exists (select from pg_stat_activity where datname = current_database() and wait_event = 'SyncRep')`;
    case 'open':
      return `exists (select from ${openTransactions} and transactionid::text = any(${quoteLiteral(waiting.xids)}::text[]))`;
    default:
      return unreachable(waiting);
  }
}
