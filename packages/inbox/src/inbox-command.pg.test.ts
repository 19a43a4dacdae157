/** What an operator does about parked events, and what is forgotten in time. */
import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { testDatabase } from '@diptych/testkit/for-tests';
import type { Pool } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runInboxCommand } from './inbox-command.ts';
import { notePool } from './inbox-for-tests.ts';
import { createInbox } from './inbox-table.ts';
import { behindParked, nextDecided, park, parkedKeys, settle } from './parked-events.ts';
import { forgetOld } from './retention.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;
const place = { group: 'g', topic: 't', partition: 0 };

beforeEach(async () => {
  database = await testDatabase();
  pool = notePool(database.url);
  await createInbox(pool);
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

/** Ids count from 1. */
async function parkOne(offset: bigint, key: string | null, reason = 'handler-failed'): Promise<void> {
  const headers = new Map([
    ['id', randomUUID()],
    ['eventType', 'Noted'],
  ]);
  const record = {
    ...{ topic: 't', partition: 0, offset, headers, timestampMs: 0 },
    ...{ key: key === null ? null : Buffer.from(key), value: Buffer.from('{"card":4111}') },
  };
  await park(pool, { group: 'g', record, why: { reason, detail: 'it fails\0', attempts: 5 } });
}

async function run(...args: string[]): Promise<string> {
  const out = new PassThrough();
  await runInboxCommand(args, { database: pool, group: 'g', out });
  return String(out.read() ?? '');
}

test('what is parked is listed with its reason and without its value', async () => {
  await parkOne(5n, 'a');
  await parkOne(6n, 'a', behindParked);
  const text = await run('parked');
  expect(text).toContain(
    '1  t/0/5  key a  Noted  handler-failed: it fails\n2  t/0/6  key a  Noted  behind-parked',
  );
  expect(text).not.toContain('4111');
  expect(JSON.parse(await run('parked', '--json'))).toMatchObject([
    { id: '1', topic: 't', partition: 0, offset: '5', key: 'a', type: 'Noted', attempts: 5, decision: null },
    { id: '2', reason: 'behind-parked' },
  ]);
});

test('only the first of a key is decided about; then what stands behind it follows by itself', async () => {
  await parkOne(5n, 'a');
  await parkOne(6n, 'a', behindParked);
  await parkOne(7n, 'b');
  expect(await nextDecided(pool, place)).toBeNull();
  await expect(run('release', '2')).rejects.toMatchObject({ code: 'parked-record-refused' });
  await expect(run('release', '9')).rejects.toMatchObject({ code: 'parked-record-refused' });
  await run('discard', '1', '--reason', 'it was a test');
  expect(await nextDecided(pool, place)).toMatchObject({ id: 1n, decision: 'discard' });
  expect(await settle(pool, 1n)).toBe(true);
  expect(await settle(pool, 1n)).toBe(false);
  expect(await nextDecided(pool, place)).toMatchObject({ id: 2n, decision: null });
  await settle(pool, 2n);
  expect(await nextDecided(pool, place)).toBeNull();
  expect((await parkedKeys(pool, { ...place, limit: 9 })).map(String)).toEqual(['b']);
});

test('an event without a key stands behind nobody', async () => {
  await parkOne(5n, null);
  await parkOne(6n, null);
  await run('release', '2');
  expect(await nextDecided(pool, place)).toMatchObject({ id: 2n });
  expect(await parkedKeys(pool, { ...place, limit: 9 })).toEqual([]);
});

test.each([
  [],
  ['parked', 'all'],
  ['release'],
  ['release', 'x'],
  ['discard', '1'],
  ['remove', '1'],
  ['parked', '--yaml'],
])('what is no command is refused with the usage: %s %s', async (...args) => {
  await expect(run(...args.filter((arg) => arg !== undefined))).rejects.toMatchObject({
    code: 'configuration-invalid',
    message: expect.stringContaining('usage: inbox parked'),
  });
});

test('handled and settled events are forgotten when they are old enough, those that wait never', async () => {
  await pool.query(`insert into inbox (consumer, event_id, received_at)
    select 'c', gen_random_uuid(), now() - n * interval '1 day' from generate_series(0, 9) n`);
  await pool.query(`insert into inbox (consumer, event_id, received_at)
    select 'other', gen_random_uuid(), now() - interval '99 days'`);
  for (const offset of [1n, 2n]) await parkOne(offset, 'a');
  await pool.query(`update inbox_parked set parked_at = now() - interval '99 days'`);
  await pool.query(`update inbox_parked set settled_at = now() - interval '99 days' where id = 1`);
  const keepMs = 4.5 * 24 * 3600 * 1000;
  expect(await forgetOld(pool, { group: 'g', consumer: 'c', keepMs })).toBe(6);
  const { rows } = await pool.query('select consumer, count(*)::int as n from inbox group by 1 order by 1');
  expect(rows).toEqual([
    { consumer: 'c', n: 5 },
    { consumer: 'other', n: 1 },
  ]);
  expect((await pool.query('select id from inbox_parked')).rows).toEqual([{ id: '2' }]);
});
