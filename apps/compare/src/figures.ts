import type { Verdict } from '@diptych/runtime/verdict';
import type { Report } from './report.ts';

/** None of these may be there; carts about which nothing is known are told, not held against anybody. */
export const limits = { leaks: 0, driftedCarts: 0, incomplete: 0, tooLarge: 0, repeated: 0 } as const;

/** What the report found, as scripts read it. */
export function figuresOf(report: Report): Verdict['figures'] {
  const {
    transactions,
    events,
    changes,
    leaks,
    driftedCarts,
    unproven,
    incomplete,
    tooLarge,
    repeatedCount,
  } = report;
  return {
    transactions,
    events,
    changes,
    leaks,
    driftedCarts,
    unproven,
    incomplete,
    tooLarge,
    repeated: repeatedCount,
  };
}
