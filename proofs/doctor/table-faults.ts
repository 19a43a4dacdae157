/** Faults of tables. Their names are hostile now and then: a statement is worth what its quoting is. */
import type { Fault } from './fault.ts';

const dropped = (table: string): Pick<Fault, 'undo'> => ({
  undo: ({ sql }) => sql(`drop table ${table}`),
});

export const tableFaults: readonly Fault[] = [
  {
    name: 'a table without any key',
    ...{ check: 'replica-identity', object: 'public.Week "day" table', ...dropped('"Week ""day"" table"') },
    plant: ({ sql }) => sql('create table "Week ""day"" table" (day int, note text)'),
  },
  {
    name: 'a table that was told to send nothing of the row before',
    ...{ check: 'replica-identity', object: 'public.carts' },
    plant: ({ sql }) => sql('alter table carts replica identity nothing'),
    undo: ({ sql }) => sql('alter table carts replica identity default'),
  },
  {
    name: 'an index of the replica identity that is gone',
    ...{ check: 'replica-identity', object: 'public.items' },
    plant: async ({ sql }) => {
      await sql('create unique index items_code on items (code)');
      await sql('alter table items replica identity using index items_code');
      await sql('drop index items_code');
    },
    undo: ({ sql }) => sql('alter table items replica identity default'),
  },
  {
    name: 'a partition with another identity than its table',
    ...{ check: 'replica-identity', object: 'public.measurements_2026' },
    plant: ({ sql }) => sql('alter table measurements_2026 replica identity nothing'),
    undo: ({ sql }) => sql('alter table measurements_2026 replica identity default'),
  },
  {
    name: 'a table without a primary key that has a constraint for one',
    ...{ check: 'primary-keys', object: 'public.coupons', ...dropped('coupons') },
    plant: async ({ sql }) => {
      await sql('create table coupons (code text not null unique)');
      await sql('alter table coupons replica identity full');
    },
  },
  {
    name: 'a table without a primary key that has an index for one',
    ...{ check: 'primary-keys', object: 'public.vouchers', ...dropped('vouchers') },
    plant: async ({ sql }) => {
      await sql('create table vouchers (code text not null)');
      await sql('create unique index "Vouchers by code" on vouchers (code)');
      await sql('alter table vouchers replica identity full');
    },
  },
  {
    name: 'a table without a primary key and without an index for one',
    ...{ check: 'primary-keys', object: 'public.visits', ...dropped('visits') },
    plant: async ({ sql }) => {
      await sql('create table visits (page text)');
      await sql('alter table visits replica identity full');
    },
  },
  {
    name: 'long values stored out of line',
    ...{ check: 'toast', object: 'public.items' },
    plant: ({ sql }) =>
      sql(
        `insert into items (id, code, note) select 1, 'a', string_agg(md5(n::text), '') from generate_series(1, 1000) n`,
      ),
    undo: async ({ sql }) => {
      await sql('alter table items replica identity default');
      await sql('truncate items');
    },
  },
  {
    name: 'an unlogged table',
    ...{ check: 'unlogged-tables', object: 'public.sessions', ...dropped('sessions') },
    plant: ({ sql }) => sql('create unlogged table sessions (id int primary key)'),
  },
  {
    name: 'a stored generated column',
    ...{ check: 'generated-columns', object: 'public.carts (doubled)' },
    plant: ({ sql }) => sql('alter table carts add column doubled int generated always as (id * 2) stored'),
    undo: async ({ sql }) => {
      await sql('alter table carts drop column doubled');
      await sql('alter publication diptych_change set (publish_generated_columns = none)');
    },
  },
  {
    name: 'a virtual generated column',
    ...{ check: 'generated-columns', object: 'public.carts (Tripled)' },
    plant: async ({ sql }) => {
      await sql('alter publication diptych_change set (publish_generated_columns = stored)');
      await sql('alter table carts add column "Tripled" int generated always as (id * 3) virtual');
    },
    undo: async ({ sql }) => {
      await sql('alter table carts drop column "Tripled"');
      await sql('alter publication diptych_change set (publish_generated_columns = none)');
    },
  },
  {
    name: 'a trigger that writes',
    ...{ check: 'triggers', object: 'public.carts Write it down' },
    plant: async ({ sql }) => {
      await sql(`create function write_it_down() returns trigger language plpgsql as
        $$ begin insert into items (id, code) values (new.id, 'x') on conflict do nothing; return new; end $$`);
      await sql(
        `create trigger "Write it down" after insert on carts for each row execute function write_it_down()`,
      );
    },
    undo: ({ sql }) => sql('drop function write_it_down cascade'),
  },
  {
    name: 'a chosen key that the row before does not have',
    ...{ check: 'key-columns', object: 'public.items.code' },
    settings: { DIPTYCH_CHANGE_KEY_COLUMNS: 'public.items.code' },
    plant: async () => {},
    undo: ({ sql }) => sql('alter table items replica identity default'),
  },
  {
    name: 'a table that may not be read',
    ...{ check: 'reading', object: 'public.carts' },
    plant: ({ sql, role }) => sql(`revoke select on carts from ${role}`),
  },
  {
    name: 'a schema that may not be used',
    ...{ check: 'reading', object: 'public.items' },
    plant: ({ sql }) => sql('revoke usage on schema public from public'),
    undo: async ({ sql, role }) => {
      await sql('grant usage on schema public to public');
      await sql(`revoke usage on schema public from ${role}`);
    },
  },
  {
    name: 'rows that a policy hides',
    ...{ check: 'reading', object: 'public.carts' },
    plant: ({ sql }) => sql('alter table carts enable row level security'),
    undo: async ({ sql, role }) => {
      await sql('alter table carts disable row level security');
      await sql(`alter role ${role} nobypassrls`);
    },
  },
  {
    name: 'an outbox without its payload',
    ...{ check: 'outbox-columns', object: 'public.outbox.payload' },
    plant: ({ sql }) => sql('alter table outbox drop column payload'),
  },
];
