/** Row 8, and of row 6 one: rows of 60 columns and 4 kB. */
import { drainInTurn } from '../bench.ts';
import { diptych } from '../diptych.ts';
import { cpuSeconds, peakRssOf, ratioTo, recordsMissing, seconds } from '../figures.ts';
import { recvlogical } from '../recvlogical.ts';
import { wideWorkload } from '../row-workloads.ts';
import { drainTable } from '../tables.ts';
import { type Section, scaled, toAndFro, warmingUp, warmUps } from './section.ts';

const rows = 100_000;

export const wide: Section = async (context, options) => {
  const ours = diptych({ nodeArguments: options.nodeArguments });
  const [tcp, unix] = [recvlogical('tcp'), recvlogical('unix')];
  const order = [...warmingUp(ours), ...toAndFro([ours, tcp, unix])];
  const workload = wideWorkload(scaled(rows, options));
  const drains = await drainInTurn(context, { name: 'wide', workload, order });
  const measures = drains.slice(warmUps);
  const figures = {
    timeToRecvlogicalTcp: ratioTo(measures, tcp.name, seconds),
    timeToRecvlogicalUnix: ratioTo(measures, unix.name, seconds),
    cpuToRecvlogicalTcp: ratioTo(measures, tcp.name, cpuSeconds),
    peakRssBytes: peakRssOf(measures),
    recordsMissing: recordsMissing(measures),
  };
  return { figures, measures, table: drainTable(measures), charts: {} };
};
