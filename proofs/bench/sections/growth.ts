/** Row 10, and of row 6 one: what a change costs when transactions are large, and when tables are many. */
import { drainInTurn } from '../bench.ts';
import { diptych } from '../diptych.ts';
import type { Drain } from '../drain.ts';
import { cpuSeconds, recordsMissing } from '../figures.ts';
import { type ItemsOptions, itemsWorkload } from '../row-workloads.ts';
import { median, round } from '../statistics.ts';
import { drainTable } from '../tables.ts';
import { type Section, scaled, toAndFro } from './section.ts';

const rowsInAll = 1_000_000;
const shapes = ['100 rows a transaction', 'one transaction', '64 tables'] as const;
type Shape = (typeof shapes)[number];

export const growth: Section = async (context, options) => {
  const rows = scaled(rowsInAll, options);
  const ours = diptych({ nodeArguments: options.nodeArguments });
  const items: Record<Shape, ItemsOptions> = {
    '100 rows a transaction': { rows, rowsPerTransaction: 100, tables: 1 },
    'one transaction': { rows, rowsPerTransaction: rows, tables: 1 },
    '64 tables': { rows, rowsPerTransaction: 100, tables: 64 },
  };
  const [warmUp] = shapes;
  const measures: Drain[] = [];
  for (const [place, shape] of [warmUp, ...toAndFro(shapes)].entries()) {
    context.say(shape);
    const workload = itemsWorkload(items[shape]);
    const drains = await drainInTurn(context, { name: `growth_${place}`, workload, order: [ours] });
    if (place > 0) measures.push(...drains.map((drain) => ({ ...drain, name: shape })));
  }
  return { figures: growthFigures(measures), measures, table: drainTable(measures), charts: {} };
};

/** Every shape has as many changes: what they cost together is what one costs. */
export function growthFigures(measures: readonly Drain[]): Record<string, number> {
  const of = (shape: Shape) => measures.filter(({ name }) => name === shape);
  const cost = (shape: Shape) => median(of(shape).map(cpuSeconds));
  return {
    cpuOfOneTransaction: round(cost('one transaction') / cost('100 rows a transaction')),
    cpuOf64Tables: round(cost('64 tables') / cost('100 rows a transaction')),
    peakRssBytes: Math.max(...of('one transaction').map(({ peakRssBytes }) => peakRssBytes)),
    recordsMissing: recordsMissing(measures),
  };
}
