/** Measures as Markdown. */
import { type Budget, budgets, type SectionName } from './budgets.ts';
import type { Drain } from './drain.ts';
import type { LatencyMeasure } from './latency.ts';
import { spreadOf } from './statistics.ts';

/** A column's head and what it has in a row. */
type Columns<Row> = readonly (readonly [head: string, cell: (row: Row) => string])[];

function table<Row>(rows: readonly Row[], columns: Columns<Row>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const heads = columns.map(([head]) => head);
  const body = rows.map((row) => line(columns.map(([, cell]) => cell(row))));
  return [line(heads), `|${'---|'.repeat(heads.length)}`, ...body].join('\n');
}

/** One row for each name, in the order of their first drains; medians, and from where to where they go when there are several. */
export function drainTable(drains: readonly Drain[]): string {
  const of = (figure: (drain: Drain) => number | null, text: (value: number) => string) => {
    return (group: readonly Drain[]) => {
      const values = group.map(figure).filter((value) => value !== null);
      if (values.length === 0) return '–';
      const { median, min, max } = spreadOf(values);
      return text(min) === text(max) ? text(median) : `${text(median)} (${text(min)}–${text(max)})`;
    };
  };
  const perChanges = (amount: number, { changes }: Drain) =>
    changes === 0 ? null : amount / (changes / 1e6);
  const columns: Columns<readonly Drain[]> = [
    ['', (group) => `${group[0]?.name}, ${group.length} ×`],
    ['seconds', of(({ seconds }) => seconds, decimal)],
    ['changes/s', of(({ changes, seconds }) => (changes === 0 ? null : rate(changes / seconds)), thousands)],
    [
      'records/s',
      of(({ records, seconds }) => (records === null ? null : rate(records / seconds)), thousands),
    ],
    ['CPU-s per million changes', of((drain) => perChanges(drain.cpuSeconds, drain), decimal)],
    ['CPU-s', of(({ cpuSeconds }) => cpuSeconds, decimal)],
    ['of its start', of((drain) => (drain.owed === null ? null : drain.startCpuSeconds), decimal)],
    [
      'walsender',
      of((drain) => (drain.walsenderCpuSeconds === 0 ? null : drain.walsenderCpuSeconds), decimal),
    ],
    ['broker', of((drain) => (drain.owed === null ? null : drain.brokerCpuSeconds), decimal)],
    ['peak memory, MB', of(({ peakRssBytes }) => peakRssBytes / 1e6, thousands)],
    ['first record, s', of(({ firstRecordSeconds }) => firstRecordSeconds, decimal)],
    ['records', of(({ records }) => records, thousands)],
    ['others, %', of(({ othersShare }) => othersShare * 100, tenths)],
  ];
  return table([...Map.groupBy(drains, ({ name }) => name).values()], columns);
}

export function latencyTable(measures: readonly LatencyMeasure[]): string {
  return table(measures, [
    ['', ({ name }) => name],
    ['transactions/s', ({ perSecond }) => thousands(perSecond)],
    ['written/s', ({ writtenPerSecond }) => thousands(writtenPerSecond)],
    ['p50 ms', ({ p50Ms }) => decimal(p50Ms)],
    ['p95', ({ p95Ms }) => decimal(p95Ms)],
    ['p99', ({ p99Ms }) => decimal(p99Ms)],
    ['p99.9', ({ p999Ms }) => decimal(p999Ms)],
    ['max', ({ maxMs }) => decimal(maxMs)],
    ['commits p50 ms', ({ commitP50Ms }) => decimal(commitP50Ms)],
    ['p99', ({ commitP99Ms }) => decimal(commitP99Ms)],
    ['cores', ({ cores }) => cores.toFixed(2)],
    ['of the broker', ({ brokerCores }) => brokerCores.toFixed(2)],
    ['peak memory, MB', ({ peakRssBytes }) => thousands(peakRssBytes / 1e6)],
    ['events', ({ events }) => thousands(events)],
    ['missing', ({ missing }) => String(missing)],
    ['others, %', ({ othersShare }) => tenths(othersShare * 100)],
  ]);
}

/**
 * The targets of a section, each with what was measured. When that is void, they are neither met nor missed; but what is
 * missing is, whoever else was at work.
 */
export function targetsTable(
  section: SectionName,
  { figures, isVoid }: { figures: Readonly<Record<string, number>>; isVoid: boolean },
): string {
  const verdict = ({ row, figure, max }: Budget) => {
    if (isVoid && row !== 0) return 'void';
    return (figures[figure] ?? Number.NaN) <= max ? 'met' : '**missed**';
  };
  return table(
    budgets.filter((budget) => budget.section === section),
    [
      ['row', ({ row }) => (row === 0 ? '' : String(row))],
      ['measure', ({ measure }) => measure],
      ['target', ({ max, unit }) => `≤ ${amount(max, unit)}`],
      ['measured', ({ figure, unit }) => amount(figures[figure] ?? Number.NaN, unit)],
      ['', verdict],
    ],
  );
}

function amount(value: number, unit: Budget['unit']): string {
  if (Number.isNaN(value)) return '–';
  switch (unit) {
    case 'bytes':
      return megabytes(value);
    case 'ms':
      return `${decimal(value)} ms`;
    case 'seconds':
      return `${decimal(value)} s`;
    case 'ratio':
    case 'records':
      return String(value);
  }
}

/** Two to four places are enough for what scatters by some per cent. */
const decimal = (value: number): string => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
const tenths = (value: number): string => value.toFixed(1);
const rate = (value: number): number => Number(value.toPrecision(3));
const thousands = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
