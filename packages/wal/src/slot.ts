/** The slot: the server's bookmark, and the lock that makes one relay the only one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '@diptych/runtime/failure';
import type { Catalogue } from './catalogue.ts';
import { formatLsn, type Lsn, parseLsn } from './lsn.ts';

export interface Slot {
  readonly name: string;
  readonly active: boolean;
  /** The server process that holds it. */
  readonly activePid: number | null;
  readonly restartLsn: Lsn | null;
  readonly confirmedFlushLsn: Lsn;
  /** `reserved`, `extended`, `unreserved`, `lost`: whether the WAL it needs is still there. */
  readonly walStatus: string;
  readonly invalidationReason: string | null;
  /** Where the server's WAL ends now. */
  readonly walEnd: Lsn;
  /** Whether standbys may synchronise it; null before PostgreSQL 17, which knows no such thing. */
  readonly failover: boolean | null;
  /** WAL between the slot and the current end: what the server keeps, and what is yet to be published. */
  readonly lagBytes: bigint;
}

/** The slot as it is now, null when there is none. Refuses a slot of another database or plugin. */
export async function inspectSlot(catalogue: Catalogue, name: string): Promise<Slot | null> {
  const [row] = await catalogue.query<{
    plugin: string | null;
    database: string | null;
    here: boolean;
    active: boolean;
    active_pid: number | null;
    restart_lsn: string | null;
    confirmed_flush_lsn: string | null;
    wal_status: string | null;
    invalidation_reason: string | null;
    wal_end: string;
    failover: boolean | null;
    lag: string | null;
  }>(
    `select plugin, database, database = current_database() as here, active, active_pid, restart_lsn,
       confirmed_flush_lsn, wal_status, to_jsonb(s) ->> 'invalidation_reason' as invalidation_reason,
       pg_current_wal_lsn() as wal_end, (to_jsonb(s) ->> 'failover')::boolean as failover,
       pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::text as lag
     from pg_replication_slots s where slot_name = $1`,
    [name],
  );
  if (!row) return null;
  if (row.plugin !== 'pgoutput' || !row.here || row.confirmed_flush_lsn === null) {
    const what = `slot ${name} has plugin ${row.plugin ?? 'none'} and database ${row.database ?? 'none'}`;
    throw new OperatingError('slot-invalid', what, { remedy: 'Choose another name with DIPTYCH_SLOT.' });
  }
  return {
    name,
    active: row.active,
    activePid: row.active_pid,
    restartLsn: row.restart_lsn === null ? null : parseLsn(row.restart_lsn),
    confirmedFlushLsn: parseLsn(row.confirmed_flush_lsn),
    walStatus: row.wal_status ?? 'unknown',
    invalidationReason: row.invalidation_reason,
    walEnd: parseLsn(row.wal_end),
    failover: row.failover,
    lagBytes: BigInt(row.lag ?? '0'),
  };
}

/** The slot, which must be there and have its WAL. Throws `slot-missing` or `slot-lost`. */
export async function requireSlot(catalogue: Catalogue, name: string): Promise<Slot> {
  const slot = await inspectSlot(catalogue, name);
  if (!slot) {
    throw new OperatingError('slot-missing', `there is no replication slot ${name}`, {
      remedy: 'Run `diptych init`.',
    });
  }
  if (slot.walStatus === 'lost') {
    throw new OperatingError(
      'slot-lost',
      `slot ${name} is lost: ${slot.invalidationReason ?? 'WAL removed'}`,
      {
        remedy:
          'The WAL after its position is gone. `diptych init --from-slot` makes it anew, with that gap; `diptych ' +
          'snapshot` reads the tables if you need what lies between.',
      },
    );
  }
  return slot;
}

/** Where the server's WAL ends now. */
export async function currentWalEnd(catalogue: Catalogue): Promise<Lsn> {
  const [row] = await catalogue.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn');
  return parseLsn(row?.lsn ?? '');
}

/** A transaction that slot creation has to wait for: every one that was open when it began. */
export interface Hindrance {
  readonly pid: number;
  readonly openForSeconds: number;
  readonly application: string;
  readonly state: string;
}

/**
 * Creates the slot. It waits until all transactions that are open now have ended; `waitingFor` is told which, once a
 * second, from a second connection. https://www.postgresql.org/docs/18/functions-admin.html#FUNCTIONS-REPLICATION
 */
