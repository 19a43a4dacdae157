/** What the registry allows, and when a generation takes the place of the live one. */
import { park } from '@diptych/inbox/parked-events';
import { poll } from '@diptych/runtime/poll';
import { testDatabase } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fingerprint } from './fingerprint.ts';
import { beginGeneration, dropRetired, type Generation, readGenerations, retire } from './generations.ts';
import type { Projection } from './projection.ts';
import {
  advance,
  begin,
  lastWords,
  prepare,
  said,
  topic,
  type WordContract,
} from './projection-for-tests.ts';
import { readStatus } from './status.ts';
import { switchOver } from './switch-over.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: pg.Pool;
beforeEach(async () => {
  database = await testDatabase();
  pool = new pg.Pool({ connectionString: database.url });
  await prepare(pool);
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const ends = async () => [8n];
const trySwitch = () => switchOver(pool, { projection: 'last_words', ends });

async function words(): Promise<string[]> {
  const { rows } = await pool.query<{ word: string }>(
    'select word from projections.last_words order by word',
  );
  return rows.map(({ word }) => word);
}

async function states(): Promise<string[]> {
  return (await readGenerations(pool)).map(({ generation, state }) => `${generation} ${state}`);
}

/** A live generation that is at 3, and one that is building. */
async function twoGenerations(): Promise<[Generation, Generation]> {
  const live = await begin(pool, 'live');
  await advance(pool, live, { events: [said('ann', 1), said('bob', 1), said('ann', 2)], to: 3 });
  return [live, await begin(pool, 'building')];
}

test('readers see the live one until the other has caught up, and then that one, whole', async () => {
  const [live, next] = await twoGenerations();
  expect(await trySwitch()).toEqual({ tag: 'behind', missing: 3n });
  await advance(pool, next, { events: [said('ann', 1)], to: 1 });
  expect(await words()).toEqual(['ann2', 'bob1']);
  const [status] = await readStatus(pool, { ends });
  expect(status).toMatchObject({
    ...{ projection: 'last_words', generation: live.generation, version: 1 },
    positions: [{ topic, partition: 0, nextOffset: 3n }],
    rebuild: { generation: next.generation, passed: 1n, of: 3n, parked: 0 },
  });
  await advance(pool, next, { events: [said('bob', 1), said('ann', 2, 'rebuilt')], to: 3 });
  expect(await trySwitch()).toMatchObject({ tag: 'switched' });
  expect(await words()).toEqual(['bob1', 'rebuilt']);
  expect(await states()).toEqual([`${live.generation} retired`, `${next.generation} live`]);
  expect(await dropRetired(pool, live, { graceMs: 60_000 })).toBe(false);
  expect(await dropRetired(pool, live, { graceMs: 0 })).toBe(true);
  expect(await states()).toEqual([`${next.generation} live`]);
  expect(await trySwitch()).toEqual({ tag: 'nothing' });
});

test('the live one stands still while the other passes it, so that load cannot keep the two apart', async () => {
  const [live, next] = await twoGenerations();
  await advance(pool, next, { to: 2 });
  const switching = trySwitch();
  const waits = async (sql: string) =>
    poll(async () => ((await pool.query(sql)).rowCount ? true : undefined), { what: sql, timeoutMs: 20_000 });
  await waits(
    `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
       and query like '%left join inbox_positions next%' and state like 'idle in transaction%'`,
  );
  const writing = advance(pool, live, { events: [said('ann', 3)], to: 4 });
  await waits(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
  await advance(pool, next, { to: 3 });
  expect(await switching).toMatchObject({ tag: 'switched' });
  await writing;
});

test('it is never switched to what is behind, nor while a transaction has read the views', async () => {
  const [live, next] = await twoGenerations();
  await advance(pool, next, { to: 2 });
  expect(await trySwitch()).toEqual({ tag: 'behind', missing: 1n });
  await advance(pool, next, { to: 5 });
  const reader = await pool.connect();
  await reader.query('begin; select from projections.last_words');
  expect(await trySwitch()).toEqual({ tag: 'in-the-way' });
  expect(await words()).toEqual(['ann2', 'bob1']);
  await reader.query('commit');
  reader.release();
  const both = await Promise.all([trySwitch(), trySwitch()]);
  expect(both.map(({ tag }) => tag).toSorted()).toEqual(['nothing', 'switched']);
  expect((await states())[0]).toBe(`${live.generation} retired`);
});

test('what only the rebuilt one could not apply keeps it from being live', async () => {
  const [live, next] = await twoGenerations();
  await advance(pool, next, { to: 3 });
  const record = {
    topic,
    partition: 0,
    offset: 2n,
    key: null,
    value: null,
    headers: new Map(),
    timestampMs: 0,
  };
  const why = { reason: 'handler-failed', detail: null, attempts: 5 };
  await park(pool, { group: next.group, record, why });
  expect(await trySwitch()).toEqual({ tag: 'parked', events: 1 });
  expect((await readStatus(pool, { ends }))[0]?.rebuild?.parked).toBe(1);
  await park(pool, { group: live.group, record, why });
  expect(await trySwitch()).toMatchObject({ tag: 'switched' });
});

test('in a topic that was made anew the end of the topic counts, not the offsets of the one before', async () => {
  const [, next] = await twoGenerations();
  await advance(pool, next, { to: 7, topicId: 'another' });
  expect(await trySwitch()).toEqual({ tag: 'behind', missing: 1n });
  await advance(pool, next, { to: 8 });
  expect(await trySwitch()).toMatchObject({ tag: 'switched' });
});

test('nobody gets a second live or a second building one; a number is never used again', async () => {
  const [live, next] = await twoGenerations();
  const again = (state: 'live' | 'building') =>
    beginGeneration(pool, { projection: lastWords, state, groupPrefix: 'test' });
  expect(await Promise.all([again('live'), again('building'), again('building')])).toEqual([
    null,
    null,
    null,
  ]);
  const other = await begin(pool, 'live', {
    ...lastWords,
    name: 'others',
    shows: ['others'],
    schema: 'create table others (n int)',
  });
  expect(other.group).toBe(`test.others.${other.generation}`);
  expect(await retire(pool, next)).toBe(true);
  expect(await retire(pool, next)).toBe(false);
  expect(await dropRetired(pool, next, { graceMs: 0 })).toBe(true);
  const third = await begin(pool, 'building');
  expect(third.generation).toBeGreaterThan(next.generation);
  expect(third.group).not.toBe(live.group);
});

test('a generation of another version may show other columns, under the same name', async () => {
  const live = await begin(pool, 'live');
  const schema = `create table last_words (author text, spoken text);
    create view talkers as select author from last_words`;
  const newer: Projection<WordContract> = {
    ...lastWords,
    version: 2,
    schema,
    shows: ['last_words', 'talkers'],
  };
  const next = await begin(pool, 'building', newer);
  expect(await trySwitch()).toMatchObject({ tag: 'switched' });
  expect(
    (await pool.query('select spoken from projections.last_words natural join projections.talkers')).rows,
  ).toEqual([]);
  await dropRetired(pool, { ...live, state: 'retired' }, { graceMs: 0 });
  // And back, as a command of the older service would have it.
  const back = await begin(pool, 'building', { ...lastWords, version: 1 });
  expect(await trySwitch()).toMatchObject({
    tag: 'switched',
    from: { generation: next.generation },
    to: back,
  });
  expect(await words()).toEqual([]);
  expect((await pool.query(`select to_regclass('projections.talkers') as it`)).rows).toEqual([{ it: null }]);
});

test('an event that comes again does nothing, in the same transaction or later; one of a dropped generation stops its inbox', async () => {
  const live = await begin(pool, 'live');
  const events = [said('ann', 1), said('ann', 1), said('bob', 1), said('ann', 2)];
  await advance(pool, live, { events, to: 4 });
  const once = await fingerprint(pool, live);
  await advance(pool, live, { events: [said('ann', 2, 'late'), said('bob', 1)], to: 6 });
  expect(await fingerprint(pool, live)).toBe(once);
  await advance(pool, live, { events: [said('bob', 2)], to: 7 });
  expect(await fingerprint(pool, live)).not.toBe(once);
  expect(await words()).toEqual(['ann2', 'bob2']);
  const unversioned = { ...said('ann', 3), aggregateVersion: null };
  await expect(advance(pool, live, { events: [unversioned], to: 8 })).rejects.toMatchObject({
    code: 'event-malformed',
  });
  await retire(pool, live);
  await dropRetired(pool, { ...live, state: 'retired' }, { graceMs: 0 });
  await expect(advance(pool, live, { events: [said('ann', 3)], to: 9 })).rejects.toMatchObject({
    code: 'projection-replaced',
  });
});
