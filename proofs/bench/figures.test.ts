import { expect, test } from 'vitest';
import { drain } from './drain-for-tests.ts';
import { figuresOf } from './figures.ts';
import { growthFigures } from './sections/growth.ts';

const ours = [4, 5, 9].map((seconds) => drain('diptych', { seconds, peakRssBytes: 10 * seconds }));
const others = [
  ...[8, 12].map((seconds) => drain('pg_recvlogical tcp', { seconds, records: null, owed: null })),
  ...[2, 3].map((seconds) => drain('pg_recvlogical unix', { seconds, records: null, owed: null })),
  ...[20, 30].map((seconds) => drain('Debezium', { seconds, cpuSeconds: 8 })),
];

test('a ratio is of medians, ours to theirs; memory is our largest; the A/A is our second to our first', () => {
  expect(figuresOf([...ours, ...others])).toMatchObject({
    timeToRecvlogicalTcp: 0.5,
    timeToRecvlogicalUnix: 2,
    timeToDebezium: 0.2,
    cpuToDebezium: 0.125,
    peakRssBytes: 90,
    peakRssToDebezium: 0.5,
    sameToSame: 1.25,
    recordsMissing: 0,
  });
});

test('a record too many is missed as one too few, and those of a tool that keeps none are not', () => {
  const wrong = [drain('diptych', { records: 799 }), drain('Debezium', { records: 802 })];
  expect(figuresOf([...ours, ...others, ...wrong]).recordsMissing).toBe(3);
});

test('growth is what the same changes cost in another shape', () => {
  const cost = (name: string, cpuSeconds: readonly number[]) =>
    cpuSeconds.map((seconds) => drain(name, { cpuSeconds: seconds }));
  const measures = [
    ...cost('100 rows a transaction', [2, 4, 3]),
    ...cost('one transaction', [3, 3, 9]),
    ...cost('64 tables', [6, 5, 7]),
    drain('one transaction', { peakRssBytes: 700 }),
  ];
  expect(growthFigures(measures)).toEqual({
    cpuOfOneTransaction: 1,
    cpuOf64Tables: 2,
    peakRssBytes: 700,
    recordsMissing: 0,
  });
});
