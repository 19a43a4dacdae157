import { expect, test } from 'vitest';
import { joinedForTests } from './joined-for-tests.ts';
import { KnownRows } from './known-rows.ts';
import { describeChange } from './pair.ts';
import type { TestChange } from './panels-for-tests.ts';

const row = (op: 'c' | 'u' | 'd', id: number, columns: object = {}): TestChange => ({
  table: 'notes',
  op,
  key: { id },
  ...(op === 'd' ? { before: { id } } : { after: { id, ...columns } }),
});

function told(changes: readonly TestChange[], options: { rowsMax?: number } = {}): string[] {
  const known = new KnownRows(options);
  return joinedForTests(changes.map((change, at) => ({ at, changes: [change] })))
    .flatMap((transaction) => known.complete(transaction).changes)
    .map(describeChange);
}

test('an update of a row that was seen shows what changed in it', () => {
  const changes = [
    row('c', 1, { text: 'a', more: 'x' }),
    row('u', 1, { text: 'b', more: 'x' }),
    row('u', 1, { text: 'c' }),
  ];
  expect(told(changes).slice(1)).toEqual(['notes  u  id=1  text a → b', 'notes  u  id=1  text b → c']);
});

test('a row that was deleted, truncated or forgotten is not known any more', () => {
  const created = row('c', 1, { text: 'a' });
  const updated = row('u', 1, { text: 'b' });
  const unknown = 'notes  u  id=1  text=b';
  expect(told([updated])).toEqual([unknown]);
  expect(told([created, row('d', 1), updated]).at(-1)).toBe(unknown);
  expect(told([created, { table: 'notes', op: 't' }, updated]).at(-1)).toBe(unknown);
  expect(told([created, row('c', 2), updated], { rowsMax: 1 }).at(-1)).toBe(unknown);
});
