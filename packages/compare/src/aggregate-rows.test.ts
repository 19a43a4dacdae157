import { expect, test } from 'vitest';
import { AggregateRows } from './aggregate-rows.ts';
import { joinedForTests } from './joined-for-tests.ts';
import type { TestChange } from './panels-for-tests.ts';

function rowsAfter(...changes: TestChange[]): AggregateRows {
  const rows = new AggregateRows();
  for (const { changes: joined } of joinedForTests([{ at: 1, changes }]))
    for (const one of joined) rows.apply(one);
  return rows;
}

test('a TOASTed value that was not sent stays as it was', () => {
  const rows = rowsAfter(
    { table: 'notes', op: 'c', key: { id: 1 }, after: { id: 1, title: 'a', text: 'long' } },
    { table: 'notes', op: 'u', key: { id: 1 }, after: { id: 1, title: 'b' }, unchanged: ['text'] },
  );
  expect(rows.of('public.notes')).toEqual([{ id: 1, title: 'b', text: 'long' }]);
  expect(rows.of('public.others')).toEqual([]);
});

test('rows of a table without a primary key are known by all that they hold', () => {
  const one = { name: 'a', amount: 1 };
  const rows = rowsAfter(
    { table: 'log', op: 'c', after: one },
    { table: 'log', op: 'c', after: { name: 'b', amount: 1 } },
    { table: 'log', op: 'u', before: one, after: { ...one, amount: 2 } },
    { table: 'log', op: 'd', before: { name: 'b', amount: 1 } },
  );
  expect(rows.of('public.log')).toEqual([{ name: 'a', amount: 2 }]);
});
