/** What people ask of snapshots while the relay runs: executed once, by whoever holds the slot. */
import { poll } from '@diptych/runtime/poll';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RelayUnderTest, type RunningRelay } from '../relay-under-test.ts';
import { ask, completed, fold, status, words } from './snapshot-under-test.ts';

let relay: RelayUnderTest;
beforeEach(async () => {
  relay = await RelayUnderTest.create({ DIPTYCH_SNAPSHOT_CHUNK_ROWS_MAX: '50' });
});
afterEach(() => relay.close());

async function running(): Promise<RunningRelay> {
  const started = relay.start();
  await relay.active(started);
  return started;
}

test('several tables are read one after another, with names and keys of any kind, and the condition holds', async () => {
  const odd = `"odd ""schema"`;
  await relay.sql.query(`
    create schema ${odd};
    create type ${odd}."mood!" as enum ('sad', 'ok');
    create table ${odd}."Order; drop" ("a b" int, "C" ${odd}."mood!", note text, primary key ("C", "a b"));
    insert into ${odd}."Order; drop" select i, case when i % 2 = 0 then 'ok' else 'sad' end::${odd}."mood!", 'n' from generate_series(1, 130) i;
    create table tree (id int, part text, primary key (part, id)) partition by list (part);
    create table tree_a partition of tree for values in ('a'); create table tree_b partition of tree for values in ('b');
    insert into tree select i, case when i % 2 = 0 then 'a' else 'b' end from generate_series(1, 20) i`);
  await relay.initialise();
  const active = await running();
  const name = 'odd "schema.Order; drop';
  const { id } = await ask(relay, { command: 'start', tables: [name], where: `"a b" > 10` });
  await completed(relay, id ?? '');
  const topic = `${relay.configuration.prefix}.odd__schema.Order__drop`;
  const rows = [...fold(await relay.records(topic)).values()];
  expect(rows).toHaveLength(120);
  const whole = await ask(relay, { command: 'start', tables: ['public.tree', 'public.carts'] });
  expect(whole.tables).toEqual(['public.tree_a', 'public.tree_b', 'public.carts']);
  await completed(relay, whole.id ?? '');
  expect(fold(await relay.records(relay.topicOf('tree_a'))).size).toBe(10);
  expect(fold(await relay.records(relay.topicOf('tree_b'))).size).toBe(10);
  const said = (await words(relay)).map(({ status, tables, rows: read }) => [status, tables[0] ?? '', read]);
  expect(said).toEqual([
    ['started', name, null],
    ['table-completed', name, 120],
    ['completed', '', null],
    ['started', 'public.tree_a', null],
    ['table-completed', 'public.tree_a', 10],
    ['table-completed', 'public.tree_b', 10],
    ['table-completed', 'public.carts', 0],
    ['completed', '', null],
  ]);
  await active.stop();
});

test('a table without a key, one that is not published and a condition that is no SQL are refused with a remedy', async () => {
  await relay.sql.query('create table bare (a int); alter table bare replica identity full');
  await relay.initialise();
  await relay.sql.query('create schema drizzle; create table drizzle.late (id int primary key)');
  const active = await running();
  const refused = { code: 'snapshot-refused' };
  await expect(ask(relay, { command: 'start', tables: ['public.bare'] })).rejects.toMatchObject({
    ...refused,
    message: 'public.bare has no key to be read by',
    remedy: expect.stringMatching('Add a primary key'),
  });
  await expect(
    ask(relay, { command: 'start', tables: ['public.carts', 'drizzle.late'] }),
  ).rejects.toMatchObject(refused);
  const nonsense = { command: 'start', tables: ['public.carts'], where: 'id is nonsense' } as const;
  await expect(ask(relay, nonsense)).rejects.toMatchObject(refused);
  await expect(ask(relay, { command: 'pause' })).rejects.toMatchObject({ message: 'no table is being read' });
  expect(active.board.role).toBe('active');
  await active.stop();
});

