/** `change.partitions: root`: a partitioned table speaks as one table, when it is read, written, moved in and emptied. */
import type { IncomingRecord } from '@diptych/kafka/record';
import { poll } from '@diptych/runtime/poll';
import { afterEach, expect, test } from 'vitest';
import { RelayUnderTest, type RunningRelay } from './relay-under-test.ts';
import { ask, bodyOf, completed, fold, words } from './snapshot/snapshot-under-test.ts';

let relay: RelayUnderTest;
afterEach(() => relay.close());

const partitioned = `create table days (id int, day int, note text, primary key (id, day)) partition by range (day);
  create table days_1 partition of days for values from (0) to (10);
  create table days_2 (note text, day int not null, id int not null, primary key (id, day));
  alter table days attach partition days_2 for values from (10) to (20)`;

const opsOf = (records: readonly IncomingRecord[]) =>
  records.map((record) => (record.value === null ? '-' : bodyOf(record).op)).join('');

test('a table is read and streamed as its root, and as its partitions once the setting says so', async () => {
  relay = await RelayUnderTest.create({
    DIPTYCH_CHANGE_PARTITIONS: 'root',
    DIPTYCH_SNAPSHOT_MODE: 'initial',
    DIPTYCH_SNAPSHOT_CHUNK_ROWS_MAX: '50',
  });
  await relay.sql.query(
    `${partitioned}; insert into days select i, i % 20, 'old' from generate_series(1, 130) i`,
  );
  const running = async (settings: Parameters<RelayUnderTest['start']>[0] = {}): Promise<RunningRelay> => {
    const started = relay.start(settings);
    await relay.active(started);
    return started;
  };
  const active = await running();
  await poll(async () => (await words(relay)).some(({ status }) => status === 'completed') || undefined, {
    ...{ what: 'the tables are read', timeoutMs: 120_000 },
  });
  const days = () => relay.records(relay.topicOf('days'));
  expect(opsOf(await days())).toBe('r'.repeat(130));
  // A row that moves to another partition is one that is gone and one that came.
  await relay.sql.query(`update days set note = 'new' where id = 1; update days set day = 15 where id = 2;
    delete from days where id = 3; insert into days_2 (id, day) values (500, 11)`);
  const asTable = async () =>
    (await relay.sql.query('select id, day, note from days order by id')).rows as Record<string, unknown>[];
  const asTopic = async () =>
    [...fold(await days()).values()].toSorted((one, other) => Number(one.id) - Number(other.id));
  await relay.caughtUp();
  expect(await asTopic()).toEqual(await asTable());
  const changes = (await days()).filter((record) => record.value !== null && bodyOf(record).op !== 'r');
  expect(new Set(changes.map((record) => bodyOf(record).source.table))).toEqual(new Set(['days']));
  const read = await ask(relay, { command: 'start', tables: ['public.days'], where: 'id <= 60' });
  expect(read.tables).toEqual(['public.days']);
  await completed(relay, read.id ?? '');
  expect(await asTopic()).toEqual(await asTable());
  await relay.sql.query('truncate days');
  await relay.caughtUp();
  expect(await asTopic()).toEqual([]);
  // A transaction that was written before the setting changes, and read after it, is one of its time.
  await active.stop();
  await relay.sql.query('insert into days values (600, 1)');
  const change = { ...relay.configuration.change, partitions: 'leaf' as const };
  const again = await running({ change });
  await relay.sql.query('insert into days values (601, 2)');
  await relay.caughtUp();
  await again.stop();
  const created = (await days()).filter((record) => record.value !== null && bodyOf(record).op === 'c');
  const ids = created.map((record) => Number(bodyOf(record).after?.id));
  expect(ids.filter((id) => id >= 600)).toEqual([600]);
  const leaf = await relay.records(relay.topicOf('days_1'));
  expect(leaf.map((record) => String(record.key))).toEqual(['{"id":601,"day":2}']);
});

test('a partition whose replica identity is another one than its root says is refused, each with its statement', async () => {
  relay = await RelayUnderTest.create({ DIPTYCH_CHANGE_PARTITIONS: 'root' });
  await relay.sql.query(`${partitioned}; alter table days replica identity full`);
  await expect(relay.initialise()).rejects.toMatchObject({
    code: 'replica-identity-unusable',
    message: 'no usable replica identity: public.days_1, public.days_2',
    remedy: expect.stringContaining('`alter table "public"."days_2" replica identity full`'),
  });
});
