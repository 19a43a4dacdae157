import type { DataMessage } from '@diptych/pgoutput/message';
import type { Relation } from '@diptych/pgoutput/relation';
import { readRowsOf } from '@diptych/wal/read-rows-for-tests';
import { describe, expect, test } from 'vitest';
import { readRow } from './read-row.ts';
import { Window } from './window.ts';

const relation: Relation = {
  ...{ oid: 7, schema: 'public', table: 'lines', replicaIdentity: 'default' },
  columns: [
    { name: 'note', key: false, typeOid: 25, typeModifier: -1 },
    { name: 'cart', key: true, typeOid: 23, typeModifier: -1 },
    { name: 'line', key: true, typeOid: 23, typeModifier: -1 },
  ],
};
const rowOf = (texts: readonly (string | null)[]) => readRow(readRowsOf([texts]), 0);
const row = (note: string | null, cart: string, line: string) => rowOf([note, cart, line]);
const open = (keysMax = 10) => new Window({ relation, key: ['line', 'cart'], keysMax });

describe('a window', () => {
  test.each<[string, DataMessage]>([
    ['an insert', { tag: 'insert', relation, after: row('a', '1', '2') }],
    ['an update', { tag: 'update', relation, before: null, after: row('a', '1', '2') }],
    ['a delete', { tag: 'delete', relation, before: { tag: 'key', row: row(null, '1', '2') } }],
  ])('knows the row of %s by its key, in the order of the key, and no other', (_what, message) => {
    const window = open();
    window.take(message);
    expect(window.overtook(['2', '1'])).toBe(true);
    expect(window.overtook(['1', '2'])).toBe(false);
    expect(window.overtook(['21', ''])).toBe(false);
  });

  test('knows a row that moved to another key by both', () => {
    const window = open();
    const before = { tag: 'key', row: row(null, '1', '2') } as const;
    window.take({ tag: 'update', relation, before, after: row('a', '1', '3') });
    expect([window.overtook(['2', '1']), window.overtook(['3', '1'])]).toEqual([true, true]);
  });

  test('lets nothing of a table pass that was truncated', () => {
    const window = open();
    window.take({ tag: 'truncate', relations: [relation], cascade: false, restartIdentity: false });
    expect(window.overtook(['2', '1'])).toBe(true);
  });

  test('leaves other tables alone', () => {
    const window = open();
    const other = { ...relation, oid: 8 };
    window.take({ tag: 'insert', relation: other, after: row('a', '1', '2') });
    window.take({ tag: 'truncate', relations: [other], cascade: false, restartIdentity: false });
    expect(window.overtook(['2', '1'])).toBe(false);
  });

  test('is lost when it cannot keep all keys, and when the table has the key no more, or of another type', () => {
    const full = open(2);
    for (const line of ['1', '2', '3']) full.take({ tag: 'insert', relation, after: row('a', '1', line) });
    expect(full.isLost).toBe(true);
    const altered = open();
    const columns = relation.columns.filter(({ name }) => name !== 'line');
    altered.take({ tag: 'insert', relation: { ...relation, columns }, after: rowOf(['a', '1']) });
    expect(altered.isLost).toBe(true);
    const retyped = open();
    const numerics = relation.columns.map((column) => ({ ...column, typeOid: 1700 }));
    retyped.take({
      tag: 'insert',
      relation: { ...relation, columns: numerics },
      after: row('a', '1.0', '2.0'),
    });
    expect(retyped.isLost).toBe(true);
    const widened = open();
    const others = relation.columns.map((column) => (column.key ? column : { ...column, typeOid: 1700 }));
    widened.take({ tag: 'insert', relation: { ...relation, columns: others }, after: row('a', '1', '2') });
    expect([widened.isLost, widened.overtook(['2', '1'])]).toEqual([false, true]);
  });
});