test('paused it reads no further, also in another session; resumed it goes on where it was, and stopped it is over', async () => {
  await relay.sql.query(`insert into carts select i from generate_series(1, 20000) i`);
  await relay.initialise();
  const first = await running();
  const { id } = await ask(relay, { command: 'start', tables: ['public.carts'] });
  await ask(relay, { command: 'pause' });
  expect(first.board.snapshot).toMatchObject({ paused: true, tables: [{ table: 'public.carts' }] });
  expect(await status(relay)).toMatch(/^paused\npublic\.carts {2}\d+ rows/);
  await first.stop();
  const read = (await relay.records(relay.topicOf('carts'))).length;
  expect(read).toBeLessThan(20_000);
  const second = await running();
  // The stream goes on meanwhile.
  await relay.sql.query(`update carts set note = 'streamed' where id = 20000`);
  await relay.caughtUp();
  expect(await relay.records(relay.topicOf('carts'))).toHaveLength(read + 1);
  await ask(relay, { command: 'resume' });
  await poll(async () => (await relay.records(relay.topicOf('carts'))).length > read + 1 || undefined, {
    ...{ what: 'it goes on', timeoutMs: 60_000 },
  });
  await ask(relay, { command: 'stop' });
  expect(second.board.snapshot).toBeNull();
  const records = await relay.records(relay.topicOf('carts'));
  const ids = records
    .filter((record) => record.headers.get('diptych-snapshot') === id)
    .map(({ key }) => String(key));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBeLessThan(20_000);
  await second.stop();
});

test('a condition that fails in the middle ends its own reading, and the stream goes on', async () => {
  await relay.sql.query(`insert into carts select i from generate_series(1, 200) i;
    create function fails_late(id int) returns boolean language plpgsql as
      $$ begin if id > 120 then raise exception 'not this one'; end if; return true; end $$`);
  await relay.initialise();
  const active = await running();
  await ask(relay, { command: 'start', tables: ['public.carts'], where: 'fails_late(id)' });
  const failed = await poll(
    async () => (await words(relay)).find(({ status }) => status === 'table-failed'),
    { what: 'it is given up', timeoutMs: 60_000 },
  );
  expect(failed.tables).toEqual(['public.carts']);
  await relay.sql.query(`update carts set note = 'streamed' where id = 200`);
  await relay.caughtUp();
  expect(active.board.lastError).toBeNull();
  await active.stop();
});

test('a reading that is stopped while no relay runs is over when one does', async () => {
  await relay.sql.query(`insert into carts select i from generate_series(1, 20000) i`);
  await relay.initialise();
  const first = await running();
  await ask(relay, { command: 'start', tables: ['public.carts'] });
  // Killed as far as the reading is concerned: it is in the checkpoint.
  await first.stop();
  expect((await relay.records(relay.topicOf('carts'))).length).toBeLessThan(20_000);
  await expect(ask(relay, { command: 'stop', timeoutMs: 500 })).rejects.toMatchObject({
    code: 'snapshot-command-unanswered',
  });
  const next = await running();
  await poll(() => next.board.snapshot === null || undefined, {
    what: 'the reading is over',
    timeoutMs: 60_000,
  });
  await relay.sql.query(`update carts set note = 'streamed' where id = 20000`);
  await relay.caughtUp();
  await next.stop();
});

test('a command that no relay has executed is kept, and executed once', async () => {
  await relay.sql.query(`insert into carts select i from generate_series(1, 5) i`);
  await relay.initialise();
  const asked = ask(relay, { command: 'start', tables: ['public.carts'], timeoutMs: 1000 });
  await expect(asked).rejects.toMatchObject({ code: 'snapshot-command-unanswered', retry: 'timed' });
  for (let round = 1; round <= 2; round += 1) {
    const active = await running();
    const done = await poll(async () => (await words(relay)).find(({ status }) => status === 'completed'), {
      what: 'it is executed',
      timeoutMs: 60_000,
    });
    expect(done.id).toMatch(/^\w+-\w+$/);
    await active.stop();
  }
  expect(await relay.records(relay.topicOf('carts'))).toHaveLength(5);
});

test('a table that cannot be read any more ends its own reading, and nothing else', async () => {
  await relay.sql.query(`insert into carts select i from generate_series(1, 200) i;
    create table gone (id int primary key); insert into gone select generate_series(1, 20000)`);
  await relay.initialise();
  const active = await running();
  const { id } = await ask(relay, { command: 'start', tables: ['public.gone', 'public.carts'] });
  await relay.sql.query('drop table gone');
  await completed(relay, id ?? '');
  const said = await words(relay);
  expect(said.find(({ status }) => status === 'table-failed')?.tables).toEqual(['public.gone']);
  expect(fold(await relay.records(relay.topicOf('carts'))).size).toBe(200);
  await active.stop();
});
