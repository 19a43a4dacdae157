/** What the timeline keeps of a transaction. */
import type { AggregateName, DomainEvent, Position, RowChange } from '@diptych/compare/console-api';
import type { Shape } from '@diptych/compare/shape';
import type { StoredItem } from '@diptych/compare/timeline-item';
import type { Sides } from '@diptych/compare/tracked-aggregate';

export interface Recorded {
  readonly item: StoredItem;
  /** Its shape, when it changed rows and carries no event. */
  readonly silent: Shape | null;
  /** The aggregates that a mapping tells of, as they stand right after it. */
  readonly facts: readonly RecordedFacts[];
}

export interface RecordedFacts extends AggregateName, Sides {}

/** A record that came behind its transaction: one of the two. */
export interface Release {
  readonly position: Position;
  readonly event: DomainEvent | null;
  readonly change: RowChange | null;
  /** The aggregates as they stand with it. */
  readonly facts: readonly RecordedFacts[];
}

export function isSame(left: AggregateName, right: AggregateName): boolean {
  return left.aggregateType === right.aggregateType && left.id === right.id;
}

/** The transaction with what was released of it, as it is kept. */
export function withReleased(item: StoredItem, { event, change }: Release): StoredItem {
  const events = event === null ? item.events : [...item.events, event];
  const changes = change === null ? item.changes : [...item.changes, change];
  const name = event === null || event.key === null ? null : { ...event, id: event.key };
  const isNew = name !== null && !item.aggregates.some((known) => isSame(known, name));
  const added = isNew ? [{ aggregateType: name.aggregateType, id: name.id }] : [];
  return {
    ...item,
    events: events.toSorted((left, right) => left.ordinal - right.ordinal),
    changes: changes.toSorted((left, right) => left.ordinal - right.ordinal),
    eventCount: item.eventCount + (event === null ? 0 : 1),
    changeCount: item.changeCount + (change === null ? 0 : 1),
    parkedCount: Math.max(0, item.parkedCount - 1),
    aggregates: [...item.aggregates, ...added],
  };
}
