import { failuresOf } from '@diptych/runtime/verdict';
import { expect, test } from 'vitest';
import { figuresOf, limits } from './figures.ts';
import type { Report } from './report.ts';
import { summaryLines } from './summary.ts';

const reference = {
  transaction: '757:97',
  timeline: 1,
  xid: 757,
  commitLsn: '0/61',
  commitTime: '2026-11-21T07:41:52.669491Z',
};

const clean: Report = {
  horizon: reference,
  transactions: 8,
  events: 8,
  changes: 1,
  audited: ['public.carts'],
  leaks: [],
  driftedCarts: [],
  unproven: [],
  incomplete: [],
  heldBack: 0,
  tooLarge: [],
  repeated: [],
  repeatedCount: 0,
};

test('a clean report is short, and nothing in it fails', () => {
  expect(summaryLines(clean)).toEqual([
    '8 transactions: 8 events, 1 change, compared up to xid 757 at 0/61 (2026-11-21T07:41:52.669491Z)',
    'audited tables: public.carts',
    'leaks: 0',
    'drifted carts: 0',
  ]);
  expect(failuresOf({ figures: figuresOf(clean), limits })).toEqual([]);
});

test('everything that was found is named, and fails unless it is only unproven', () => {
  const found: Report = {
    ...clean,
    leaks: [{ ...reference, tables: ['public.cart_items'], ops: ['u'] }],
    driftedCarts: [
      {
        aggregateType: 'cart',
        id: '101',
        since: reference,
        events: {},
        rows: {},
        differences: [{ fact: 'line banana', events: '2 × 1.00', rows: null }],
      },
    ],
    unproven: [{ aggregateType: 'cart', id: '99', reason: 'beginning-unseen' }],
    incomplete: [{ ...reference, expected: null, got: { events: 1, changes: 2 } }],
    heldBack: 3,
    tooLarge: [reference],
    repeated: [{ ...reference, what: 'repeated', topic: 'a', partition: 1, offset: 7n, ordinal: 1, part: 0 }],
    repeatedCount: 1,
  };
  const text = summaryLines(found).join('\n');
  expect(text).toContain('  xid 757 at 0/61 (2026-11-21T07:41:52.669491Z)  u  public.cart_items');
  expect(text).toContain('    line banana: meant 2 × 1.00, done nothing');
  expect(text).toContain('  cart 99: beginning-unseen');
  expect(text).toContain('1 event and 2 changes of unknown (no END)');
  expect(text).toContain('behind the first incomplete one: 3 transactions');
  expect(text).toContain('  repeated: a, partition 1, offset 7, xid 757');
  const failed = failuresOf({ figures: figuresOf(found), limits }).map(({ what }) => what);
  expect(failed).toEqual(['leaks', 'driftedCarts', 'incomplete', 'tooLarge', 'repeated']);
});

test('long lists end with how many there are', () => {
  const unproven = Array.from({ length: 60 }, (_, id) => ({
    aggregateType: 'cart',
    id: String(id),
    reason: 'beginning-unseen' as const,
  }));
  expect(summaryLines({ ...clean, unproven }).at(-1)).toBe('  … and 10 more');
});
