import { expect, test } from 'vitest';
import { Fold, type FoldedRow, snapshotOf } from './fold.ts';

const row = (id: number, version = 1): FoldedRow => ({ id, kind: 'k', note: null, amount: '1.00', version });
const event = (
  op: string,
  { before = null, after = null }: { before?: FoldedRow | null; after?: FoldedRow | null },
) => JSON.stringify({ op, before, after });

test('the last word on each row counts, in whatever order others come', () => {
  const topic = new Fold();
  topic.take(event('r', { after: row(1) }), 's');
  topic.take(event('u', { after: row(1, 2) }), null);
  topic.take(event('r', { after: row(200_000) }), 's');
  topic.take(event('d', { before: row(200_000) }), null);
  const table = new Fold();
  table.set(row(1, 2));
  expect(topic.differences(table)).toEqual({ count: 0, first: [] });
  table.set(row(1, 3));
  table.set(row(7));
  expect(topic.differences(table)).toEqual({ count: 2, first: [1, 7] });
  expect(table.differences(topic).count).toBe(2);
});

test('a row that one snapshot brings twice is counted; two snapshots may bring it', () => {
  const topic = new Fold();
  for (const snapshot of ['a', 'b', 'a']) topic.take(event('r', { after: row(700_000) }), snapshot);
  expect(topic.repeated).toBe(1);
});

test('the snapshot is read from the printed headers', () => {
  expect(snapshotOf('diptych-tx:1-0-0-1-0-5,diptych-snapshot:abc-1')).toBe('abc-1');
  expect(snapshotOf('diptych-tx:1-0-7-1-0-5')).toBeNull();
});
