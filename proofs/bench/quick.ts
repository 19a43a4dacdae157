/** The first five rows of the table in docs/performance.md, in a few minutes: what a change is judged by. */
import type { Verdict } from '@diptych/runtime/verdict';
import type { Say } from '@diptych/testkit/progress';
import { Watchdog } from '@diptych/testkit/watchdog';
import { BadUse } from '../arguments.ts';
import { installConnect } from '../conformance/connect-installation.ts';
import { drainInTurn, inArena, versions } from './bench.ts';
import { othersShareMax, quickLimits } from './budgets.ts';
import { cartWarmUps, cartWorkload } from './cart-workload.ts';
import type { Competitor } from './competitor.ts';
import { debezium } from './debezium.ts';
import { diptych } from './diptych.ts';
import { figuresOf } from './figures.ts';
import { Others } from './machine.ts';
import { recvlogical } from './recvlogical.ts';
import { round } from './statistics.ts';

export interface QuickOptions {
  readonly transactions: number;
  /** Names of competitors, with commas, in their order, instead of all: what is looked at while something is made faster. */
  readonly only: string | null;
  readonly nodeArguments: readonly string[];
  readonly say: Say;
  readonly signal: AbortSignal;
}

export async function quick(options: QuickOptions) {
  const { transactions, only, nodeArguments, say, signal } = options;
  const startedAt = performance.now();
  const others = new Others();
  const { warming, order } = await orderOf({ only, nodeArguments, say, signal });
  const drains = await inArena({ say, signal, others }, (context) =>
    drainInTurn(context, {
      ...{ name: 'bench', workload: cartWorkload(transactions) },
      order: [...warming, ...order],
    }),
  );
  const figures: Record<string, number> = only === null ? figuresOf(drains.slice(warming.length)) : {};
  const isVoid = others.share > othersShareMax;
  const verdict: Verdict = {
    name: 'bench',
    args: { quick: true, transactions, only, nodeArguments },
    seconds: Math.round(performance.now() - startedAt) / 1000,
    versions,
    figures: { ...figures, othersShare: round(others.share), drains },
    limits: only === null ? quickLimits() : {},
  };
  const notes = isVoid
    ? [`void: others took ${(others.share * 100).toFixed(1)} % of the machine, of ${othersShareMax * 100} %`]
    : [];
  // What is missing is, whoever else was at work.
  const isWrong = (figures.recordsMissing ?? 0) > 0;
  return { verdict, notes, isVoid: isVoid && !isWrong };
}

/** To and fro, so that nobody is always the one after the same other; our first and second are the A/A. */
async function orderOf({
  only,
  nodeArguments,
  ...options
}: Pick<QuickOptions, 'only' | 'nodeArguments' | 'say' | 'signal'>): Promise<{
  readonly warming: readonly Competitor[];
  readonly order: readonly Competitor[];
}> {
  const ours = diptych({ nodeArguments });
  const [tcp, unix] = [recvlogical('tcp'), recvlogical('unix')];
  const names = only?.split(',') ?? null;
  const watchdog = new Watchdog();
  const wantsDebezium = names === null || names.includes('debezium');
  const theirs = wantsDebezium ? debezium(await installConnect({ ...options, watchdog })) : ours;
  await watchdog.finish();
  if (names === null) {
    const warming = cartWarmUps({ ours, theirs });
    return { warming, order: [ours, ours, tcp, unix, theirs, theirs, unix, tcp, ours] };
  }
  const known: Record<string, Competitor> = { diptych: ours, tcp, unix, debezium: theirs };
  const order = names.map((name) => {
    const competitor = known[name];
    if (!competitor) throw new BadUse(`--only takes ${Object.keys(known).join(', ')}, not ${name}`);
    return competitor;
  });
  return { warming: [], order };
}
