/** Pictures of the measures for docs/performance.md. https://echarts.apache.org/handbook/en/how-to/cross-platform/server/ */

import { BarChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Drain } from './drain.ts';
import type { LatencyMeasure } from './latency.ts';
import { median } from './statistics.ts';

use([BarChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

type Charts = Readonly<Record<string, string>>;

interface Bars {
  readonly title: string;
  readonly categories: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
  /** One upon the other, in place of side by side. */
  readonly isStacked: boolean;
  readonly scale: 'value' | 'log';
}

const width = 820;
const heightOfBar = 22;
const heightAround = 120;
const widthOfLetter = 6.6;
/** Of the largest number: a part of a bar that has no room for its own. */
const narrowShare = 0.06;
/** Told apart by those who see no red, too: https://jfly.uni-koeln.de/color/ */
const colours = ['#0072b2', '#e69f00', '#009e73', '#cc79a7'];

/** How long a drain took, and what it cost. */
export function drainCharts(drains: readonly Drain[]): Charts {
  const groups = [...Map.groupBy(drains, ({ name }) => name)];
  const categories = groups.map(([name]) => name);
  const medians = (figure: (drain: Drain) => number) => groups.map(([, group]) => median(group.map(figure)));
  return {
    'bench-drain-seconds.svg': bars({
      ...{ title: 'Drain of the backlog: seconds, median', categories, isStacked: false, scale: 'value' },
      series: [{ name: 'seconds', values: medians(({ seconds }) => seconds) }],
    }),
    'bench-drain-cpu.svg': bars({
      ...{ title: 'Drain of the backlog: CPU seconds since the first record, medians', categories },
      ...{ isStacked: true, scale: 'value' },
      series: [
        { name: 'tool', values: medians(({ cpuSeconds }) => cpuSeconds) },
        { name: 'walsender', values: medians(({ walsenderCpuSeconds }) => walsenderCpuSeconds) },
        {
          name: 'broker',
          values: medians(({ brokerCpuSeconds, owed }) => (owed === null ? 0 : brokerCpuSeconds)),
        },
      ],
    }),
  };
}

export function latencyChart(measures: readonly LatencyMeasure[]): Charts {
  return {
    'bench-latency.svg': bars({
      title: 'From the last statement to the consumer: ms',
      categories: measures.map(({ name, perSecond }) => `${name}, ${perSecond}/s`),
      series: [
        { name: 'p50', values: measures.map(({ p50Ms }) => p50Ms) },
        { name: 'p95', values: measures.map(({ p95Ms }) => p95Ms) },
        { name: 'p99', values: measures.map(({ p99Ms }) => p99Ms) },
      ],
      ...{ isStacked: false, scale: 'log' },
    }),
  };
}

/** Room for the longest name: without a browser the library guesses how wide a text is, and guesses too little. */
const leftOf = (names: readonly string[]): number =>
  24 + widthOfLetter * Math.max(...names.map((name) => name.length));

/** Where bars of a logarithmic axis begin: the power of ten below all that they show. Left alone, they begin at 1. */
const below = (values: readonly number[]): number =>
  10 ** Math.floor(Math.log10(Math.min(...values.filter((value) => value > 0))));

/** Horizontal bars with their numbers, on white: a page may be shown in the dark. */
function bars({ title, categories, series, isStacked, scale }: Bars): string {
  const lines = categories.length * (isStacked ? 1.4 : series.length);
  const narrow = narrowShare * Math.max(...series.flatMap(({ values }) => values));
  const chart = init(null, null, {
    ...{ renderer: 'svg', ssr: true, width },
    height: heightAround + lines * heightOfBar,
  });
  const option: EChartsCoreOption = {
    ...{ animation: false, backgroundColor: '#ffffff', color: colours },
    textStyle: { fontFamily: 'sans-serif' },
    title: { text: title, left: 12, top: 10, textStyle: { fontSize: 15 } },
    legend: { show: series.length > 1, left: 12, top: 36 },
    grid: { left: leftOf(categories), right: 60, top: 66, bottom: 32, outerBoundsMode: 'none' },
    xAxis: {
      type: scale,
      ...(scale === 'log' && { startValue: below(series.flatMap(({ values }) => values)) }),
    },
    yAxis: { type: 'category', inverse: true, data: categories },
    series: series.map(({ name, values }) => ({
      ...{ name, type: 'bar', ...(isStacked ? { stack: 'all' } : {}) },
      data: values.map((value) => ({
        value: Number(value.toPrecision(3)),
        label: { show: !isStacked || value > narrow, position: isStacked ? 'inside' : 'right' },
      })),
    })),
  };
  chart.setOption(option);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
