import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parseCase } from './case-file.ts';
import { splitStatements } from './statements.ts';

describe('a script', () => {
  test('is cut at the semicolons between statements, and at no other', () => {
    const script = `
      insert into t values ('a;b', E'it\\'s;', "c;d"); -- a comment; with one
      /* another; */ do $x$ begin perform 1; end $x$;
      select $$;$$
    `;
    expect(splitStatements(script)).toEqual([
      `insert into t values ('a;b', E'it\\'s;', "c;d")`,
      '-- a comment; with one\n      /* another; */ do $x$ begin perform 1; end $x$',
      'select $$;$$',
    ]);
  });

  test('with its marks is steps, in their order', () => {
    const text = [
      '-- C-01: a title',
      'create table t ();',
      '-- begin',
      '-- as other',
      'begin;',
      '-- kill',
      '-- may fail',
      'x; y;',
    ];
    const given = parseCase('C-01-a', text.join('\n'));
    const statement = (sql: string, connection: string, mayFail = false) => ({
      tag: 'statement',
      sql,
      connection,
      mayFail,
    });
    expect(given.title).toBe('a title');
    expect(given.preparation.map((step) => step.tag)).toEqual(['statement']);
    expect(given.steps).toEqual([
      statement('begin', 'other'),
      { tag: 'kill' },
      statement('x', 'other', true),
      statement('y', 'other'),
    ]);
  });

  test('says in which mode our side has to refuse', () => {
    const given = parseCase('C-01-a', '-- C-01: a title\n-- ours refuses[debezium]: value-not-representable');
    expect([...given.refusals]).toEqual([['debezium', 'value-not-representable']]);
  });

  test('asks both sides for snapshots, in the words of each', () => {
    const text = [
      '-- C-96: a title',
      '-- snapshot mode: initial',
      '-- snapshot tables: s1.*',
      '-- snapshot where: s1.a: pk > 2',
      'create table t ();',
      '-- begin',
      '-- snapshot: s1.a, s1.b where pk < 5',
      '-- snapshot stop: s1.b',
      '-- snapshot done',
    ];
    const { relay, connector, snapshots, steps } = parseCase('C-96-a', text.join('\n'));
    expect(steps).toEqual([
      { tag: 'snapshot', tables: ['s1.a', 's1.b'], where: 'pk < 5', mayFail: false },
      { tag: 'snapshot-stop', tables: ['s1.b'] },
      { tag: 'snapshot-done' },
    ]);
    expect(relay).toMatchObject({
      DIPTYCH_SNAPSHOT_MODE: 'initial',
      DIPTYCH_SNAPSHOT_TABLES: 's1.*',
      DIPTYCH_SNAPSHOT_WHERE: '[{"table":"s1.a","condition":"pk > 2"}]',
    });
    expect(connector).toMatchObject({
      'snapshot.mode': 'initial',
      'snapshot.include.collection.list': 's1\\..*',
      'snapshot.select.statement.overrides.s1.a': 'SELECT * FROM s1.a WHERE pk > 2',
    });
    expect([...(snapshots?.partial ?? [])]).toEqual(['s1.a', 's1.b']);
    expect(parseCase('C-01-a', '-- C-01: a title\nselect 1;').snapshots).toBeUndefined();
  });

  test('with an expectation that cannot be read is bad use, and not a case without one', () => {
    expect(() => parseCase('mine', '-- expect s1.t: {"key":')).toThrow(/no expectation/);
    expect(() => parseCase('mine', '-- expect s1.t: {key}')).toThrow(/not JSON/);
    expect(() => parseCase('mine', '-- relay: DIPTYCH_X')).toThrow(/name=value/);
  });
});

test('every case of the repository can be read, and does something or says why it does not', async () => {
  const folder = new URL('./cases/', import.meta.url);
  const files = await readdir(folder);
  const cases = await Promise.all(
    files.map(async (file) => parseCase(file, await readFile(new URL(file, folder), 'utf8'))),
  );
  expect(cases.filter(({ steps, notRun }) => (steps.length === 0) === (notRun === undefined))).toEqual([]);
  expect(cases.filter(({ name }) => !/^C-\d+[a-z]?-[a-z0-9-]+\.sql$/.test(name))).toEqual([]);
  // The reference may fail only at something that is stated.
  expect(cases.filter((one) => one.referenceFails !== undefined && one.expectations.length === 0)).toEqual(
    [],
  );
});
