import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnOf, columnTypes } from './column-of.ts';
import { absent, align, compareTopics } from './compare.ts';
import { declarationOf } from './declared.ts';
import { brokenExpectations } from './expectation.ts';
import { figuresOf } from './figures.ts';
import { fold } from './fold.ts';
import { formsOf } from './forms.ts';
import type { Observed } from './observed.ts';
import { pgLiteral } from './pg-literal.ts';
import { randomScript } from './random/script.ts';
import { resultsPage, rowsOf } from './results.ts';
import { type CaseOutcome, lacksExtension, withoutRepeats } from './run-case.ts';

const change = (lsn: number, fields: Record<string, unknown> = {}): Observed => ({
  topic: 's1.t',
  key: { pk: lsn },
  value: { before: null, after: { pk: lsn }, source: { lsn }, op: 'c', ...fields },
  headers: {},
});

const differences = (ours: readonly Observed[], theirs: readonly Observed[]) =>
  compareTopics(ours, theirs).map(({ path, ours: one, theirs: other }) => ({
    path,
    ours: one,
    theirs: other,
  }));

describe('a comparison', () => {
  test('of the same records finds nothing', () => {
    expect(compareTopics([change(1), change(2)], [change(1), change(2)])).toEqual([]);
  });

  test('finds a value, its type, an absent field, a header and the order of fields', () => {
    const theirs = change(1);
    expect(differences([change(1, { after: { pk: '1' } })], [theirs])).toEqual([
      { path: 'value.after.pk', ours: '1', theirs: 1 },
    ]);
    expect(differences([change(1, { after: {} })], [theirs])).toEqual([
      { path: 'value.after.pk', ours: absent, theirs: 1 },
    ]);
    expect(differences([{ ...theirs, headers: { a: 'b' } }], [theirs])[0]?.path).toBe('headers.a');
    const two = change(1, { after: { a: 1, b: 2 } });
    expect(differences([change(1, { after: { b: 2, a: 1 } })], [two])[0]?.path).toBe(
      'value.after (order of fields)',
    );
  });

  test('names records that one side lacks, and goes on with the next', () => {
    expect(differences([change(1), change(3)], [change(1), change(2), change(3)])).toEqual([
      { path: '', ours: absent, theirs: change(2) },
    ]);
    expect(differences([change(1), change(2)], [change(2)])).toEqual([
      { path: '', ours: change(1), theirs: absent },
    ]);
  });

  test('finds records in another order', () => {
    expect(compareTopics([change(1), change(2)], [change(2), change(1)])).not.toEqual([]);
  });

  test('takes each record of either side once, in its order, whatever they hold', () => {
    const records = fc.array(
      fc.integer({ min: 1, max: 6 }).map((lsn) => change(lsn)),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(records, records, (ours, theirs) => {
        const pairs = align(ours, theirs);
        expect(pairs.flatMap((pair) => pair.ours ?? [])).toEqual(ours);
        expect(pairs.flatMap((pair) => pair.theirs ?? [])).toEqual(theirs);
      }),
    );
  });
});

describe('a declaration', () => {
  const nobody: ReadonlySet<string> = new Set();
  const place = {
    ...({ mode: 'exact', column: { name: 'pk', type: 'integer', isWhole: true } } as const),
    ...{ messages: nobody, streamed: nobody, parked: nobody, rekeyed: nobody, curtailed: nobody },
  };

  test('takes a before that holds the key alone, and no other lack', () => {
    const theirs = change(1, { op: 'd', before: { pk: 1, m: 2, n: 0 }, after: null });
    const nameOf = (before: object, key: object = { pk: 1 }) => {
      const [difference] = compareTopics(
        [{ ...change(1, { op: 'd', before, after: null }), key }],
        [{ ...theirs, key }],
      );
      return difference && declarationOf(difference, place);
    };
    expect(nameOf({ pk: 1 })).toBe('before-holds-what-was-sent');
    expect(nameOf({ pk: 1, m: 2 })).toBeUndefined();
  });

  test('takes no difference of two values', () => {
    const [difference] = compareTopics([change(1, { after: { pk: 2 } })], [change(1)]);
    expect(difference && declarationOf(difference, place)).toBeUndefined();
  });
});

