/** The server: its version and settings, its slots. */
import { present } from '@diptych/runtime/assert';
import { type Catalogue, quoteLiteral } from '@diptych/wal/catalogue';
import { type FailoverObservation, observeFailover } from '@diptych/wal/failover';
import { inspectSlot, type Slot } from '@diptych/wal/slot';
import type { Wish } from './subject.ts';

/** A setting as this session has it: of the server, unless the role or the database has its own. */
export interface ServerSetting {
  /** In the unit of `pg_settings`. */
  readonly value: string;
  /** It was altered, and waits for a restart. */
  readonly isPending: boolean;
}

export interface OtherSlot {
  readonly name: string;
  /** As SQL has it. */
  readonly quoted: string;
  readonly active: boolean;
  /** WAL that the server keeps for it. */
  readonly keptBytes: number;
}

export interface ServerFacts {
  /** `180004` */
  readonly version: number;
  readonly isStandby: boolean;
  readonly settings: ReadonlyMap<string, ServerSetting>;
  readonly walSenders: number;
  readonly slots: number;
  readonly slot: Slot | null;
  readonly otherSlots: readonly OtherSlot[];
  readonly failover: FailoverObservation;
  /** The role that asks, as SQL has it. */
  readonly role: string;
}

const settingNames = [
  'wal_level',
  'max_replication_slots',
  'max_wal_senders',
  'max_slot_wal_keep_size',
  'max_wal_size',
  'wal_sender_timeout',
  'idle_replication_slot_timeout',
  'idle_session_timeout',
  'idle_in_transaction_session_timeout',
  'statement_timeout',
  'transaction_timeout',
  'fsync',
];

/** Throws OperatingError. */
export async function readServer(catalogue: Catalogue, { configuration }: Wish): Promise<ServerFacts> {
  const [row] = await catalogue.query<{
    version: string;
    standby: boolean;
    senders: number;
    slots: number;
    role: string;
  }>(`
    select current_setting('server_version_num') as version, pg_is_in_recovery() as standby,
      (select count(*)::int from pg_stat_get_wal_senders()) as senders,
      (select count(*)::int from pg_replication_slots) as slots, quote_ident(current_user) as role`);
  const { version, standby, senders, slots, role } = present(row, 'a select without from has one row');
  const settings = await catalogue.query<{ name: string; setting: string; pending_restart: boolean }>(
    'select name, setting, pending_restart from pg_settings where name = any($1)',
    [settingNames],
  );
  return {
    version: Number(version),
    isStandby: standby,
    settings: new Map(
      settings.map(({ name, setting, pending_restart }) => [
        name,
        { value: setting, isPending: pending_restart },
      ]),
    ),
    ...{ walSenders: senders, slots, role },
    slot: await inspectSlot(catalogue, configuration.slot),
    otherSlots: await readOtherSlots(catalogue, configuration.slot),
    failover: await observeFailover(catalogue, configuration.slot),
  };
}

async function readOtherSlots(catalogue: Catalogue, own: string): Promise<OtherSlot[]> {
  const rows = await catalogue.query<{ name: string; active: boolean; kept: string | null }>(
    `select slot_name as name, active, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::text as kept
     from pg_replication_slots where slot_name <> $1 and not temporary order by 1`,
    [own],
  );
  return rows.map(({ name, active, kept }) => ({
    ...{ name, active, quoted: quoteLiteral(name), keptBytes: Number(kept ?? 0) },
  }));
}
