/** Drift against the tables themselves: what events say of each aggregate, and what its rows say as of the same commit. */
import type { AggregateMapping, Facts } from './aggregate-mapping.ts';
import { AggregateRows } from './aggregate-rows.ts';
import type { Difference } from './drift.ts';
import type { BaselineRow } from './joined-transaction.ts';
import type { KeyedState } from './keyed-state.ts';
import { differences, type TrackedAggregate } from './tracked-aggregate.ts';

/** An aggregate of which events say something else than its rows; null is a side that does not have it. */
export interface TableParting {
  readonly aggregateType: string;
  readonly id: string;
  readonly events: Facts | null;
  readonly rows: Facts | null;
  readonly differences: readonly Difference[];
}

export interface TableDrift {
  /** The first thousand. */
  readonly drifted: readonly TableParting[];
  readonly agreed: number;
  readonly driftedCount: number;
  /** Their beginning was not seen, or an event or a row cannot be read. */
  readonly unprovenCount: number;
}

const listMax = 1000;

/** Each aggregate that either side has; both as of the same commit. */
export function tableDrift<State>({
  mapping,
  aggregates,
  rows,
}: {
  mapping: AggregateMapping<State>;
  aggregates: KeyedState<TrackedAggregate<State>>;
  rows: readonly BaselineRow[];
}): TableDrift {
  const byOwner = new Map<string, AggregateRows>();
  for (const row of rows) {
    const id = mapping.ownerOf(row);
    if (id === undefined) continue;
    const ofOwner = byOwner.get(id) ?? new AggregateRows();
    byOwner.set(id, ofOwner);
    ofOwner.applyBaseline(row);
  }
  const drifted: TableParting[] = [];
  let [agreed, driftedCount, unprovenCount] = [0, 0, 0];
  for (const id of new Set([...aggregates.keys(), ...byOwner.keys()])) {
    const events = aggregates.get(id)?.factsOfEvents(mapping);
    const read = mapping.factsOfRows(byOwner.get(id) ?? new AggregateRows());
    if (events === undefined || !read.ok) {
      unprovenCount += 1;
      continue;
    }
    const found = differences(events, read.value ?? null);
    if (found.length === 0) agreed += 1;
    else driftedCount += 1;
    if (found.length > 0 && drifted.length < listMax) {
      drifted.push({
        ...{ aggregateType: mapping.aggregateType, id, events, rows: read.value ?? null, differences: found },
      });
    }
  }
  return { drifted, agreed, driftedCount, unprovenCount };
}
