/** The timeline's tables on a real Postgres: what is asked of them goes through an index, and they stay bounded. */
import { formatPosition } from '@diptych/compare/position';
import { testDatabase } from '@diptych/testkit/for-tests';
import { lsn } from '@diptych/wal/lsn';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import type { Recorded } from './recorded.ts';
import { aggregateOf, TimelineReader } from './timeline-reader.ts';
import { TimelineWriter, timelineSchemaSql } from './timeline-tables.ts';

async function surroundings(keptMax: number) {
  const database = await testDatabase();
  const pool = new pg.Pool({ connectionString: database.url, max: 1 });
  onTestFinished(async () => {
    await pool.end();
    await database.drop();
  });
  await pool.query(timelineSchemaSql);
  const writer = new TimelineWriter({ name: 'console', keptMax });
  const write = async (recorded: readonly Recorded[]): Promise<void> =>
    await writer.write(async (text, values) => await pool.query(text, values), { recorded, releases: [] });
  return { pool, reader: new TimelineReader({ pool, name: 'console' }), write };
}

const positionAt = (at: number): string => formatPosition({ timeline: 1, commitLsn: lsn(BigInt(at) * 256n) });

/** Every thousandth is of one rare cart, and every 2,500th carries no event. */
function recordedAt(at: number): Recorded {
  const id = at % 1000 === 0 ? 'rare' : String(at % 500);
  const isSilent = at % 2500 === 0;
  const commitTime = new Date(1.7e12 + at * 1000).toISOString();
  const event = {
    ordinal: 1,
    id: null,
    type: 'ItemAdded',
    aggregateType: 'cart',
    key: id,
    aggregateVersion: null,
  };
  return {
    item: {
      ...{
        position: positionAt(at),
        transaction: `${at}:${at * 256}`,
        timeline: 1,
        xid: at,
        commitLsn: '0/0',
        commitTime,
      },
      lagMs: 1,
      events: isSilent
        ? []
        : [
            {
              ...event,
              words: 'ItemAdded',
              actor: null,
              reason: null,
              payload: { text: '{}', cut: false },
              released: false,
            },
          ],
      changes: [{ ordinal: 2, table: 'public.carts', op: 'u', key: [], columns: [], words: 'carts u' }],
      ...{ eventCount: 1, changeCount: 1, parkedCount: 0 },
      aggregates: [{ aggregateType: 'cart', id }],
    },
    silent: isSilent ? [{ table: 'public.carts', op: 'u', columns: [], moves: [] }] : null,
    facts: [{ aggregateType: 'cart', id, events: { status: 'open' }, rows: { status: 'open' } }],
  };
}

const recorded = (from: number, count: number): Recorded[] =>
  Array.from({ length: count }, (_, index) => recordedAt(from + index));

test('of 10,000 transactions each question reads few through an index, whatever is filtered by', async () => {
  const { pool, reader, write } = await surroundings(20_000);
  await write(recorded(1, 10_000));
  await pool.query('analyze');
  const asked: { text: string; values: unknown[] }[] = [];
  const watched = new TimelineReader({
    name: 'console',
    pool: {
      query: async (text: string, values: unknown[]) => {
        asked.push({ text, values });
        return await pool.query(text, values);
      },
    } as unknown as pg.Pool,
  });
  const older = { direction: 'older', from: positionAt(7500), limit: 100 } as const;
  const none = { differences: null };
  const xids = async (
    wanted: Parameters<TimelineReader['page']>[0],
    range: Parameters<TimelineReader['page']>[1],
  ) => (await watched.page(wanted, range)).map(({ item }) => item.xid);
  expect(await xids(none, older)).toEqual(Array.from({ length: 100 }, (_, index) => 7499 - index));
  expect(await xids(none, { ...older, direction: 'newer', limit: 2 })).toEqual([7501, 7502]);
  expect(await xids({ ...none, aggregate: 'cart:rare', table: 'public.carts' }, older)).toEqual([
    7000, 6000, 5000, 4000, 3000, 2000, 1000,
  ]);
  expect(await xids({ ...none, type: 'ItemAdded', table: 'public.carts' }, { ...older, limit: 1 })).toEqual([
    7499,
  ]);
  expect(await xids({ differences: [positionAt(10), positionAt(9000)] }, older)).toEqual([5000, 2500, 10]);
  expect(await watched.byXid(77, null)).toBe(positionAt(77));
  expect(await watched.byTime(new Date(1.7e12 + 42_500).toISOString())).toBe(positionAt(42));
  expect(await watched.upTo(formatPosition({ timeline: 1, commitLsn: lsn(300n) }))).toBe(positionAt(1));
  expect(
    (await watched.moments(aggregateOf('cart:rare'), { before: null, limit: 2 })).map(
      ({ sides }) => sides?.rows,
    ),
  ).toEqual([{ status: 'open' }, { status: 'open' }]);
  expect(await watched.aggregates({ aggregateType: 'cart', prefix: '49', countMax: 50 })).toHaveLength(11);
  expect(await watched.known('type', 10)).toEqual(['ItemAdded']);
  for (const { text, values } of asked) {
    const { rows } = await pool.query<{ 'QUERY PLAN': unknown }>(
      `explain (analyze, format json) ${text}`,
      values,
    );
    const plan = JSON.stringify(rows[0]?.['QUERY PLAN']);
    expect(plan, text).not.toContain('Seq Scan');
    // Of 10,000 transactions and 40,000 labels.
    const read = [...plan.matchAll(/"Actual Rows":([\d.]+)/g)].map(([, count]) => Number(count));
    expect(Math.max(...read), text).toBeLessThanOrEqual(600);
  }
  expect(await reader.extent()).toEqual({ count: 10_000, oldest: positionAt(1), newest: positionAt(10_000) });
});

test('what is beyond the bound is forgotten, with all by which it was found', async () => {
  const { pool, reader, write } = await surroundings(100);
  await write(recorded(1, 90));
  await write(recorded(91, 60));
  expect(await reader.extent()).toEqual({ count: 100, oldest: positionAt(51), newest: positionAt(150) });
  // Of a backlog only the end is written.
  await write(recorded(151, 1000));
  const { rows } = await pool.query<{ oldest: string; labels: string }>(
    'select min(position) as oldest, count(distinct position) as labels from diptych_timeline_labels',
  );
  expect(rows).toEqual([{ oldest: expect.stringContaining(positionAt(1051)), labels: '100' }]);
});
