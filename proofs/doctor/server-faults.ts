/** Faults of the server. Those of its start are planted with a restart, and mended with one. */
import type { Fault, World } from './fault.ts';

const configured =
  (name: string, value: string) =>
  async ({ sql }: World) => {
    await sql(`alter system set ${name} = '${value}'`);
    await sql('select pg_reload_conf()');
  };

const restarted = (name: string, value: string) => async (world: World) => {
  await configured(name, value)(world);
  await world.postgres.stop();
  await world.postgres.start();
};

/** WAL that a slot has to keep. */
const written = async ({ sql }: World): Promise<void> => {
  await sql(
    `create table ballast as select string_agg(md5(n::text), '') as text from generate_series(1, 1000000) n`,
  );
  await sql('drop table ballast');
};

/** Before there is a slot: with one, a server whose wal_level is another does not start. */
export const startFaults: readonly Fault[] = [
  { name: 'wal_level replica', check: 'wal-level', plant: restarted('wal_level', 'replica') },
  { name: 'one WAL sender', check: 'wal-senders', plant: restarted('max_wal_senders', '1') },
  {
    name: 'no replication slot left',
    check: 'replication-slots',
    plant: async (world) => {
      await restarted('max_replication_slots', '1')(world);
      await world.sql(`select pg_create_physical_replication_slot('of_others')`);
    },
    undo: ({ sql }) => sql(`select pg_drop_replication_slot('of_others')`),
  },
  {
    name: 'nothing prepared yet',
    ...{ check: 'slot', object: ({ name }) => name },
    plant: async () => {},
  },
];

export const serverFaults: readonly Fault[] = [
  {
    name: 'WAL is kept without a limit',
    check: 'max-slot-wal-keep-size',
    plant: configured('max_slot_wal_keep_size', '-1'),
  },
  {
    name: 'WAL is kept for minutes only',
    check: 'max-slot-wal-keep-size',
    plant: configured('max_slot_wal_keep_size', '512MB'),
  },
  {
    name: 'no wal_sender_timeout',
    check: 'wal-sender-timeout',
    plant: configured('wal_sender_timeout', '0'),
  },
  {
    name: 'sessions that end when they are idle',
    ...{ check: 'session-timeouts', object: 'idle_session_timeout' },
    plant: ({ sql, role }) => sql(`alter role ${role} set idle_session_timeout = '5s'`),
  },
  {
    name: 'statements that end after seconds',
    ...{ check: 'session-timeouts', object: 'statement_timeout' },
    plant: ({ sql, role }) => sql(`alter role ${role} set statement_timeout = '20s'`),
  },
  { name: 'fsync off', check: 'fsync', plant: configured('fsync', 'off') },
  {
    name: 'slots that end when nobody reads them',
    ...{ check: 'slot', object: 'idle_replication_slot_timeout' },
    plant: configured('idle_replication_slot_timeout', '1h'),
  },
  {
    name: 'a slot of others that nobody reads',
    ...{ check: 'other-slots', object: 'others_slot' },
    plant: async (world) => {
      await world.sql(`select pg_create_logical_replication_slot('others_slot', 'pgoutput')`);
      await written(world);
    },
  },
  {
    name: 'a transaction that is open for long',
    check: 'long-transactions',
    plant: ({ openSession }) => openSession('begin; insert into carts (id) values (99)'),
  },
  {
    name: 'a prepared transaction that was forgotten',
    ...{ check: 'prepared-transactions', object: "day's end" },
    plant: ({ openSession }) =>
      openSession(`begin; insert into carts (id) values (98); prepare transaction 'day''s end'`),
  },
  {
    name: 'sessions of others that are not seen',
    check: 'long-transactions',
    plant: ({ sql, role }) => sql(`revoke pg_read_all_stats from ${role}`),
  },
];
