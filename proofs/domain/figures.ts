/** What is counted of a run, and what of it may not be: differences, and emptiness that would prove nothing. */
import type { Verdict } from '@diptych/runtime/verdict';
import type { Outcome } from './domain.ts';

type Counted = Omit<Outcome, 'shopping' | 'exits' | 'notes'> & {
  readonly shopping: Pick<Outcome['shopping'], 'events' | 'commands' | 'refused' | 'disagreements'> & {
    readonly pairs: { readonly length: number };
  };
  readonly exits: { readonly length: number };
};

/** Pure. `asked`: how many events and kills there should have been. */
export function countedOf(
  outcome: Counted,
  asked: { readonly events: number; readonly kills: number },
): Pick<Verdict, 'figures' | 'limits'> {
  const { shopping, topics, effects, throughput, rebuilt, flink } = outcome;
  const { lost, repeated, outOfOrder, phantom } = topics;
  const kills = Object.values(outcome.kills).reduce((sum, count) => sum + count, 0);
  const wrong = {
    ...{ lost, repeated, outOfOrder, phantom },
    effectsMissing: effects.missing,
    effectsRepeated: effects.repeated,
    effectsPhantom: effects.phantom,
    parked: effects.parked,
    answersDiffer: shopping.disagreements,
    cartsDiffer: outcome.cartsDiffer,
    projectionsDiffer: rebuilt.differing.length,
    ...(flink ? { flinkDiffers: flink.differences } : {}),
  };
  const amiss = {
    undrained: outcome.drained ? 0 : 1,
    unaskedExits: outcome.exits.length,
    eventsShort: Math.max(0, asked.events - shopping.events),
    killsShort: Math.max(0, asked.kills - kills),
    neverKilled: Object.entries(outcome.kills).flatMap(([kind, count]) => (count === 0 ? [kind] : [])),
    projectionsEmpty: rebuilt.empty,
    rebuildNotKilled: rebuilt.kills === 0 ? 1 : 0,
    noCheckouts: effects.checkouts === 0 ? 1 : 0,
    ...(flink ? { flinkEmpty: flink.lines === 0 ? 1 : 0 } : {}),
  };
  return {
    figures: {
      events: shopping.events,
      kills,
      mismatches: Object.values(wrong).reduce((sum, count) => sum + count, 0),
      ...{ ...wrong, ...amiss, killsOf: outcome.kills },
      transactions: topics.committed,
      carts: shopping.pairs.length,
      commands: shopping.commands,
      commandsRefused: shopping.refused,
      checkouts: effects.checkouts,
      shoppingSeconds: outcome.shoppingSeconds,
      drainSeconds: outcome.drainSeconds,
      rebuildSeconds: rebuilt.seconds,
      inboxEvents: throughput.events,
      inboxEventsPerSecond: throughput.eventsPerSecond,
      ...(flink ? { flinkLines: flink.lines, flinkRecords: flink.records, flinkSeconds: flink.seconds } : {}),
    },
    limits: {
      mismatches: 0,
      ...Object.fromEntries([...Object.keys(wrong), ...Object.keys(amiss)].map((name) => [name, 0])),
    },
  };
}
