/** What came of a run, when all is quiet: topics, shipments, carts and views against what the outbox says was told. */
import type { Say } from '@diptych/testkit/progress';
import { type Bridge, queryAt } from '../bridge.ts';
import { readCommitted } from '../java-consumer.ts';
import { type Findings, Referee } from '../referee.ts';
import { compareCarts } from './agreement.ts';
import { compareEffects, type Effects } from './effects.ts';
import { type CartLine, differences, runView } from './flink-view.ts';
import { databaseBeside, type Reader } from './services.ts';
import type { Shopping } from './shopping.ts';
import { measureInbox, type Throughput } from './throughput.ts';
import { aggregateTypes, owedBy, read, type Source, type ToldEvent, toldSql } from './told.ts';

export interface FlinkFigures {
  /** Lines of open carts. */
  readonly lines: number;
  /** Records that Flink wrote for them. */
  readonly records: number;
  readonly differences: number;
  readonly seconds: number;
}

export interface Judgement {
  readonly topics: Findings;
  readonly effects: Effects;
  /** Carts that are not the same in both ways to keep them, or of which not the same was told. */
  readonly cartsDiffer: number;
  readonly throughput: Throughput;
  /** Null when it was not asked for. */
  readonly flink: FlinkFigures | null;
  /** The first of what is wrong, in words. */
  readonly notes: readonly string[];
}

export interface JudgeOptions {
  readonly bridge: Bridge;
  readonly shipping: Reader;
  readonly projections: Reader;
  readonly shopping: Shopping;
  /** Flink’s; without them its view is not run. */
  readonly jars: readonly string[] | undefined;
  readonly say: Say;
  readonly signal: AbortSignal;
}

const notesMax = 5;

/** Products in open carts, as our projection has them. */
const openLinesSql = `
  select cart_id::int as cart_id, line.sku, line.name, line.quantity, line."unitPrice" as unit_price
  from projections.current_carts,
    jsonb_to_recordset(lines) as line(sku text, name text, quantity int, "unitPrice" text)
  where aggregate_type = 'cart' and status = 'open'`;

export async function judge(options: JudgeOptions): Promise<Judgement> {
  const { bridge, shipping, projections, shopping, jars, say, signal } = options;
  say('comparing the topics with the outbox');
  const topics = await judgeTopics(bridge, signal);
  say('comparing shipments with checkouts, and the carts of a pair');
  const effects = await compareEffects({
    cart: (text) => bridge.query(text),
    shipping: (text) => queryAt(shipping.databaseUrl, text),
  });
  const carts = await compareCarts(bridge, { pairs: shopping.pairs, projections, signal });
  say('measuring the inbox');
  const throughput = await measureInbox({
    databaseUrl: await databaseBeside(bridge, 'throughput'),
    brokers: bridge.brokers,
    topics: aggregateTypes.map((type) => bridge.domainTopic(type)),
    events: shopping.events,
    signal,
  });
  const view = jars && (await judgeView(options, jars));
  const notes = [
    ...topics.examples,
    ...shopping.examples,
    ...carts.map(
      ({ pair, in: what }) => `cart ${pair.crud} and event-sourced cart ${pair.es} differ in ${what}`,
    ),
    ...(view?.notes ?? []),
  ];
  return {
    ...{ topics, effects, throughput, flink: view?.figures ?? null },
    ...{ cartsDiffer: carts.length, notes: notes.slice(0, notesMax) },
  };
}

/** What Java’s console consumer reads of the domain topics, against the outbox. */
async function judgeTopics(bridge: Bridge, signal: AbortSignal): Promise<Findings> {
  const told = await bridge.query<ToldEvent & Record<string, unknown>>(toldSql);
  const referee = new Referee<Source>({ owed: owedBy(told), mode: 'exactly-once', read });
  const topics: [Source, string][] = [
    ...aggregateTypes.map((type): [Source, string] => [type, bridge.domainTopic(type)]),
    ['end', bridge.transactionTopic],
  ];
  await Promise.all(
    topics.map(async ([source, topic]) => {
      for await (const record of readCommitted({ brokers: bridge.brokers, topic, values: true, signal }))
        referee.take(source, record);
    }),
  );
  return referee.findings();
}

/** The projection of current carts is what the view has to be; that is compared with the carts themselves. */
async function judgeView(
  { bridge, projections, say, signal }: JudgeOptions,
  jars: readonly string[],
): Promise<{ figures: FlinkFigures; notes: readonly string[] }> {
  say('Flink reads the domain topic');
  const startedAt = performance.now();
  const { lines, records } = await runView(bridge, { jars, signal });
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const rows = await queryAt<CartLine & Record<string, unknown>>(projections.databaseUrl, openLinesSql);
  const notes = differences(lines, rows);
  return { figures: { lines: rows.length, records, differences: notes.length, seconds }, notes };
}
