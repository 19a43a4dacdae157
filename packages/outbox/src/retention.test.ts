import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dayMs, type Partition, parseDuration, planRetention } from './retention.ts';

const nowMs = Date.UTC(2026, 10, 21, 14);
const day = (offset: number, days = 1): Partition => {
  const fromMs = Date.UTC(2026, 10, 21) + offset * dayMs;
  return { name: `public.d${offset}`, fromMs, toMs: fromMs + days * dayMs, isDefault: false, bytes: 0n };
};
const anything: Partition = { name: 'public.rest', fromMs: null, toMs: null, isDefault: true, bytes: 0n };
const plan = (partitions: readonly Partition[], { keep = 30, ahead = 2 } = {}) =>
  planRetention({ table: 'outbox', partitions, nowMs, keepMs: keep * dayMs, aheadMs: ahead * dayMs });

test('a partition is made for today and each day ahead that has none', () => {
  expect(plan([day(1), anything]).create).toEqual([
    { name: 'outbox_p20261121', from: '2026-11-21', to: '2026-11-22' },
    { name: 'outbox_p20261123', from: '2026-11-23', to: '2026-11-24' },
  ]);
});

test('a day that is covered in part is left to who made it so', () => {
  expect(plan([day(-3, 5)]).create.map(({ from }) => from)).toEqual(['2026-11-23']);
  expect(plan([{ ...day(0), toMs: null }]).create).toEqual([]);
});

test('only what ended before the time that is to be kept is expired, and never the default partition', () => {
  const partitions = [day(-31), day(-30), day(-29), { ...day(-40), toMs: null }, anything];
  expect(plan(partitions).expired.map(({ name }) => name)).toEqual(['public.d-31']);
  expect(plan(partitions, { keep: 29 }).expired.map(({ name }) => name)).toEqual([
    'public.d-31',
    'public.d-30',
  ]);
});

test('whatever there is, what is made overlaps nothing, and nothing that is kept is expired', () => {
  const partition = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: 1, max: 3 }));
  fc.assert(
    fc.property(
      fc.array(partition),
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 9 }),
      (given, keep, ahead) => {
        const partitions = given.map(([offset, days]) => day(offset, days));
        const { create, expired } = plan(partitions, { keep, ahead });
        for (const { from, to } of create) {
          const overlapping = partitions.filter(
            ({ fromMs, toMs }) => Number(fromMs) < Date.parse(to) && Number(toMs) > Date.parse(from),
          );
          expect(overlapping).toEqual([]);
        }
        for (const { toMs } of expired) expect(Number(toMs)).toBeLessThanOrEqual(nowMs - keep * dayMs);
      },
    ),
  );
});

test.each([
  ['30d', 30 * dayMs],
  ['12h', dayMs / 2],
  ['0d', 0],
  ['30', undefined],
  ['-1d', undefined],
])('%s is %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});