test('the column of a difference has the type that it had in its transaction, whatever its name holds', () => {
  const note = {
    ...({
      operation: 'INSERT',
      relation: '1',
      topic: 's1.t',
      before: null,
      key: null,
      primaryKey: null,
    } as const),
    ...{ columns: ['a', 'a.b', 'c[0]'], after: [null, null, null] },
  };
  const types = columnTypes({
    noted: [
      { ...note, xid: '1', types: ['integer', 'date', 'text'] },
      { ...note, xid: '2', types: ['integer', 'timestamp', 'text'] },
    ],
    baseOf: (type) => type,
    keysNow: new Map(),
  });
  const of = (txId: number, path: string) => {
    const record = change(1, { source: { txId } });
    const pair = { ours: record, theirs: record };
    return columnOf({ topic: 's1.t', record: '', path, ours: 1, theirs: 2, pair }, types);
  };
  expect(of(1, 'value.after.a.b')).toEqual({ name: 'a.b', type: 'date', isWhole: true });
  expect(of(2, 'value.before.a.b[1]')).toEqual({ name: 'a.b', type: 'timestamp', isWhole: false });
  expect(of(3, 'key.c[0]')).toEqual({ name: 'c[0]', type: 'text', isWhole: false });
  expect(of(1, 'value.after.generated.x')).toEqual({ name: 'generated', type: undefined, isWhole: false });
  expect(of(1, 'value.op')).toBeUndefined();
});

test('an expectation is whole for rows and keys, and counts the records', () => {
  const expected = [
    { modes: ['exact'] as const, topic: 's1.t', record: { op: 'c', after: { pk: 1 } }, isOfAll: false },
  ];
  const broken = (records: readonly Observed[]) => brokenExpectations(expected, { mode: 'exact', records });
  expect(broken([change(1)])).toEqual([]);
  expect(broken([change(1, { after: { pk: 1, more: 1 } })])).toHaveLength(1);
  expect(broken([])).toHaveLength(1);
  expect(broken([change(1), change(2)])).toHaveLength(1);
  expect(brokenExpectations(expected, { mode: 'debezium', records: [] })).toEqual([]);
});

test('what the reference repeats after a kill is taken once', () => {
  const tombstone: Observed = { topic: 's1.t', key: { pk: 1 }, value: null, headers: {} };
  expect(withoutRepeats([change(1), change(2), change(1), change(2), change(3)])).toEqual([
    change(1),
    change(2),
    change(3),
  ]);
  expect(withoutRepeats([tombstone, change(1), tombstone])).toEqual([tombstone, change(1), tombstone]);
  const end = (events: number): Observed => ({
    ...{ topic: 'transaction', key: { id: '7' }, headers: {} },
    value: { status: 'END', id: '7', event_count: events },
  });
  expect(withoutRepeats([end(2), change(1), end(1)])).toEqual([end(2), change(1)]);
});

test('a fold keeps unchanged columns, forgets what was deleted, and is empty after a truncate', () => {
  const update = change(2, { op: 'u', after: { pk: 1, a: 3 }, unchanged: ['long'] });
  const rows = (records: readonly Observed[]) => [...(fold(records).get('s1.t')?.values() ?? [])];
  const insert = { ...change(1, { after: { pk: 1, a: 2, long: 'x' } }), key: { pk: 1 } };
  expect(rows([insert, { ...update, key: { pk: 1 } }])).toEqual([{ pk: 1, a: 3, long: 'x' }]);
  expect(rows([insert, { ...change(3, { op: 'd', after: null }), key: { pk: 1 } }])).toEqual([]);
  expect(rows([insert, { ...change(3, { op: 't', after: null }), key: null }])).toEqual([]);
});

describe('a value is given back to Postgres as', () => {
  test.each([
    [9007199254740993n, 'bigint', '9007199254740993'],
    [-0, 'real', '-0'],
    ['NAN', 'numeric(5,2)', 'NaN'],
    ['AAEC', 'bytea', '\\x000102'],
    [true, 'bit(1)', '1'],
    ['-4712-11-24T00:00:00Z', 'timestamp without time zone', '4713-11-24T00:00:00Z BC'],
    ['+294276-12-31Z', 'date', '294276-12-31Z'],
    [['a "b"', null, '{}'], 'text[]', '{"a \\"b\\"",NULL,"{}"}'],
    [[['a'], ['b']], 'text[]', '{{"a"},{"b"}}'],
    [{ a: 1, b: 'x "y"', c: null }, 's1.pair', '("1","x \\"y\\"",)'],
    [{ a: -1, b: 0, c: 0 }, 'line', '{-1,0,0}'],
    [{ a: '1', b: null }, 'hstore', '"a"=>"1", "b"=>NULL'],
  ])('%o of %s: %s', (value, type, literal) => {
    expect(pgLiteral(value, type)).toBe(literal);
  });
});

