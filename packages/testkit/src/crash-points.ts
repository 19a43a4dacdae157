/**
 * The crash-point suite: a scenario of the user's own, run once for each place between its steps, and the relay is killed
 * there. What the server says was committed is then looked for in both panels.
 *
 *     const report = await crashPoints(stack, {
 *       scenario: (run) => [
 *         { name: 'place', step: () => shop.place(run) },
 *         { name: 'pay', step: () => shop.pay(run) },
 *       ],
 *     });
 *     expect(report).toMatchObject({ lost: [], repeated: 0 });
 */

import type { JoinedTransaction } from '@diptych/compare/joined-transaction';
import { panelTopics } from '@diptych/compare/panel-reader';
import { identityHeader } from '@diptych/kafka/identity';
import { readToEnd } from '@diptych/kafka/partition-reader';
import { formatLsn } from '@diptych/wal/lsn';
import type { DiptychStack } from './diptych-stack.ts';
import { Witness, type Witnessed } from './witness.ts';

export interface Step {
  readonly name: string;
  readonly step: () => Promise<unknown>;
}

export interface CrashPointOptions {
  /** The steps of one run; `run` counts from 1, for keys that are the run's own. */
  readonly scenario: (run: number) => readonly Step[];
  /** Until everything that is committed is published, after each run. Default 60 s. */
  readonly timeoutMs?: number;
  /** Of the relay, when its settings name others than the defaults. */
  readonly publications?: { readonly outbox: string; readonly change: string };
}

/** A committed transaction that the panels do not hold whole. */
export interface Lost extends Omit<Witnessed, 'commitLsn'> {
  readonly commitLsn: string;
  /** Null when there is nothing of it. */
  readonly got: { readonly events: number; readonly changes: number } | null;
}

export interface CrashPointReport {
  /** Where the relay was killed: `before place`, `between place and pay`, `after pay`. */
  readonly points: readonly string[];
  readonly kills: number;
  /** Of all runs, as the server tells. */
  readonly transactions: number;
  readonly events: number;
  readonly changes: number;
  readonly lost: readonly Lost[];
  /** Records whose dedupe key was there before. Exactly once allows none. */
  readonly repeated: number;
  /** Records that stand behind a later one of their partition. */
  readonly misplaced: number;
}

const timeoutMsDefault = 60_000;

/**
 * Kills the relay (SIGKILL) at each place and starts it again while the scenario goes on; in every other run only when the
 * scenario is over, so that it begins with a backlog. Throws what a step throws, and as `DiptychStack.caughtUp`.
 */
export async function crashPoints(
  stack: DiptychStack,
  options: CrashPointOptions,
): Promise<CrashPointReport> {
  const { scenario, timeoutMs = timeoutMsDefault } = options;
  const { publications = { outbox: 'diptych_outbox', change: 'diptych_change' } } = options;
  const query = (text: string, values: unknown[]) => stack.query(text, values);
  const witness = await Witness.take({ query, slot: stack.slot, publications });
  try {
    const points: string[] = [];
    const names = scenario(1).map(({ name }) => name);
    for (let point = 0; point <= names.length; point += 1) {
      points.push(pointName(names, point));
      await runOnce(stack, { steps: scenario(point + 1), point, backlog: point % 2 === 1 });
      await stack.caughtUp({ timeoutMs });
    }
    const committed = await witness.committed();
    return { points, kills: points.length, ...(await judge(stack, { committed, timeoutMs })) };
  } finally {
    await witness.dismiss();
  }
}

async function runOnce(
  { faults }: DiptychStack,
  { steps, point, backlog }: { steps: readonly Step[]; point: number; backlog: boolean },
): Promise<void> {
  const returning: Promise<void>[] = [];
  const die = async () => {
    await faults.kill('relay');
    if (!backlog) returning.push(faults.start('relay'));
  };
  try {
    for (const [index, { step }] of steps.entries()) {
      if (index === point) await die();
      await step();
    }
    if (point === steps.length) await die();
  } finally {
    await Promise.all(backlog ? [faults.start('relay')] : returning);
  }
}

function pointName(names: readonly string[], point: number): string {
  const [before, after] = [names[point - 1], names[point]];
  if (before === undefined) return `before ${after ?? 'nothing'}`;
  return after === undefined ? `after ${before}` : `between ${before} and ${after}`;
}

async function judge(
  stack: DiptychStack,
  { committed, timeoutMs }: { committed: readonly Witnessed[]; timeoutMs: number },
): Promise<Omit<CrashPointReport, 'points' | 'kills'>> {
  // What is lost makes its transaction a straggler: that is to be told, not thrown.
  const items = await stack.items({ timeoutMs, evenIfLost: true });
  const pairs = new Map(
    items.flatMap((item) =>
      item.tag === 'transaction' ? [[item.transaction.identity.commitLsn, item.transaction] as const] : [],
    ),
  );
  const lost = committed.flatMap((witnessed): Lost[] => {
    const got = held(pairs.get(witnessed.commitLsn));
    if (got && got.parked + got.events + got.changes >= witnessed.events + witnessed.changes) return [];
    const told = got && { events: got.events, changes: got.changes };
    return [{ ...witnessed, commitLsn: formatLsn(witnessed.commitLsn), got: told }];
  });
  const misplaced = items.filter(
    (item) => item.tag === 'irregular' && item.irregularity.what === 'misplaced',
  ).length;
  const sum = (of: 'events' | 'changes') => committed.reduce((total, witnessed) => total + witnessed[of], 0);
  return {
    ...{ transactions: committed.length, events: sum('events'), changes: sum('changes') },
    ...{ lost, misplaced, repeated: await repeats(stack) },
  };
}

function held(transaction: JoinedTransaction | undefined) {
  if (!transaction) return null;
  const { domainEvents, changes, parkedCount, omitted } = transaction;
  return { events: domainEvents.length, changes: changes.length, parked: parkedCount + omitted };
}

/** Counted on the records themselves, by their dedupe key; the copies of a truncate differ by partition. */
async function repeats({ brokers, prefix, domainPrefix }: DiptychStack): Promise<number> {
  const topics = [...(await panelTopics({ brokers, prefix, domainPrefix })).keys()];
  const seen = new Set<string>();
  let repeated = 0;
  for await (const { topic, partition, headers } of readToEnd({ brokers, topics })) {
    const key = `${topic} ${partition} ${headers.get(identityHeader)}`;
    if (seen.has(key)) repeated += 1;
    seen.add(key);
  }
  return repeated;
}
