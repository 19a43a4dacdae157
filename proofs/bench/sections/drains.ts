/** Rows 1 to 5 and 9: the backlog of the cart, three rounds of everybody, to and fro. */
import { drainInTurn } from '../bench.ts';
import { cartWarmUps, cartWorkload } from '../cart-workload.ts';
import { drainCharts } from '../charts.ts';
import { debezium, debeziumPair } from '../debezium.ts';
import { diptych } from '../diptych.ts';
import { figuresOf, ratioTo, seconds } from '../figures.ts';
import { producerPerformance } from '../producer-performance.ts';
import { recvlogical } from '../recvlogical.ts';
import { drainTable } from '../tables.ts';
import { type Section, scaled, toAndFro } from './section.ts';

export const transactionsDefault = 200_000;

export const drains: Section = async (context, options) => {
  const { installation, nodeArguments } = options;
  const ours = diptych({ nodeArguments });
  const theirs = debezium(installation);
  const pair = debeziumPair(installation);
  const round = [...[ours, recvlogical('tcp'), recvlogical('unix')], ...[theirs, pair, producerPerformance]];
  const warming = cartWarmUps({ ours, theirs });
  const order = [...warming, ours, ...toAndFro(round)];
  const workload = cartWorkload(scaled(transactionsDefault, options));
  const all = await drainInTurn(context, { name: 'drain', workload, order });
  const measures = all.slice(warming.length);
  const figures: Record<string, number> = {
    ...figuresOf(measures),
    timeToDebeziumPair: ratioTo(measures, pair.name, seconds),
  };
  const { sameToSame, timeToRecvlogicalUnix } = figures;
  const besides = `A/A, our second time ÷ our first: ${sameToSame}. Our time ÷ \`pg_recvlogical\` over the Unix socket: ${timeToRecvlogicalUnix}.`;
  return {
    ...{ figures, measures, table: `${drainTable(measures)}\n\n${besides}` },
    charts: drainCharts(measures),
  };
};
