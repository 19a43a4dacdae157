import { testDatabase } from '@diptych/testkit/for-tests';
import type { Pool, PoolClient } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { notePool, untilTrue } from './inbox-for-tests.ts';
import { createInbox } from './inbox-table.ts';
import {
  advance,
  CommittedLateError,
  claimPosition,
  FencedError,
  forgetPositions,
  type Position,
  readPosition,
} from './positions.ts';
import { inTransaction } from './transaction.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;
const place = { group: 'g', topic: 't', partition: 0 };
const begin = { topicId: 'id', nextOffset: 7n };

beforeEach(async () => {
  database = await testDatabase();
  pool = notePool(database.url);
  await createInbox(pool);
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

async function claim(member: string, seen?: Position | null): Promise<Position> {
  const read = seen === undefined ? await readPosition(pool, place) : seen;
  const position = await claimPosition(pool, { ...place, seen: read, begin, member });
  if (!position) throw new Error('somebody else was first');
  return position;
}

const move = (held: Position, nextOffset: bigint, work?: (tx: PoolClient) => Promise<void>) =>
  inTransaction(pool, async (tx) => {
    await advance(tx, { ...place, epoch: held.epoch }, { from: held.nextOffset, to: nextOffset });
    await work?.(tx);
  });

test('who claims after somebody has the position that they left, and they can move it no more', async () => {
  const first = await claim('first');
  expect(first.nextOffset).toBe(7n);
  await move(first, 9n);
  const second = await claim('second');
  expect(second).toMatchObject({ nextOffset: 9n, epoch: first.epoch + 1n });
  await expect(move(first, 10n)).rejects.toThrow(FencedError);
  await move(second, 12n);
  expect((await readPosition(pool, place))?.nextOffset).toBe(12n);
});

test('of two that have seen the same epoch one claims', async () => {
  const seen = await claim('first');
  await claim('second', seen);
  expect(await claimPosition(pool, { ...place, seen, begin, member: 'late' })).toBeNull();
  expect(await claimPosition(pool, { ...place, seen: null, begin, member: 'late' })).toBeNull();
});

test('a claim waits for the transaction that is under way, and goes on behind it', async () => {
  const first = await claim('first');
  const claimed = Promise.withResolvers<Position>();
  await move(first, 8n, async () => {
    claim('second', first).then(claimed.resolve, claimed.reject);
    await untilTrue('the claim waits', async () => {
      const waiting = await pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return waiting.rowCount === 1;
    });
  });
  expect((await claimed.promise).nextOffset).toBe(8n);
});

test('what is done again while its COMMIT is on its way is not done twice', async () => {
  const held = await claim('one');
  const again = Promise.withResolvers<void>();
  await move(held, 8n, async () => {
    move(held, 8n).then(again.resolve, again.reject);
    await untilTrue('the other one waits', async () => {
      const waiting = await pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return waiting.rowCount === 1;
    });
  });
  await expect(again.promise).rejects.toThrow(CommittedLateError);
  expect((await readPosition(pool, place))?.nextOffset).toBe(8n);
});

test('a position that was forgotten is held by nobody who held it before', async () => {
  const before = await claim('before');
  expect(await forgetPositions(pool, place)).toBe(1);
  await expect(move(before, 8n)).rejects.toThrow(FencedError);
  const anew = await claim('anew');
  expect(anew.nextOffset).toBe(7n);
  expect(anew.epoch > before.epoch).toBe(true);
  await expect(move(before, 8n)).rejects.toThrow(FencedError);
});

test('a transaction that stands still is ended by the server, and its locks with it', async () => {
  const stuck = inTransaction(
    pool,
    async (tx) => {
      await tx.query('select pg_advisory_xact_lock(1)');
      await untilTrue('its lock is free', async () => {
        const { rows } = await pool.query<{ free: boolean }>('select pg_try_advisory_lock(1) as free');
        return rows[0]?.free ?? false;
      });
    },
    { idleMsMax: 200 },
  );
  await expect(stuck).rejects.toMatchObject({ code: '25P03' });
});
