/** One aggregate in both panels: its state from events, its rows, and where the two parted. */
import { isDeepStrictEqual } from 'node:util';
import type { AggregateMapping, Facts } from './aggregate-mapping.ts';
import { AggregateRows, type SavedRows } from './aggregate-rows.ts';
import type { Difference, Unproven } from './drift.ts';
import { type BaselineRow, type Change, type DomainEvent, tableName } from './joined-transaction.ts';
import type { TransactionReference } from './transaction-reference.ts';

/** What each side says of an aggregate; null is one that the side does not know. */
export interface Sides {
  readonly events: Facts | null;
  readonly rows: Facts | null;
}

/** Where both sides parted, and what each said right after it. */
export interface Parting extends Sides {
  readonly since: TransactionReference;
  readonly differences: readonly Difference[];
}

export type AggregateVerdict =
  | { readonly tag: 'agreed' }
  | { readonly tag: 'drifted'; readonly parting: Parting }
  | { readonly tag: 'unproven'; readonly reason: Unproven['reason'] };

/** Plain data. */
export interface SavedAggregate<State> {
  readonly number: number;
  readonly rows: SavedRows;
  readonly state: State | undefined;
  readonly began: 'no-event' | 'in-sight' | 'out-of-sight';
  readonly rootSeen: 'never' | 'inserted' | 'baseline';
  readonly met: boolean;
  readonly verdict: AggregateVerdict | undefined;
  readonly unreadable: Unproven['reason'] | undefined;
  readonly parting: Parting | undefined;
}

export class TrackedAggregate<State> {
  /** Its place in the order in which aggregates were first seen; 0 until it has one. */
  number = 0;
  /** What was said of it last. */
  verdict: AggregateVerdict | undefined;
  readonly #rows: AggregateRows;
  #state: State | undefined;
  /** An event was seen; the first of them was the aggregate's first. */
  #began: SavedAggregate<State>['began'] = 'no-event';
  /** How its root row was seen first. */
  #rootSeen: SavedAggregate<State>['rootSeen'] = 'never';
  /** Both sides said the same once: from there on they can be compared, wherever they began. */
  #met = false;
  #unreadable: Unproven['reason'] | undefined;
  #parting: Parting | undefined;

  constructor(saved?: SavedAggregate<State>) {
    this.#rows = new AggregateRows(saved?.rows);
    if (saved === undefined) return;
    this.number = saved.number;
    this.verdict = saved.verdict;
    this.#state = saved.state;
    this.#began = saved.began;
    this.#rootSeen = saved.rootSeen;
    this.#met = saved.met;
    this.#unreadable = saved.unreadable;
    this.#parting = saved.parting;
  }

  takeEvent(event: DomainEvent, mapping: AggregateMapping<State>): void {
    if (this.#began === 'no-event') this.#began = mapping.begins(event) ? 'in-sight' : 'out-of-sight';
    const evolved = mapping.evolve(this.#state, event);
    if (evolved.ok) this.#state = evolved.value;
    else this.#unreadable = evolved.reason;
  }

  takeChange(change: Change, mapping: AggregateMapping<State>): void {
    this.#rows.apply(change);
    if (change.op === 'c' && tableName(change) === mapping.rootTable && this.#rootSeen === 'never')
      this.#rootSeen = 'inserted';
  }

  takeBaseline(row: BaselineRow, mapping: AggregateMapping<State>): void {
    this.#rows.applyBaseline(row);
    if (tableName(row) === mapping.rootTable && this.#rootSeen === 'never') this.#rootSeen = 'baseline';
  }

  /**
   * Lays both sides side by side as they stand after a commit, and answers both; without a commit they can meet, and
   * not part.
   */
  compare(mapping: AggregateMapping<State>, commit: TransactionReference | null): Sides {
    const events = this.#state === undefined ? null : mapping.factsOfEvents(this.#state);
    const read = mapping.factsOfRows(this.#rows);
    if (!read.ok) {
      this.#unreadable = read.reason;
      return { events, rows: null };
    }
    const rows = read.value ?? null;
    const found = differences(events, rows);
    if (found.length === 0) {
      this.#parting = undefined;
      // Two sides that know nothing of it have not met.
      if (rows !== null) this.#met = true;
    } else if (commit !== null) this.#parting ??= { since: commit, events, rows, differences: found };
    return { events, rows };
  }

  /** What events say of it now; null: nothing, undefined: nobody can say. */
  factsOfEvents(mapping: AggregateMapping<State>): Facts | null | undefined {
    if (this.#unreadable !== undefined || !this.#isKnown()) return undefined;
    return this.#state === undefined ? null : mapping.factsOfEvents(this.#state);
  }

  /** What can be said of it now. */
  judge(): AggregateVerdict {
    if (this.#unreadable !== undefined) return { tag: 'unproven', reason: this.#unreadable };
    if (!this.#isKnown()) return { tag: 'unproven', reason: 'beginning-unseen' };
    return this.#parting === undefined ? { tag: 'agreed' } : { tag: 'drifted', parting: this.#parting };
  }

  save(): SavedAggregate<State> {
    return {
      number: this.number,
      rows: this.#rows.save(),
      state: this.#state,
      began: this.#began,
      rootSeen: this.#rootSeen,
      met: this.#met,
      verdict: this.verdict,
      unreadable: this.#unreadable,
      parting: this.#parting,
    };
  }

  /**
   * From its first event on; or, without any, from the insert of its row: rows that events never built are drift. From a
   * snapshot's row on only when both sides met: nobody knows what its events were before.
   */
  #isKnown(): boolean {
    if (this.#began === 'out-of-sight') return false;
    if (this.#rootSeen === 'baseline') return this.#met;
    return this.#began === 'in-sight' || this.#rootSeen === 'inserted';
  }
}

/** Whether two verdicts say the same. */
export function isSameVerdict(left: AggregateVerdict | undefined, right: AggregateVerdict): boolean {
  if (left?.tag === 'agreed' && right.tag === 'agreed') return true;
  return isDeepStrictEqual(left, right);
}

/** On what two sides disagree. */
export function differences(events: Facts | null, rows: Facts | null): Difference[] {
  const names = new Set([...Object.keys(events ?? {}), ...Object.keys(rows ?? {})]);
  return [...names].sort().flatMap((fact) => {
    const sides = { events: events?.[fact] ?? null, rows: rows?.[fact] ?? null };
    return sides.events === sides.rows ? [] : [{ fact, ...sides }];
  });
}
