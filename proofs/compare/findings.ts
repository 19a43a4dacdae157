/** What was found beside what was planted. */
import type { Planted } from './workload.ts';

/** As far as it is looked at here: `Answer` of the comparison. */
export interface Found {
  readonly audit: {
    readonly leaks: number;
    readonly shapes: readonly {
      readonly leaks: number;
      readonly examples: readonly { readonly xid: number }[];
    }[];
  };
  readonly drift: Readonly<
    Record<
      string,
      {
        readonly drifted: readonly { readonly id: string; readonly since: { readonly xid: number } }[];
        readonly unprovenCount: number;
      }
    >
  >;
}

export interface Findings {
  readonly planted: number;
  readonly found: number;
  readonly missed: number;
  readonly invented: number;
}

/** A leak is found when its transaction is named, a drift when its aggregate and the transaction are. */
export function findings({ leaks, drifts }: Planted, answer: Found): Findings {
  const named = new Set(
    answer.audit.shapes.flatMap(({ examples }) => examples.map(({ xid }) => `leak ${xid}`)),
  );
  for (const { drifted } of Object.values(answer.drift))
    for (const { id, since } of drifted) named.add(`drift ${id} ${since.xid}`);
  const planted = new Set([
    ...leaks.keys().map((xid) => `leak ${xid}`),
    ...[...drifts].map(([id, xid]) => `drift ${id} ${xid}`),
  ]);
  const found = planted.intersection(named).size;
  const counted = answer.audit.shapes.reduce((sum, { leaks: count }) => sum + count, 0);
  const unproven = Object.values(answer.drift).reduce((sum, { unprovenCount }) => sum + unprovenCount, 0);
  // Leaks that are counted and not named, and aggregates that could not be compared, are invented as well.
  const unnamed = Math.max(0, counted - [...named].filter((name) => name.startsWith('leak')).length);
  return {
    planted: planted.size,
    found,
    missed: planted.size - found,
    invented: named.difference(planted).size + unnamed + unproven,
  };
}