export async function createSlot({
  creator,
  observer,
  name,
  failover,
  waitingFor,
}: {
  creator: Catalogue;
  observer: Catalogue;
  name: string;
  /** Let standbys synchronise it. Needs PostgreSQL 17. */
  failover: boolean;
  waitingFor: (hindrances: readonly Hindrance[]) => void;
}): Promise<void> {
  const [self] = await creator.query<{ pid: number }>('select pg_backend_pid() as pid');
  await whileWaiting({ observer, creatorPid: self?.pid ?? 0, waitingFor }, async () => {
    const flag = failover ? ', failover => true' : '';
    await creator.query(`select pg_create_logical_replication_slot($1, 'pgoutput'${flag})`, [name]);
  });
}

/** Tells once a second, as long as the creation of a slot takes, which transactions it waits for. */
export async function whileWaiting(
  {
    observer,
    creatorPid,
    waitingFor,
  }: {
    observer: Catalogue;
    creatorPid: number;
    waitingFor: (hindrances: readonly Hindrance[]) => void;
  },
  create: () => Promise<void>,
): Promise<void> {
  const done = new AbortController();
  const watching = watch({ observer, creatorPid, waitingFor, signal: done.signal });
  try {
    await create();
  } finally {
    done.abort();
    await watching;
  }
}

async function watch(options: {
  observer: Catalogue;
  creatorPid: number;
  waitingFor: (hindrances: readonly Hindrance[]) => void;
  signal: AbortSignal;
}): Promise<void> {
  const { observer, creatorPid, waitingFor, signal } = options;
  for (;;) {
    await sleep(1000, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const rows = await observer.query<{ pid: number; seconds: number; application: string; state: string }>(
      `select pid, extract(epoch from now() - xact_start)::int as seconds, application_name as application,
         coalesce(state, 'unknown') as state
       from pg_stat_activity where backend_xid is not null and pid <> $1 order by xact_start limit 5`,
      [creatorPid],
    );
    if (rows.length > 0) waitingFor(rows.map(({ seconds, ...row }) => ({ ...row, openForSeconds: seconds })));
  }
}

/**
 * Moves a slot that nobody holds forward: what commits before `to` is sent no more. Throws `slot-held`.
 * https://www.postgresql.org/docs/18/functions-admin.html#FUNCTIONS-REPLICATION
 */
export async function advanceSlot(
  catalogue: Catalogue,
  { name, to }: { name: string; to: Lsn },
): Promise<void> {
  await catalogue.query('select pg_replication_slot_advance($1, $2::pg_lsn)', [name, formatLsn(to)]);
}

/** Drops the slot; refuses one that is held. */
export async function dropSlot(catalogue: Catalogue, name: string): Promise<void> {
  await catalogue.query('select pg_drop_replication_slot($1)', [name]);
}

/** How often a standby looks whether the slot is free. Half of it is jitter, so that several standbys do not march. */
const standbyPollMs = 200;

/** Who has its turn starts within milliseconds. One that froze or was cut off in it keeps the others away for so long. */
const turnMs = 2000;

/**
 * Waits, on an ordinary connection, until nobody holds the slot and it is our turn to take it. Asking costs a catalogue row;
 * retrying START_REPLICATION instead, or trying it all at once, would write an error into the server's log each time. A turn
 * is an advisory lock of this connection's session: `endTurn` gives it back. It decides nothing, the slot does: when a free
 * one is not taken in time the others try all the same (docs/decisions/0024-turns.md).
 */
export async function untilSlotFree(
  catalogue: Catalogue,
  { name, onHeld, signal }: { name: string; onHeld: (slot: Slot) => void; signal: AbortSignal },
): Promise<Slot> {
  let freeSinceMs: number | null = null;
  for (;;) {
    const slot = await requireSlot(catalogue, name);
    freeSinceMs = slot.active ? null : (freeSinceMs ?? performance.now());
    if (freeSinceMs !== null) {
      const isOverdue = performance.now() - freeSinceMs > turnMs;
      if ((await takeTurn(catalogue, name)) || isOverdue) {
        // Whose turn it was may have taken it since the look.
        const now = await requireSlot(catalogue, name);
        if (!now.active) return now;
        await endTurn(catalogue);
      }
    }
    onHeld(slot);
    await sleep(standbyPollMs * (0.5 + Math.random()), undefined, { signal });
  }
}

/** Two numbers, because an application may have advisory locks of its own in the same database. */
async function takeTurn(catalogue: Catalogue, slot: string): Promise<boolean> {
  const [row] = await catalogue.query<{ ours: boolean }>(
    `select pg_try_advisory_lock(hashtext('diptych slot'), hashtext($1)) as ours`,
    [slot],
  );
  return row?.ours ?? false;
}

/** After the slot was taken, or not: others may try when it is free again. */
export async function endTurn(catalogue: Catalogue): Promise<void> {
  await catalogue.query('select pg_advisory_unlock_all()');
}
