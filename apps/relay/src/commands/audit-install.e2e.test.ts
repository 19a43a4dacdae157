/** `diptych audit install`: who wrote a transaction goes from the session through WAL and END into the leak report. */
import type { LeakShape } from '@diptych/compare/audit';
import { openSlotForTests, readSlotForTests } from '@diptych/pgoutput/read-slot-for-tests';
import { testPrefix } from '@diptych/testkit/for-tests';
import { sayContextSql } from '@diptych/wal/writer-context';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RelayUnderTest } from '../relay-under-test.ts';
import { install, installStatements, uninstall } from './audit-install.ts';
import { auditPanels } from './comparison-commands.ts';

let relay: RelayUnderTest;
/** Another role, which may not emit messages, and whose search_path leads astray. */
let writer: pg.Client;
const user = `wri'ter " ${testPrefix()}`;
const role = pg.escapeIdentifier(user);

beforeAll(async () => {
  relay = await RelayUnderTest.create();
  await relay.sql.query(`
    create table "strange "" schema.table" (id int primary key);
    create table parts (id int, at date, primary key (id, at)) partition by range (at);
    create table parts_2026 partition of parts for values from ('2026-01-01') to ('2027-01-01');
    revoke execute on function pg_logical_emit_message(bool, text, text, bool) from public;
    create role ${role} login password 'secret' in role pg_write_all_data, pg_read_all_data;
    create schema astray;
    create function astray.current_setting(text, bool) returns text language sql as $$ select 1/0 $$;
    grant usage on schema astray to public`);
  const { hostname, port, pathname } = new URL(relay.configuration.database.url);
  writer = new pg.Client({
    ...{ host: hostname, port: Number(port), database: pathname.slice(1), password: 'secret' },
    ...{ user, application_name: 'nightly "job"' },
    options: '-c search_path=astray,public,pg_catalog',
  });
  await writer.connect();
  await relay.initialise();
});

afterAll(async () => {
  await writer?.end();
  await relay?.sql.query(`drop role ${role}`);
  await relay?.close();
});

test('triggers come to every audited table, new ones and partitions too, once, and go again', async () => {
  const tables = ['public.carts', 'public.parts', 'public.parts_2026', 'public.strange " schema.table'];
  expect((await installStatements(relay.configuration)).join('\n')).toContain(
    '"public"."strange "" schema.table"',
  );
  const { rows } = await relay.sql.query(`select from pg_trigger where tgname = 'diptych_context'`);
  expect(rows).toHaveLength(0);
  expect(await install(relay.configuration)).toEqual({ changed: tables, unchanged: [], busy: [] });
  await relay.sql.query('create table later (id int primary key)');
  expect(await install(relay.configuration)).toEqual({
    changed: ['public.later'],
    unchanged: tables,
    busy: [],
  });
  const other = new pg.Client(relay.configuration.database.url);
  await other.connect();
  await other.query('begin; lock table later');
  expect((await uninstall(relay.configuration)).busy).toEqual(['public.later']);
  await other.end();
  expect((await uninstall(relay.configuration)).changed).toEqual(['public.later']);
  expect(await uninstall(relay.configuration)).toEqual({ changed: [], unchanged: [], busy: [] });
  const { rows: left } = await relay.sql.query(`select to_regnamespace('diptych_audit') as schema`);
  expect(left).toEqual([{ schema: null }]);
});

test('a transaction says once who writes it, whatever its role and search_path, and the leak report names the writer', async () => {
  const slot = testPrefix();
  const admin = new pg.Client(relay.configuration.database.url);
  await admin.connect();
  await openSlotForTests(admin, slot);
  const said = async (client: pg.Client, statements: string): Promise<number> => {
    await client.query(statements);
    const messages = await readSlotForTests(admin, slot);
    return messages.filter(({ bytes }) => bytes[0] === 0x4d && bytes.includes('diptych.context')).length;
  };
  await install(relay.configuration);
  const running = relay.start();
  const event = `insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', '1', 'CartOpened', '{}')`;
  expect(
    await said(relay.sql, `begin; insert into carts values (1); ${event}; ${sayContextSql}; commit`),
  ).toBe(1);
  expect(await said(writer, `begin; insert into carts values (2); update carts set note = 'x'; commit`)).toBe(
    1,
  );
  expect(
    await said(
      writer,
      `begin; savepoint a; insert into carts values (3); rollback to a;
    insert into carts values (4); delete from carts where id = 4; commit`,
    ),
  ).toBe(1);
  expect(await said(writer, `update carts set note = 'y' where id = 99`)).toBe(0);
  expect(await said(writer, `insert into parts values (1, '2026-05-05')`)).toBe(1);
  expect(await said(writer, `insert into parts_2026 values (2, '2026-05-05')`)).toBe(1);
  // What is no context tells nothing, and stops nobody.
  await uninstall(relay.configuration);
  await relay.sql.query(`begin; select pg_logical_emit_message(true, 'diptych.context', 'no JSON');
    insert into carts values (5); commit; insert into carts values (6)`);
  await admin.query(`select pg_drop_replication_slot('${slot}')`);
  await admin.end();
  await relay.caughtUp();
  await running.stop();
  let out = '';
  const report = { configuration: relay.configuration, out: { write: (text: string) => (out += text) } };
  await auditPanels({ ...report, json: true });
  const { audit } = JSON.parse(out);
  const client = expect.stringMatching(/^[0-9.:a-f]+$/);
  const written = { writer: { application: 'nightly "job"', user, client }, transactions: 1 };
  expect(audit.shapes).toContainEqual(expect.objectContaining({ writers: [written] }));
  const writers = audit.shapes.flatMap((shape: LeakShape) => shape.writers);
  expect(writers).toContainEqual({ writer: null, transactions: 2 });
  out = '';
  await auditPanels(report);
  expect(out).toContain(`writer: nightly "job" as ${user} from `);
  expect(out).toContain('writer: unknown (2)');
});
