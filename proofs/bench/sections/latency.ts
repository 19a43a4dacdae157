/** Row 7, and of row 6 one: from the last statement to a consumer, beside a steady load. */
import { prepareGround } from '../bench.ts';
import { latencyChart } from '../charts.ts';
import { debezium, lowLatency } from '../debezium.ts';
import { diptych, oursName } from '../diptych.ts';
import { type LatencyMeasure, type LatencyOptions, measureLatency } from '../latency.ts';
import { round } from '../statistics.ts';
import { steadyWorkload } from '../steady-load.ts';
import { latencyTable } from '../tables.ts';
import { type Section, scaled } from './section.ts';

const names = {
  exactlyOnce: `${oursName}, exactly once`,
  atLeastOnce: `${oursName}, at least once`,
  debezium: 'Debezium, for latency',
} as const;
const ratesOfOurs = [200, 500, 1000, 5000];
const ratesOfDebezium = [500, 1000];
const secondsOfEach = 30;
/** A JVM wants more of it than Node; both get it. */
const warmUp = { perSecond: 1000, seconds: 20 };
/** What counts as small rows at a steady rate; 5,000 a second may be a backlog. */
const steadyMax = 1000;

export const latency: Section = async (context, options) => {
  const { nodeArguments, installation } = options;
  const of = (name: string, delivery: string) =>
    diptych({ name, nodeArguments, settings: { DIPTYCH_DELIVERY: delivery } });
  const ground = await prepareGround(context, { name: 'latency', workload: steadyWorkload });
  const measure = (id: string, { competitor, rates }: Pick<LatencyOptions, 'competitor' | 'rates'>) => {
    const times = {
      seconds: scaled(secondsOfEach, options),
      warmUp: { ...warmUp, seconds: scaled(warmUp.seconds, options) },
    };
    return measureLatency(context, ground, { competitor, id, rates, ...times });
  };
  const measures = [
    ...(await measure('latency_1', {
      competitor: of(names.exactlyOnce, 'exactly-once'),
      rates: ratesOfOurs,
    })),
    ...(await measure('latency_2', {
      competitor: of(names.atLeastOnce, 'at-least-once'),
      rates: ratesOfOurs,
    })),
    ...(await measure('latency_3', {
      competitor: debezium(installation, { name: names.debezium, tuning: lowLatency }),
      rates: ratesOfDebezium,
    })),
  ];
  return {
    ...{ figures: latencyFigures(measures), measures, table: latencyTable(measures) },
    charts: latencyChart(measures),
  };
};

export function latencyFigures(measures: readonly LatencyMeasure[]): Record<string, number> {
  const at = (name: string, perSecond: number) =>
    measures.find((measure) => measure.name === name && measure.perSecond === perSecond);
  const percentiles = (mode: 'exactlyOnce' | 'atLeastOnce') =>
    ratesOfOurs.flatMap((rate): [string, number][] => {
      const { p50Ms = Number.NaN, p99Ms = Number.NaN } = at(names[mode], rate) ?? {};
      return [
        [`${mode}P50MsAt${rate}`, p50Ms],
        [`${mode}P99MsAt${rate}`, p99Ms],
      ];
    });
  const ours = at(names.atLeastOnce, 500);
  const theirs = at(names.debezium, 500);
  const ratio = (figure: 'p50Ms' | 'p99Ms') =>
    round((ours?.[figure] ?? Number.NaN) / (theirs?.[figure] ?? Number.NaN));
  const steady = measures.filter(({ name, perSecond }) => name !== names.debezium && perSecond <= steadyMax);
  return {
    ...Object.fromEntries([...percentiles('exactlyOnce'), ...percentiles('atLeastOnce')]),
    atLeastOnceP50ToDebezium: ratio('p50Ms'),
    atLeastOnceP99ToDebezium: ratio('p99Ms'),
    peakRssBytes: Math.max(...steady.map(({ peakRssBytes }) => peakRssBytes)),
    recordsMissing: measures.reduce((sum, { missing }) => sum + Math.abs(missing), 0),
  };
}
