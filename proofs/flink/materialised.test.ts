import { present } from '@diptych/runtime/assert';
import { describe, expect, test } from 'vitest';
import { flinkColumns } from './columns.ts';
import { apply, difference, type Rows } from './materialised.ts';
import { Workload } from './workload.ts';

describe('a changelog', () => {
  const run = (...changes: readonly (readonly ['+I' | '-U' | '+U' | '-D', string])[]) => {
    const rows: Rows = new Map();
    const possible = changes.map(([kind, id]) => apply(rows, { query: 0, kind, row: [id] }, (row) => row));
    return { rows, possible };
  };

  test('leaves the rows that were not taken away', () => {
    const { rows } = run(['+I', '1'], ['+I', '2'], ['-U', '1'], ['+U', '3'], ['-D', '2']);
    expect([...rows]).toEqual([['["3"]', 1]]);
  });

  test('that takes a row away which is not there is seen', () => {
    expect(run(['+I', '1'], ['-D', '1'], ['-D', '1']).possible).toEqual([true, true, false]);
  });

  test('is compared row by row, with how often each is there', () => {
    const { rows } = run(['+I', '1'], ['+I', '1'], ['+I', '2']);
    const postgres: Rows = new Map([
      ['["1"]', 1],
      ['["3"]', 1],
    ]);
    expect(difference(rows, postgres)).toEqual({
      missing: ['["1"]', '["3"]'],
      besides: ['["1"]', '["2"]'],
    });
  });
});

test('an unscaled integer is the number of its column, with its sign', () => {
  const { normalise } = present(
    flinkColumns.find(({ postgres }) => postgres === 'numeric(12,3)'),
    'the column of decimals',
  );
  expect(['00', '01', 'ff', '0bdd2c', 'f422d4'].map((hex) => normalise?.(hex))).toEqual([
    '0.000',
    '0.001',
    '-0.001',
    '777.516',
    '-777.516',
  ]);
});

test('the same seed draws the same tables and statements, another one others', () => {
  const script = (seed: number): string => {
    const work = new Workload(seed);
    return [work.schema(), ...Array.from({ length: 50 }, () => work.next().join(';'))].join('\n');
  };
  expect(script(7)).toBe(script(7));
  expect(script(7)).not.toBe(script(8));
  for (const { postgres } of flinkColumns) expect(script(7)).toContain(` ${postgres}`);
});
