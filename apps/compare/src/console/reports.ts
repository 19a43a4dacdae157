/** What the engine has found, as the page is told. */

import type { LeakShape } from '@diptych/compare/audit';
import { drifted } from '@diptych/compare/compare-to-now';
import type { Answer } from '@diptych/compare/comparison';
import type { EngineState, Position } from '@diptych/compare/console-api';
import type {
  DriftAnswer,
  IntentAnswer,
  LeaksAnswer,
  NamedTransaction,
} from '@diptych/compare/console-reports';
import type { TransactionReference } from '@diptych/compare/transaction-reference';
import { factsOf } from './console-timeline.ts';
import { type EngineKeeper, positionOf } from './engine-keeper.ts';

export function leaksOf({ horizon, audit }: Answer): LeaksAnswer {
  const { shapes, accepted, rowless, ...rest } = audit;
  return {
    horizon,
    ...rest,
    shapes: shapes.map(shapeOf),
    accepted: accepted.map((one) => ({ ...shapeOf(one), reason: one.reason })),
    rowless: rowless.map((one) => ({ ...one, first: named(one.first), last: named(one.last) })),
  };
}

export function driftOf({ horizon, drift }: Answer): DriftAnswer {
  return {
    horizon,
    types: Object.entries(drift).map(([aggregateType, report]) => ({
      ...report,
      aggregateType,
      drifted: report.drifted.map(({ id, since, events, rows }) => ({
        ...{ aggregateType, id },
        since: named(since),
        facts: factsOf({ events, rows }),
      })),
    })),
  };
}

export function intentOf({ horizon, intent }: Answer): IntentAnswer {
  return { horizon, ...intent };
}

/** How far the comparison is, and what is kept. */
export function stateOf(
  { answer, trouble }: Pick<EngineKeeper, 'answer' | 'trouble'>,
  kept: { count: number; oldest: Position | null; newest: Position | null },
): EngineState {
  if (answer === null) return { ...nothing, trouble, kept };
  const { horizon, counts, audit, lagMs, caughtUp, blockedBy } = answer;
  const { transactions, events, changes } = counts;
  return {
    horizon: horizon === null ? null : named(horizon),
    ...{ transactions, events, changes, leaks: audit.leaks, drifted: drifted(answer) },
    ...{ lagMs, caughtUp, blockedBy, trouble, kept },
  };
}

const nothing = {
  horizon: null,
  ...{ transactions: 0, events: 0, changes: 0, leaks: 0, drifted: 0 },
  ...{ lagMs: null, caughtUp: false, blockedBy: null },
};

const named = (reference: TransactionReference): NamedTransaction => ({
  ...reference,
  position: positionOf(reference),
});

const shapeOf = (leak: LeakShape) => ({
  ...leak,
  first: named(leak.first),
  last: named(leak.last),
  examples: leak.examples.map(named),
});
