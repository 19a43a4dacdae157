import { expect, test } from 'vitest';
import { joinedForTests } from './joined-for-tests.ts';
import { LeakFinder, type LeakOptions, type LeakReport } from './leaks.ts';
import type { TestTransaction } from './panels-for-tests.ts';
import { legacyWrite, workedExample } from './worked-example-for-tests.ts';

function reportOf(transactions: readonly TestTransaction[], options: LeakOptions = {}): LeakReport {
  const finder = new LeakFinder(options);
  for (const transaction of joinedForTests(transactions)) finder.add(transaction);
  return finder.report();
}

const row = (table: string, op: 'c' | 'u' = 'u') => ({ table, op, key: { id: 1 }, after: { id: 1 } });
const told = { type: 'Told', payload: {} };

test('an ordinary run has no leak', () => {
  expect(reportOf(workedExample)).toEqual({
    audited: ['public.cart_discounts', 'public.cart_items', 'public.carts'],
    leaks: [],
  });
});

test('a write without an event is named to the transaction, even when it came before anything was learned', () => {
  const [opened, ...rest] = workedExample;
  const { leaks } = reportOf([legacyWrite(0), ...(opened ? [opened] : []), ...rest]);
  expect(leaks).toEqual([
    {
      transaction: '1000:4294967296',
      timeline: 1,
      xid: 1000,
      commitLsn: '1/0',
      commitTime: '2026-11-21T07:41:52.669491Z',
      tables: ['public.cart_items'],
      ops: ['u'],
    },
  ]);
});

test('tables that never travel with events are nobody’s leak, unless they are given', () => {
  const transactions = [
    { at: 1, changes: [row('a'), row('b', 'c'), row('b')] },
    { at: 2, changes: [row('c')], events: [told] },
  ];
  expect(reportOf(transactions).leaks).toEqual([]);
  expect(reportOf(transactions, { audited: ['public.b'] })).toMatchObject({
    audited: ['public.b'],
    leaks: [{ tables: ['public.b'], ops: ['c', 'u'] }],
  });
});

test('a parked event was meant: its transaction is no leak', () => {
  expect(
    reportOf([
      { at: 1, changes: [row('a')], events: [told] },
      { at: 2, changes: [row('a')], parked: 1 },
    ]).leaks,
  ).toEqual([]);
});

test('candidates are bounded', () => {
  expect(() => reportOf([legacyWrite(1), legacyWrite(2)], { candidatesMax: 1 })).toThrow(
    'more than 1 transactions',
  );
});
