import { testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import { quoteIdentifier } from '@diptych/wal/catalogue';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfiguration } from '../configuration.ts';
import { privilegeScript } from './privilege-script.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let sql: pg.Client;
const prefix = testPrefix();
/** Names that would break out of SQL that does not quote. */
const role = `${prefix} ";\ndrop table outbox; --`;
const schema = 'Sch"ema';
const table = `it's "a" table; --`;

beforeAll(async () => {
  database = await testDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  await sql.query(`create schema ${quoteIdentifier(schema)}`);
  await sql.query(
    `create table ${quoteIdentifier(schema)}.${quoteIdentifier(table)} (id int primary key) partition by range (id);
     create table ${quoteIdentifier(schema)}."part one" partition of ${quoteIdentifier(schema)}.${quoteIdentifier(table)} default;
     create table public.outbox (id uuid primary key);`,
  );
});

afterAll(async () => {
  await sql.query(`drop owned by ${quoteIdentifier(role)}; drop role ${quoteIdentifier(role)}`);
  await sql.end();
  await database.drop();
});

const script = () =>
  privilegeScript({
    role,
    configuration: readConfiguration({
      file: undefined,
      environment: {
        DIPTYCH_DATABASE_URL: database.url,
        DIPTYCH_KAFKA_BROKERS: 'nobody:1',
        DIPTYCH_SLOT: prefix,
        DIPTYCH_OUTBOX_PUBLICATION: `${prefix}_outbox`,
        DIPTYCH_CHANGE_PUBLICATION: `${prefix}_change`,
      },
    }),
  });

test('the script, run as it is, makes a role that reads the tables and writes none, whatever they are called', async () => {
  const text = await script();
  expect((await sql.query('select from pg_roles where rolname = $1', [role])).rowCount).toBe(0);
  await sql.query(text);
  const { rows } = await sql.query(
    `select rolreplication, rolcanlogin, rolsuper or rolcreatedb or rolcreaterole or rolbypassrls as powers,
       bool_and(has_table_privilege(rolname, c.oid, 'select')) as reads,
       bool_or(has_table_privilege(rolname, c.oid, 'insert, update, delete, truncate, references, trigger')) as writes
     from pg_roles, pg_class c join pg_namespace n on n.oid = c.relnamespace
     where rolname = $1 and n.nspname in ('public', $2) and c.relkind in ('r', 'p') group by rolname, 1, 2, 3`,
    [role, schema],
  );
  const powers = { rolreplication: true, rolcanlogin: true, powers: false };
  expect(rows).toEqual([{ ...powers, reads: true, writes: false }]);
  const published = await sql.query(
    'select pubname, schemaname, tablename from pg_publication_tables order by 1',
  );
  expect(published.rows).toEqual([
    { pubname: `${prefix}_change`, schemaname: schema, tablename: 'part one' },
    { pubname: `${prefix}_outbox`, schemaname: 'public', tablename: 'outbox' },
  ]);
});

test('what is there already is left out, so that it can be run again after a new table', async () => {
  const again = await script();
  expect(again).not.toMatch(/create (role|publication)/);
  await sql.query('create table later (id int primary key)');
  const text = await script();
  expect(text).toContain('add table "public"."later"');
  await sql.query(text);
  expect(await script()).not.toContain('add table');
});
