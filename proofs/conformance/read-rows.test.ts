import { describe, expect, test } from 'vitest';
import { compareTopics } from './compare.ts';
import { declarationOf } from './declared.ts';
import { formsOf } from './forms.ts';
import { judgedValue } from './judge-values.ts';
import type { Observed } from './observed.ts';
import type { Noted } from './oracle.ts';
import { inOrderOf } from './order-of-notes.ts';
import { isPlaceholder } from './placeholder.ts';
import { repeatedRows, streamedKeys } from './read-rows.ts';

const record = (op: string, pk: number, source: Record<string, unknown> = {}): Observed => ({
  topic: 's1.t',
  key: { pk },
  value: { before: null, after: op === 'd' ? null : { pk }, source: { lsn: 1, ...source }, op },
  headers: {},
});

describe('rows that a snapshot read', () => {
  test('are compared by their keys, wherever they stand in the stream, without moment and position', () => {
    const ours = [record('r', 2, { lsn: 10, ts_ms: 1 }), record('c', 3), record('r', 1)];
    const theirs = [record('r', 1, { lsn: 20 }), record('r', 2, { ts_ms: 2 }), record('c', 3)];
    expect(compareTopics(ours, theirs)).toEqual([]);
    expect(compareTopics(ours, theirs.slice(1)).map(({ topic, record: which }) => [topic, which])).toEqual([
      ['s1.t (read)', 'r at a position {"pk":1}'],
    ]);
  });

  test('may be missing on one side when the stream has changed them, and not otherwise', () => {
    const ours = [record('c', 1)];
    const differences = compareTopics(ours, [record('c', 1), record('r', 1), record('r', 2)]);
    const place = { mode: 'exact', column: undefined, streamed: streamedKeys(ours) } as const;
    const nobody: ReadonlySet<string> = new Set();
    expect(
      differences.map((one) =>
        declarationOf(one, {
          ...place,
          messages: nobody,
          parked: nobody,
          rekeyed: nobody,
          curtailed: nobody,
        }),
      ),
    ).toEqual(['read-or-streamed', undefined]);
  });

  test('are there twice when they are streamed besides, unless they were deleted between', () => {
    expect(repeatedRows([record('r', 1), record('u', 1), record('d', 1), record('c', 1)])).toEqual([]);
    expect(repeatedRows([record('r', 1), record('r', 2), record('c', 1)])).toHaveLength(1);
  });
});

describe('notes of triggers', () => {
  const note = (operation: Noted['operation'], pk: string): Noted => ({
    ...{ xid: '1', operation, relation: '1', topic: 's1.t', columns: ['pk'], types: ['integer'] },
    before: operation === 'INSERT' ? null : [pk],
    after: operation === 'DELETE' ? null : [pk],
    ...{ key: ['pk'], primaryKey: ['pk'] },
  });

  test('find the events of their rows where a cascade has them in another order', () => {
    const events = [record('d', 1), record('d', 2), record('d', 3)];
    const notes = [note('DELETE', '1'), note('DELETE', '3'), note('DELETE', '2')];
    expect(inOrderOf(notes, events).map(({ key }) => key)).toEqual([{ pk: 1 }, { pk: 3 }, { pk: 2 }]);
  });

  test('leave what they do not know, and lack what is not there', () => {
    expect(inOrderOf([note('INSERT', '2')], [record('c', 1)])).toHaveLength(1);
    expect(inOrderOf([note('INSERT', '1'), note('INSERT', '2')], [])).toEqual([]);
  });
});

test('a value that was not sent is known in each form that Debezium’s placeholder has', () => {
  const text = '__debezium_unavailable_value';
  for (const form of [
    text,
    Buffer.from(text).toString('base64'),
    [text],
    [...Buffer.from(text)],
    { [text]: text },
  ])
    expect(isPlaceholder(form)).toBe(true);
  for (const value of ['', 'a', [], [1, 2], {}, null, 1]) expect(isPlaceholder(value)).toBe(false);
});

test('what a form gives up is not held against a value, and nothing else is let pass', () => {
  const forms = formsOf({ DIPTYCH_CHANGE_COMPAT: 'debezium' });
  const value = { where: 'here', type: 'integer[]', ours: [1, 2], text: '[0:1]={1,2}' };
  expect(judgedValue(value, forms).expected).toBe('{1,2}');
  expect(judgedValue(value, formsOf({})).expected).toBe('[0:1]={1,2}');
  expect(judgedValue({ ...value, text: null }, forms)).toMatchObject({
    expected: null,
    literal: '{"1","2"}',
  });
});
