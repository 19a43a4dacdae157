/**
 * Drift: an aggregate whose state folded from domain events differs from its state folded from row changes. Both are
 * compared after each transaction that touched it, never inside one.
 */
import { OperatingError } from '@diptych/runtime/failure';
import type { AggregateMapping, Facts, Read } from './aggregate-mapping.ts';
import { AggregateRows } from './aggregate-rows.ts';
import {
  type Change,
  type DomainEvent,
  type JoinedTransaction,
  type TransactionIdentity,
  tableName,
} from './joined-transaction.ts';
import { referenceTo, type TransactionReference } from './transaction-reference.ts';

/** A fact on which the panels disagree; null where the side does not have it. */
export interface Difference {
  readonly fact: string;
  readonly events: string | null;
  readonly rows: string | null;
}

export interface Drift {
  readonly aggregateType: string;
  readonly id: string;
  /** The first transaction after which both sides differed and never agreed again. */
  readonly since: TransactionReference;
  /** Both sides right after it; null is an aggregate that this side does not know. */
  readonly events: Facts | null;
  readonly rows: Facts | null;
  /** On what they disagreed there. */
  readonly differences: readonly Difference[];
}

export interface Unproven {
  readonly aggregateType: string;
  readonly id: string;
  readonly reason: 'beginning-unseen' | 'event-unreadable' | 'row-unreadable';
}

export interface DriftReport {
  /** In the order in which the aggregates were first seen, as is `unproven`. */
  readonly drifted: readonly Drift[];
  /** About these nothing can be said. */
  readonly unproven: readonly Unproven[];
  /** How many aggregates agreed. */
  readonly agreed: number;
}

/** About 2 KB each. */
const aggregatesMaxDefault = 200_000;

interface Parting {
  readonly identity: TransactionIdentity;
  readonly events: Facts | undefined;
  readonly rows: Facts | undefined;
}

class Aggregate<State> {
  readonly rows = new AggregateRows();
  state: State | undefined;
  /** An event was seen; the first of them was the aggregate's first. */
  began: 'no-event' | 'in-sight' | 'out-of-sight' = 'no-event';
  /** The insert of its root row was seen. */
  rootInserted = false;
  unreadable: Unproven['reason'] | undefined;
  parting: Parting | undefined;

  /** Rows that events never built are drift, as long as nobody can say that the events came before we looked. */
  get unproven(): Unproven['reason'] | undefined {
    if (this.unreadable !== undefined) return this.unreadable;
    const seen = this.began === 'in-sight' || (this.began === 'no-event' && this.rootInserted);
    return seen ? undefined : 'beginning-unseen';
  }
}

export class DriftFinder<State> {
  readonly #mapping: AggregateMapping<State>;
  readonly #tables: ReadonlySet<string>;
  readonly #aggregates = new Map<string, Aggregate<State>>();
  readonly #aggregatesMax: number;

  constructor(mapping: AggregateMapping<State>, { aggregatesMax = aggregatesMaxDefault } = {}) {
    this.#mapping = mapping;
    this.#tables = new Set(mapping.tables);
    this.#aggregatesMax = aggregatesMax;
  }

  /** Takes the next transaction in, whole and in commit order. Throws OperatingError `comparison-exhausted`. */
  add({ identity, domainEvents, changes }: JoinedTransaction): void {
    const touched = new Set<Aggregate<State>>();
    for (const event of domainEvents) {
      if (event.aggregateType !== this.#mapping.aggregateType || event.key === null) continue;
      const aggregate = this.#aggregate(event.key);
      this.#applyEvent(aggregate, event);
      touched.add(aggregate);
    }
    for (const change of changes) {
      if (!this.#tables.has(tableName(change))) continue;
      for (const aggregate of this.#ownersOf(change)) {
        aggregate.rows.apply(change);
        if (change.op === 'c' && tableName(change) === this.#mapping.rootTable) aggregate.rootInserted = true;
        touched.add(aggregate);
      }
    }
    for (const aggregate of touched) this.#compare(aggregate, identity);
  }

  report(): DriftReport {
    const { aggregateType } = this.#mapping;
    const drifted: Drift[] = [];
    const unproven: Unproven[] = [];
    for (const [id, aggregate] of this.#aggregates) {
      const { parting, unproven: reason } = aggregate;
      if (reason !== undefined) unproven.push({ aggregateType, id, reason });
      else if (parting !== undefined) {
        const { identity, events, rows } = parting;
        drifted.push({
          aggregateType,
          id,
          since: referenceTo(identity),
          events: events ?? null,
          rows: rows ?? null,
          differences: differences(events, rows),
        });
      }
    }
    return { drifted, unproven, agreed: this.#aggregates.size - drifted.length - unproven.length };
  }

  #applyEvent(aggregate: Aggregate<State>, event: DomainEvent): void {
    if (aggregate.began === 'no-event') {
      aggregate.began = this.#mapping.begins(event) ? 'in-sight' : 'out-of-sight';
    }
    const evolved = this.#mapping.evolve(aggregate.state, event);
    if (evolved.ok) aggregate.state = evolved.value;
    else aggregate.unreadable = evolved.reason;
  }

  /** A truncate is of all rows, whoever they belong to. */
  #ownersOf(change: Change): Iterable<Aggregate<State>> {
    if (change.op === 't') return this.#aggregates.values();
    const id = this.#mapping.ownerOf(change);
    return id === undefined ? [] : [this.#aggregate(id)];
  }

  #compare(aggregate: Aggregate<State>, identity: TransactionIdentity): void {
    const { state } = aggregate;
    const events = state === undefined ? undefined : this.#mapping.factsOfEvents(state);
    const rows: Read<Facts | undefined> = this.#mapping.factsOfRows(aggregate.rows);
    if (!rows.ok) {
      aggregate.unreadable = rows.reason;
      return;
    }
    if (differences(events, rows.value).length === 0) aggregate.parting = undefined;
    else aggregate.parting ??= { identity, events, rows: rows.value };
  }

  #aggregate(id: string): Aggregate<State> {
    const known = this.#aggregates.get(id);
    if (known !== undefined) return known;
    if (this.#aggregates.size >= this.#aggregatesMax) {
      throw new OperatingError(
        'comparison-exhausted',
        `more than ${this.#aggregatesMax} aggregates of type ${this.#mapping.aggregateType}`,
        { remedy: 'Compare a shorter range, or without drift.' },
      );
    }
    const aggregate = new Aggregate<State>();
    this.#aggregates.set(id, aggregate);
    return aggregate;
  }
}

function differences(events: Facts | undefined, rows: Facts | undefined): Difference[] {
  const names = new Set([...Object.keys(events ?? {}), ...Object.keys(rows ?? {})]);
  return [...names].sort().flatMap((fact) => {
    const sides = { events: events?.[fact] ?? null, rows: rows?.[fact] ?? null };
    return sides.events === sides.rows ? [] : [{ fact, ...sides }];
  });
}
