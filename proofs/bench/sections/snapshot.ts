/** Row 8, and of row 6 one: a table that was there before, read from its beginning. */
import { drainInTurn } from '../bench.ts';
import { debezium } from '../debezium.ts';
import { diptych } from '../diptych.ts';
import { cpuSeconds, peakRssOf, ratioTo, recordsMissing, seconds } from '../figures.ts';
import { producerPerformance } from '../producer-performance.ts';
import { snapshotWorkload } from '../row-workloads.ts';
import { drainTable } from '../tables.ts';
import { type Section, scaled, toAndFro, warmingUp, warmUps } from './section.ts';

const rows = 2_000_000;

export const snapshot: Section = async (context, options) => {
  const ours = diptych({ nodeArguments: options.nodeArguments });
  const theirs = debezium(options.installation);
  const order = [...warmingUp(ours), ...toAndFro([ours, producerPerformance, theirs])];
  const workload = snapshotWorkload(scaled(rows, options));
  const drains = await drainInTurn(context, { name: 'snapshot', workload, order });
  const measures = drains.slice(warmUps);
  const figures = {
    timeToProducerPerformance: ratioTo(measures, producerPerformance.name, seconds),
    timeToDebezium: ratioTo(measures, theirs.name, seconds),
    cpuToDebezium: ratioTo(measures, theirs.name, cpuSeconds),
    peakRssBytes: peakRssOf(measures),
    recordsMissing: recordsMissing(measures),
  };
  return { figures, measures, table: drainTable(measures), charts: {} };
};
