import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { budgets, fullLimits, quickLimits, sectionNames } from './budgets.ts';
import { drainCharts } from './charts.ts';
import { drain } from './drain-for-tests.ts';
import { figuresOf } from './figures.ts';
import { type Measured, sectionText, withSection } from './page.ts';
import { latencyFigures } from './sections/latency.ts';
import { drainTable } from './tables.ts';

const page = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8');
const circumstances = {
  ...{ date: '2026-11-22', machine: '2 × a processor', commit: '`abc`', scale: 1 },
  versions: { kafka: '4.3.1' },
};
const measured: Measured = {
  ...{
    figures: { timeToRecvlogicalTcp: 0.5, peakRssBytes: 160e6, recordsMissing: 2 },
    measures: [],
    table: 'THE TABLE',
  },
  ...{ charts: { 'bench-drain.svg': '<svg/>' }, othersShare: 0.01 },
};

test('the page has a place for each section; writing one leaves everything else as it is', () => {
  for (const name of sectionNames) {
    const written = withSection(page, { name, text: 'WRITTEN' });
    expect(written).toContain(`<!-- bench:${name} -->\nWRITTEN\n<!-- bench:${name} end -->`);
    const [before = '', after = ''] = written.split('WRITTEN');
    expect(page.startsWith(before) && page.endsWith(after)).toBe(true);
    expect(withSection(written, { name, text: 'WRITTEN' })).toBe(written);
  }
  expect(() => withSection('', { name: 'wide', text: '' })).toThrow('bench:wide');
});

test('a section says what was met, missed or never measured, and that it is void when others were at work', () => {
  const text = sectionText({ name: 'drain', measured }, circumstances);
  expect(text).toContain('| 1 | time ÷ `pg_recvlogical` over TCP | ≤ 0.55 | 0.5 | met |');
  expect(text).toContain('| 5 | peak memory of the drain | ≤ 150 MB | 160 MB | **missed** |');
  expect(text).toContain('| 9 | start to first record | ≤ 1.00 s | – | **missed** |');
  expect(text).toContain('THE TABLE\n\n![bench drain](images/bench-drain.svg)');
  expect(text).not.toContain('Void');
  const disturbed = sectionText(
    { name: 'drain', measured: { ...measured, othersShare: 0.07 } },
    circumstances,
  );
  expect(disturbed).toContain('**Void**');
  expect(disturbed).toContain('| ≤ 0.55 | 0.5 | void |');
  expect(disturbed).toContain('| records missing or too many | ≤ 0 | 2 | **missed** |');
  expect(disturbed.match(/\bmet\b|missed/g)).toEqual(['missed']);
});

test('a table has medians and how they scatter; what a tool does not have is left out', () => {
  const drains = [
    ...[1, 2, 4].map((seconds) => drain('ours', { seconds })),
    drain('reader', { records: null, owed: null, firstRecordSeconds: null }),
    drain('producer', { changes: 0 }),
  ];
  const [head = '', , ...rows] = drainTable(drains).split('\n');
  const cells = (row: string) => row.split('|').map((cell) => cell.trim());
  const cell = (row: string, name: string) => cells(row)[cells(head).indexOf(name)];
  expect(rows.map((row) => cell(row, 'seconds'))).toEqual(['2.00 (1.00–4.00)', '1.00', '1.00']);
  expect(rows.map((row) => cell(row, 'changes/s'))).toEqual(['300 (150–600)', '600', '–']);
  expect(rows.map((row) => cell(row, 'records'))).toEqual(['800', '–', '800']);
});

test('every budget is of a figure that its run takes', () => {
  const all = [drain('diptych'), drain('diptych'), drain('Debezium')];
  for (const figure of Object.keys(quickLimits()))
    expect([...Object.keys(figuresOf(all)), 'othersShare']).toContain(figure);
  const ofLatency = Object.keys(latencyFigures([]));
  for (const { figure } of budgets.filter(({ section }) => section === 'latency'))
    expect(ofLatency).toContain(figure);
  expect(fullLimits(['wide'])).toMatchObject({ 'wide.timeToRecvlogicalTcp': 0.8, 'othersShare.wide': 0.06 });
});

test('a chart is an SVG with each name and number', () => {
  const svg = drainCharts([drain('diptych', { seconds: 3.25 }), drain('a & b')])['bench-drain-seconds.svg'];
  for (const part of ['<svg', 'diptych', '3.25', 'a &amp; b']) expect(svg).toContain(part);
});
