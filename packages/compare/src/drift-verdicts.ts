/** What was said of every aggregate: counts of all, and the first thousand of those of which there is something to say. */
import type { Drift, DriftReport, Unproven } from './drift.ts';
import { type AggregateVerdict, isSameVerdict, type TrackedAggregate } from './tracked-aggregate.ts';

/** Plain data. */
export interface SavedVerdicts {
  readonly aggregates: number;
  readonly counts: Readonly<Record<AggregateVerdict['tag'], number>>;
  readonly drifted: readonly (readonly [number: number, drift: Drift])[];
  readonly unproven: readonly (readonly [number: number, unproven: Unproven])[];
}

/** Enough to see a pattern in; all are counted. */
const listMax = 1000;

export class DriftVerdicts {
  readonly #aggregateType: string;
  #aggregates: number;
  readonly #counts: Record<AggregateVerdict['tag'], number>;
  readonly #drifted: Map<number, Drift>;
  readonly #unproven: Map<number, Unproven>;

  constructor(aggregateType: string, saved?: SavedVerdicts) {
    this.#aggregateType = aggregateType;
    this.#aggregates = saved?.aggregates ?? 0;
    this.#counts = { agreed: 0, drifted: 0, unproven: 0, ...saved?.counts };
    this.#drifted = new Map(saved?.drifted);
    this.#unproven = new Map(saved?.unproven);
  }

  /** Asks the aggregate what can be said of it now, replaces what was said before, and answers it. */
  settle(
    id: string,
    aggregate: Pick<TrackedAggregate<unknown>, 'number' | 'verdict' | 'judge'>,
  ): AggregateVerdict {
    const verdict = aggregate.judge();
    if (isSameVerdict(aggregate.verdict, verdict)) return verdict;
    if (aggregate.number === 0) {
      this.#aggregates += 1;
      aggregate.number = this.#aggregates;
    }
    const { number } = aggregate;
    if (aggregate.verdict !== undefined) this.#counts[aggregate.verdict.tag] -= 1;
    aggregate.verdict = verdict;
    this.#counts[verdict.tag] += 1;
    this.#drifted.delete(number);
    this.#unproven.delete(number);
    const named = { aggregateType: this.#aggregateType, id };
    if (verdict.tag === 'drifted' && this.#drifted.size < listMax)
      this.#drifted.set(number, { ...named, ...verdict.parting });
    if (verdict.tag === 'unproven' && this.#unproven.size < listMax)
      this.#unproven.set(number, { ...named, reason: verdict.reason });
    return verdict;
  }

  report(): DriftReport {
    const { agreed, drifted: driftedCount, unproven: unprovenCount } = this.#counts;
    return {
      drifted: inOrder(this.#drifted),
      unproven: inOrder(this.#unproven),
      agreed,
      driftedCount,
      unprovenCount,
    };
  }

  save(): SavedVerdicts {
    return {
      aggregates: this.#aggregates,
      counts: { ...this.#counts },
      drifted: [...this.#drifted],
      unproven: [...this.#unproven],
    };
  }
}

function inOrder<T>(findings: ReadonlyMap<number, T>): T[] {
  return [...findings].sort(([left], [right]) => left - right).map(([, finding]) => finding);
}
