import { expect, test } from 'vitest';
import { advance, append, isDue, noSnapshots, startOver, without } from './log.ts';

const asked = (name: string) => ({ schema: 'public', name, where: null });
const begun = append(noSnapshots, { id: 's1', kind: 'incremental', tables: [asked('a'), asked('b')] });
const tableOf = (log: typeof begun, index = 0) => {
  const table = log.tables[index];
  if (!table) throw new Error('no such table');
  return table;
};

test('tables are read one after another, and leave the log when they are done', () => {
  const step = { key: ['id'], shape: '7 1.23', last: ['9'], rows: 9, isLast: false };
  const some = advance(begun, { table: tableOf(begun), step });
  expect(some).toMatchObject({
    sequence: 9,
    tables: [
      { name: 'a', after: ['9'], rows: 9 },
      { name: 'b', rows: 0 },
    ],
  });
  const done = advance(some, {
    table: tableOf(some),
    step: { key: ['id'], shape: '7 1.23', last: null, rows: 0, isLast: true },
  });
  expect(done).toMatchObject({ sequence: 9, tables: [{ name: 'b' }] });
});

test('what is asked for later is read later, also the same table again', () => {
  const twice = append(begun, { id: 's2', kind: 'incremental', tables: [asked('a')] });
  expect(twice.tables.map(({ id, name }) => `${id} ${name}`)).toEqual(['s1 a', 's1 b', 's2 a']);
});

test('places are never given twice, also when a table is read from its beginning', () => {
  const step = { key: ['id'], shape: '7 1.23', last: ['9'], rows: 9, isLast: false };
  const some = advance(begun, { table: tableOf(begun), step });
  const anew = startOver(some, tableOf(some));
  expect(anew).toMatchObject({ sequence: 9, tables: [{ after: null, key: null, shape: null, rows: 0 }, {}] });
});

test('without tables nothing is due, and nothing stays paused', () => {
  expect(isDue(begun)).toBe(true);
  const paused = { ...begun, paused: true };
  expect(isDue(paused)).toBe(false);
  const none = without(paused, () => true);
  expect(isDue(none)).toBe(false);
  expect(none.paused).toBe(false);
});
