/**
 * Whether the slot would survive a failover: what has to be set for it, and what of that the primary can see.
 * https://www.postgresql.org/docs/18/logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS-SYNCHRONIZATION
 */
import { assert } from '@diptych/runtime/assert';
import type { Catalogue } from './catalogue.ts';
import { quoteIdentifier } from './catalogue.ts';
import { replicationCommand } from './replication-command.ts';

/** Slots that standbys synchronise. */
const oldestVersion = 170_000;

/** Whether this server can keep slots on its standbys: PostgreSQL 17 or newer. Throws OperatingError. */
export async function supportsFailover(catalogue: Catalogue): Promise<boolean> {
  return (await versionOf(catalogue)) >= oldestVersion;
}

async function versionOf(catalogue: Catalogue): Promise<number> {
  const [row] = await catalogue.query<{ version: string }>(
    `select current_setting('server_version_num') as version`,
  );
  assert(row, 'a select without from has one row');
  return Number(row.version);
}

/** Lets standbys synchronise an existing slot, or no longer. Throws OperatingError, `slot-held` while a relay has it. */
export function alterSlotFailover(
  { databaseUrl }: Catalogue,
  { name, failover }: { name: string; failover: boolean },
): Promise<void> {
  return replicationCommand({ databaseUrl, doing: `altering slot ${name}` }, async (client) => {
    await client.query(`ALTER_REPLICATION_SLOT ${quoteIdentifier(name)} (FAILOVER ${failover})`);
  });
}

/** A standby's bookmark on the primary. */
export interface PhysicalSlot {
  readonly name: string;
  readonly active: boolean;
  /** The standby says which rows its queries still need: `hot_standby_feedback`. */
  readonly hasXmin: boolean;
  /** It says so of the catalogue too: it has logical slots of its own, synchronised ones. */
  readonly hasCatalogXmin: boolean;
}

/** What the primary can see of its standbys. */
export interface FailoverObservation {
  readonly version: number;
  readonly slotFailover: boolean;
  /** `synchronized_standby_slots`. */
  readonly namedSlots: readonly string[];
  readonly physicalSlots: readonly PhysicalSlot[];
  /** Application names of standbys that stream without a slot. */
  readonly standbysWithoutSlot: readonly string[];
}

/** One thing that is missing for the slot to survive a failover. */
export interface FailoverGap {
  readonly setting: string;
  readonly on: 'slot' | 'primary' | 'standby';
  readonly message: string;
  readonly remedy: string;
}

/** Reads it. A role without pg_monitor sees no standby that streams without a slot. Throws OperatingError. */
export async function observeFailover(catalogue: Catalogue, slot: string): Promise<FailoverObservation> {
  const [row] = await catalogue.query<{
    failover: boolean | null;
    named: string[];
    slots: { name: string; active: boolean; xmin: string | null; catalog_xmin: string | null }[];
    strangers: string[];
  }>(
    `select
       (select (to_jsonb(s) ->> 'failover')::boolean from pg_replication_slots s where slot_name = $1) as failover,
       array(select trim(both ' "' from name) from
         unnest(string_to_array(current_setting('synchronized_standby_slots', true), ',')) name
         where trim(name) <> '') as named,
       (select coalesce(json_agg(json_build_object('name', slot_name, 'active', active, 'xmin', xmin::text,
           'catalog_xmin', catalog_xmin::text) order by slot_name), '[]')
         from pg_replication_slots where slot_type = 'physical') as slots,
       array(select application_name from pg_stat_replication r where state in ('catchup', 'streaming')
         and not exists (select from pg_replication_slots where active_pid = r.pid) order by 1) as strangers`,
    [slot],
  );
  assert(row, 'a select without from has one row');
  return {
    version: await versionOf(catalogue),
    slotFailover: row.failover ?? false,
    namedSlots: row.named,
    physicalSlots: row.slots.map(({ name, active, xmin, catalog_xmin }) => ({
      ...{ name, active, hasXmin: xmin !== null, hasCatalogXmin: catalog_xmin !== null },
    })),
    standbysWithoutSlot: row.strangers,
  };
}

/** What is missing. A server that has no standby lacks nothing. */
export function failoverGaps(observed: FailoverObservation): FailoverGap[] {
  const { version, slotFailover, namedSlots, physicalSlots, standbysWithoutSlot } = observed;
  if (physicalSlots.length + standbysWithoutSlot.length + namedSlots.length === 0) return [];
  if (version < oldestVersion) return [gaps.version()];
  const found: FailoverGap[] = slotFailover ? [] : [gaps.slot()];
  found.push(...standbysWithoutSlot.map(gaps.withoutSlot));
  if (namedSlots.length === 0) found.push(gaps.unnamed(physicalSlots.map(({ name }) => name)));
  for (const name of namedSlots) {
    const slot = physicalSlots.find((one) => one.name === name);
    if (!slot?.active) found.push(gaps.away(name, slot === undefined));
  }
  const followed = physicalSlots.filter(
    ({ name, active }) => active && (namedSlots.length === 0 || namedSlots.includes(name)),
  );
  for (const { name, hasXmin, hasCatalogXmin } of followed) {
    if (!hasXmin) found.push(gaps.feedback(name));
    else if (!hasCatalogXmin) found.push(gaps.synchronisation(name));
  }
  return found;
}

const gaps = {
  version: (): FailoverGap => ({
    ...{ setting: 'server_version', on: 'primary' },
    message: 'slots do not survive a failover before PostgreSQL 17',
    remedy: 'Upgrade, or set DIPTYCH_FAILOVER to false when the standby is not there to be promoted.',
  }),
  slot: (): FailoverGap => ({
    ...{ setting: 'failover', on: 'slot' },
    message: 'the slot may not be synchronised to standbys',
    remedy: 'Stop the relay and run `diptych init`, which alters the slot.',
  }),
  withoutSlot: (standby: string): FailoverGap => ({
    ...{ setting: 'primary_slot_name', on: 'standby' },
    message: `standby ${standby} streams without a physical slot`,
    remedy: 'Make it one with pg_create_physical_replication_slot, and name it on the standby.',
  }),
  unnamed: (slots: readonly string[]): FailoverGap => ({
    ...{ setting: 'synchronized_standby_slots', on: 'primary' },
    message: 'Kafka can get transactions that no standby has yet',
    remedy: `Run \`alter system set synchronized_standby_slots = '${slots.join(', ') || 'the standby’s slot'}'\` and pg_reload_conf().`,
  }),
  away: (slot: string, unknown: boolean): FailoverGap => ({
    ...{ setting: 'synchronized_standby_slots', on: 'primary' },
    message: `slot ${slot} ${unknown ? 'does not exist' : 'is held by no standby'}: nothing is sent to the relay until it is`,
    remedy: `Start the standby, or take ${slot} out of synchronized_standby_slots.`,
  }),
  feedback: (slot: string): FailoverGap => ({
    ...{ setting: 'hot_standby_feedback', on: 'standby' },
    message: `the standby of slot ${slot} does not say which rows it needs: its copy of the relay’s slot can be invalidated`,
    remedy: 'Set hot_standby_feedback = on there. It shows here within wal_receiver_status_interval (10 s).',
  }),
  synchronisation: (slot: string): FailoverGap => ({
    ...{ setting: 'sync_replication_slots', on: 'standby' },
    message: `the standby of slot ${slot} shows no sign of synchronised slots`,
    remedy: 'Set sync_replication_slots = on there, and dbname in its primary_conninfo.',
  }),
} as const;
