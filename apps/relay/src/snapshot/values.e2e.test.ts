/** What a snapshot reads is what the stream would bring, and what commits out of sight does not come back old. */
import { poll } from '@diptych/runtime/poll';
import { AbsentStandby } from '@diptych/testkit/absent-standby';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RelayUnderTest } from '../relay-under-test.ts';
import { ask, bodyOf, completed, fold } from './snapshot-under-test.ts';

let relay: RelayUnderTest;
beforeEach(async () => {
  relay = await RelayUnderTest.create();
});
afterEach(() => relay.close());

test('a value that is read is the value that was streamed, digit for digit, whatever the role’s settings are', async () => {
  await relay.sql.query(`
    create type mood as enum ('sad', 'ok'); create type pair as (a int, b text); create domain positive as int check (value > 0);
    create table samples (id int primary key, t timestamp, z timestamptz, d date, i interval, m money, b bytea, f8 float8, f4 float4,
      n numeric, c char(5), flag bool, u uuid, j jsonb, ts text[], e mood, p pair, r int4range, x positive, doubled int generated always as (id * 2) stored)`);
  const role = `snap_${relay.configuration.slot}`;
  await relay.sql.query(`create role ${role} superuser login password 'x';
    alter role ${role} set datestyle = 'German'; alter role ${role} set intervalstyle = 'postgres_verbose';
    alter role ${role} set bytea_output = 'escape'; alter role ${role} set timezone = 'Asia/Tokyo'; alter role ${role} set extra_float_digits = 0`);
  await relay.initialise();
  const url = new URL(relay.configuration.database.url);
  url.username = role;
  url.password = 'x';
  const running = relay.start({ databaseUrl: url.href });
  await relay.active(running);
  await relay.sql.query(`insert into samples values
    (1, '1500-02-03 04:05:06.789012', '0099-12-31 23:59:59+00', '4713-01-01 BC', '1 year 2 mons -3 days 04:05:06.7', 12.34, '\\x00ff10',
     0.1, 1e-30, 12345678901234567890.000100, 'ab', true, '59a42efd-b015-44a9-9dde-cb36d9002425', '{"a": [1, 2.50]}',
     array['x', null, 'y"z'], 'ok', row(1, 'two'), '[1,5)', 7),
    (2, 'infinity', '-infinity', 'infinity', '-00:00:01', -1, '', 'NaN', '-Infinity', 'NaN', '', false, null, 'null', '{}', 'sad', null, 'empty', null)`);
  await relay.caughtUp();
  const { id } = await ask(relay, { command: 'start', tables: ['public.samples'] });
  await completed(relay, id ?? '');
  const bodies = (await relay.records(relay.topicOf('samples'))).map(bodyOf);
  const afterOf = (op: string) =>
    bodies.filter((body) => body.op === op).map(({ after }) => JSON.stringify(after));
  expect(afterOf('r').toSorted()).toEqual(afterOf('c').toSorted());
  expect(afterOf('r')).toHaveLength(2);
  await running.stop();
  await relay.sql.query(`drop role ${role}`);
});

test('a role that only reads takes snapshots; one that may not emit messages does with watermarks none', async () => {
  await relay.sql.query('insert into carts select i from generate_series(1, 500) i');
  await relay.initialise();
  const role = `read_${relay.configuration.slot}`;
  await relay.sql.query(`create role ${role} login replication password 'x'; grant select on all tables in schema public to ${role};
    alter role ${role} set default_transaction_read_only = on`);
  const url = new URL(relay.configuration.database.url);
  url.username = role;
  url.password = 'x';
  const byMessages = relay.start({ databaseUrl: url.href });
  await relay.active(byMessages);
  const first = await ask(relay, { command: 'start', tables: ['public.carts'] });
  await completed(relay, first.id ?? '');
  await byMessages.stop();
  await relay.sql.query(
    'revoke execute on function pg_logical_emit_message(boolean, text, text, boolean) from public',
  );
  const without = relay.start({ databaseUrl: url.href, snapshot: { watermarks: 'none' } });
  await relay.active(without);
  const second = await ask(relay, { command: 'start', tables: ['public.carts'] });
  await completed(relay, second.id ?? '');
  expect(await relay.records(relay.topicOf('carts'))).toHaveLength(1000);
  await without.stop();
  await relay.sql.query(`drop owned by ${role}; drop role ${role}`);
});

test('a commit that is in the stream and waits for a standby is not followed by the row as it was before', {
  timeout: 180_000,
}, async () => {
  await relay.sql.query(
    `insert into carts select i, 'old' from generate_series(1, 300) i; create table other (id int primary key)`,
  );
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  const before = await ask(relay, { command: 'start', tables: ['public.other'] });
  await completed(relay, before.id ?? '');
  const writer = new pg.Client({ connectionString: relay.configuration.database.url });
  await writer.connect();
  const standby = await AbsentStandby.create(relay.configuration.database.url);
  try {
    const waiting = writer.query(`update carts set status = 'new' where id = 150`);
    waiting.catch(() => {});
    await poll(async () => (await relay.records(relay.topicOf('carts'))).length > 0 || undefined, {
      ...{ what: 'the stream has it', timeoutMs: 30_000 },
    });
    const { rows } = await relay.sql.query(`select status from carts where id = 150`);
    expect(rows).toEqual([{ status: 'old' }]);
    const { id } = await ask(relay, { command: 'start', tables: ['public.carts'] });
    await poll(() => (running.board.snapshot ? true : undefined), { what: 'it reads', timeoutMs: 30_000 });
    // Chunks are read again and again meanwhile, and none is published: it would not show what the stream has brought.
    await relay.sql.query('set synchronous_commit = local');
    await relay.sql.query('insert into other values (1)');
    await relay.caughtUp();
    expect(await relay.records(relay.topicOf('carts'))).toHaveLength(1);
    await standby.release();
    await waiting;
    await completed(relay, id ?? '');
  } finally {
    await standby.close();
    await writer.end();
  }
  const folded = fold(await relay.records(relay.topicOf('carts')));
  expect(folded.size).toBe(300);
  expect([...folded.values()].find((row) => row.id === 150)?.status).toBe('new');
  await running.stop();
});