describe('a value in Debezium’s own form is given back to Postgres as', () => {
  const forms = formsOf({ DIPTYCH_CHANGE_COMPAT: 'debezium' });

  test.each([
    ['AQID', 'bit(24)', '000000110000001000000001'],
    ['/w==', 'numeric(3,2)', '-0.01'],
    [{ scale: 4, value: 'AZ7N' }, 'numeric', '10.6189'],
    ['ATE=', 'money', '3.05'],
    [17_109, 'date', '2016-11-04'],
    [-719_469, 'date', '0001-02-29 BC'],
    [2_146_033_979, 'date', 'infinity'],
    [1_478_267_490_123_456, 'timestamp without time zone', '2016-11-04 13:51:30.123456'],
    [-1, 'timestamp(3) without time zone', '1969-12-31 23:59:59.999000'],
    [86_400_000_000, 'time without time zone', '24:00:00.000000'],
    [3000, 'interval', '3000 microseconds'],
    ['{"a":"1","b":null}', 'public.hstore', '"a"=>"1", "b"=>NULL'],
    [[1, null], 'date[]', '{"1970-01-02",NULL}'],
  ])('%o of %s: %s', (value, type, literal) => {
    expect(pgLiteral(value, type, forms)).toBe(literal);
  });

  test('what it is in the mode that was chosen', () => {
    const nanoseconds = formsOf({ DIPTYCH_CHANGE_TIMES: 'nanoseconds', DIPTYCH_CHANGE_BINARY: 'hex' });
    expect(pgLiteral(1_000_000_001_000, 'timestamp(3) without time zone', nanoseconds)).toBe(
      '1970-01-01 00:16:40.000001',
    );
    expect(pgLiteral('00ff', 'bytea', nanoseconds)).toBe('\\x00ff');
  });
});

test('a seed draws the same script each time, and another seed another one', () => {
  const script = (seed: number) => JSON.stringify(randomScript({ seed, statements: 400 }).steps);
  expect(script(1)).toBe(script(1));
  expect(script(1)).not.toBe(script(2));
});

describe('what a run comes to', () => {
  const mode = {
    mode: 'exact',
    undeclared: [],
    declared: { 'no-begin': 2 },
    wrong: [],
    referenceWrong: [],
    referenceEnded: undefined,
    records: 3,
  } as const;
  const ran = {
    title: 'a title',
    tag: 'run',
    seconds: 1,
    reference: 'agrees',
    why: undefined,
    refused: new Map(),
  } as const;
  const outcomes: CaseOutcome[] = [
    { ...ran, name: 'C-01', passed: true, modes: [mode] },
    {
      ...ran,
      name: 'C-02',
      passed: false,
      modes: [{ ...mode, wrong: ['the value'] }],
      reference: 'still fails',
      why: 'it ends',
    },
    { name: 'C-03', title: 'three', tag: 'not-run', why: 'not built' },
    { name: 'C-04', title: 'four', tag: 'broken', why: 'refused' },
  ];

  test('are its figures: a case that was not run is none, one that was broken has failed', () => {
    expect(figuresOf(outcomes)).toEqual({
      ...{ cases: 3, passed: 1, failed: 2, undeclared: 0, notRun: 1, records: 6 },
      ...{ referenceStillFails: 1, referenceEnded: 0 },
    });
  });

  test('is a page that has a row for each case', () => {
    const page = resultsPage({ outcomes, modes: ['exact'], versions: { debezium: '3' }, day: '2026-11-21' });
    expect(page).toContain('| C-01 | a title | passed | differs: no-begin |');
    expect(page).toContain('| C-02 | a title | **1 differences** | still fails: it ends |');
    expect(page).toContain('| C-03 | three | not run | not built |');
    expect(page).toContain('3 cases were run, 1 passed; 1 were not run.');
  });

  test('of some cases takes their rows, and leaves those of the others as they stand', () => {
    const told = { modes: ['exact'], versions: {}, day: '2026-11-21' } as const;
    const before = resultsPage({ ...told, outcomes });
    const again = outcomes.filter(({ name }) => name === 'C-02').map((one) => ({ ...one, passed: true }));
    const page = resultsPage(
      { ...told, outcomes: again.map((one) => ({ ...one, modes: [mode] })) },
      rowsOf(before),
    );
    expect([...rowsOf(page).keys()]).toEqual(['C-01', 'C-02', 'C-03', 'C-04']);
    expect(page).toContain('| C-02 | a title | passed | still fails: it ends |');
    expect(page).toContain('3 cases were run, 2 passed; 1 were not run.');
    // Another server may have what this one lacks.
    const lacking = { name: 'C-02', title: 'a title', tag: 'not-run', why: `${lacksExtension} x` } as const;
    const after = resultsPage({ ...told, outcomes: [lacking] }, rowsOf(page));
    expect(after).toContain('| C-02 | a title | passed | still fails: it ends |');
    expect(resultsPage({ ...told, outcomes: [lacking] })).toContain(
      '| not run | this server has no extension x |',
    );
  });
});
