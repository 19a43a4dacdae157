/**
 * Drift: an aggregate whose state folded from domain events differs from its state folded from row changes. Both are
 * compared after each transaction that touched it, never inside one.
 */

import { unreachable } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { parseLossless, stringifyLossless } from '@diptych/runtime/json';
import type { AggregateMapping, Facts } from './aggregate-mapping.ts';
import { DriftVerdicts, type SavedVerdicts } from './drift-verdicts.ts';
import {
  type BaselineRow,
  type Change,
  type DomainEvent,
  type JoinedItem,
  type JoinedTransaction,
  type TransactionIdentity,
  tableName,
} from './joined-transaction.ts';
import { KeyedState, type KeyedTexts, keyedTexts } from './keyed-state.ts';
import { type TableDrift, tableDrift } from './table-drift.ts';
import {
  type AggregateVerdict,
  type SavedAggregate,
  type Sides,
  TrackedAggregate,
} from './tracked-aggregate.ts';
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
  /** In the order in which the aggregates were first seen, as is `unproven`; of each the first thousand. */
  readonly drifted: readonly Drift[];
  /** About these nothing can be said. */
  readonly unproven: readonly Unproven[];
  /** How many aggregates agreed; and all of the others. */
  readonly agreed: number;
  readonly driftedCount: number;
  readonly unprovenCount: number;
}

export interface DriftOptions {
  /** Aggregates in all; more end the comparison. Without a bound when `unloads`. */
  readonly aggregatesMax?: number;
  /** Whether somebody keeps what does not fit: then `aggregatesMax` bounds what is in memory. */
  readonly unloads?: boolean;
  readonly saved?: SavedVerdicts | undefined;
}

/** An aggregate as it stands after an item; rows that cannot be read say nothing. */
export interface Compared extends Sides {
  readonly aggregateType: string;
  readonly id: string;
  readonly verdict: AggregateVerdict;
}

/** A drift finder whatever the state of its aggregates is, which stays inside. */
export interface DriftFold {
  /** As in the domain topic's name. */
  readonly aggregateType: string;
  /** Takes the item in, and answers how the aggregates that it is about stand then. */
  take(item: JoinedItem): readonly Compared[];
  idsIn(item: JoinedItem): readonly string[] | 'all';
  report(): DriftReport;
  /** All tables that hold their state, `schema.table`. */
  readonly tables: readonly string[];
  /** Lays what events say of each aggregate beside the rows of its tables. */
  againstTables(rows: readonly BaselineRow[]): TableDrift;
  save(): SavedVerdicts;
  /** Aggregates by id, as texts. */
  readonly keyed: KeyedTexts;
}

/** About 2 KB each. */
const aggregatesMaxDefault = 200_000;

export class DriftFinder<State> implements DriftFold {
  readonly aggregates: KeyedState<TrackedAggregate<State>>;
  readonly keyed: KeyedTexts;
  readonly #mapping: AggregateMapping<State>;
  readonly #tables: ReadonlySet<string>;
  readonly #verdicts: DriftVerdicts;
  readonly #aggregatesMax: number;
  readonly #unloads: boolean;

  constructor(
    mapping: AggregateMapping<State>,
    { aggregatesMax = aggregatesMaxDefault, unloads = false, saved }: DriftOptions = {},
  ) {
    this.#mapping = mapping;
    this.#tables = new Set(mapping.tables);
    this.#verdicts = new DriftVerdicts(mapping.aggregateType, saved);
    this.#aggregatesMax = aggregatesMax;
    this.#unloads = unloads;
    this.aggregates = new KeyedState({ residentMax: aggregatesMax });
    this.keyed = keyedTexts(this.aggregates, {
      write: (aggregate) => stringifyLossless(aggregate.save()),
      read: (text) => new TrackedAggregate(parseLossless(text) as SavedAggregate<State>),
    });
  }

  get aggregateType(): string {
    return this.#mapping.aggregateType;
  }

  /** Takes the next transaction in, whole and in commit order. Throws OperatingError `comparison-exhausted`. */
  add({ identity, domainEvents, changes }: JoinedTransaction): readonly Compared[] {
    const touched = new Set<string>();
    for (const event of domainEvents) this.#takeEvent(event, touched);
    for (const change of changes) this.#takeChange(change, touched);
    return [...touched].map((id) => this.#compare(id, identity));
  }

  /** Takes anything in that comes out of the join. Throws OperatingError `comparison-exhausted`. */
  take(item: JoinedItem): readonly Compared[] {
    switch (item.tag) {
      case 'transaction':
        return this.add(item.transaction);
      case 'released': {
        const touched = new Set<string>();
        if (item.late.tag === 'event') this.#takeEvent(item.late.event, touched);
        else this.#takeChange(item.late.change, touched);
        // A parting that the release ends is over; one that it begins dates from the transaction that lacked it.
        return [...touched].map((id) => this.#compare(id, item.identity));
      }
      case 'baseline':
        this.#takeBaseline(item.row);
        return [];
      case 'irregular':
        return [];
      default:
        return unreachable(item);
    }
  }

  /** The aggregates that an item is about: they have to be in memory when it is taken in. `all` after a truncate. */
  idsIn(item: JoinedItem): readonly string[] | 'all' {
    const changes = changesOf(item);
    if (changes.some((change) => change.op === 't' && this.#tables.has(tableName(change)))) return 'all';
    const ofEvents = eventsOf(item).flatMap((event) => this.#idOfEvent(event) ?? []);
    const ofRows = changes.flatMap((change) => this.#idOfRow(change) ?? []);
    const ofBaseline = item.tag === 'baseline' ? [this.#idOfRow(item.row) ?? []].flat() : [];
    return [...ofEvents, ...ofRows, ...ofBaseline];
  }

  get tables(): readonly string[] {
    return this.#mapping.tables;
  }

  againstTables(rows: readonly BaselineRow[]): TableDrift {
    return tableDrift({ mapping: this.#mapping, aggregates: this.aggregates, rows });
  }

  report(): DriftReport {
    return this.#verdicts.report();
  }

  /** Besides `aggregates`, what another one needs to go on from here. */
  save(): SavedVerdicts {
    return this.#verdicts.save();
  }

  #takeEvent(event: DomainEvent, touched: Set<string>): void {
    const id = this.#idOfEvent(event);
    if (id === undefined) return;
    this.#aggregate(id).takeEvent(event, this.#mapping);
    touched.add(id);
  }

  #takeChange(change: Change, touched: Set<string>): void {
    if (!this.#tables.has(tableName(change))) return;
    // A truncate is of all rows, whoever they belong to.
    const ids = change.op === 't' ? [...this.aggregates.keys()] : [this.#idOfRow(change) ?? []].flat();
    for (const id of ids) {
      this.#aggregate(id).takeChange(change, this.#mapping);
      touched.add(id);
    }
  }

  #takeBaseline(row: BaselineRow): void {
    const id = this.#idOfRow(row);
    if (id === undefined) return;
    const aggregate = this.#aggregate(id);
    aggregate.takeBaseline(row, this.#mapping);
    // No commit: it may be where both panels meet for the first time, never where they part.
    aggregate.compare(this.#mapping, null);
    this.#settle(id, aggregate);
  }

  #compare(id: string, identity: TransactionIdentity): Compared {
    const aggregate = this.#aggregate(id);
    const sides = aggregate.compare(this.#mapping, referenceTo(identity));
    const verdict = this.#settle(id, aggregate);
    return { aggregateType: this.#mapping.aggregateType, id, ...sides, verdict };
  }

  #settle(id: string, aggregate: TrackedAggregate<State>): AggregateVerdict {
    const verdict = this.#verdicts.settle(id, aggregate);
    this.aggregates.set(id, aggregate);
    if (!this.#unloads && this.aggregates.size > this.#aggregatesMax) throw this.#exhausted();
    return verdict;
  }

  #aggregate(id: string): TrackedAggregate<State> {
    const known = this.aggregates.get(id);
    if (known !== undefined) return known;
    const aggregate = new TrackedAggregate<State>();
    this.aggregates.set(id, aggregate);
    return aggregate;
  }

  #idOfEvent({ aggregateType, key }: DomainEvent): string | undefined {
    return aggregateType === this.#mapping.aggregateType ? (key ?? undefined) : undefined;
  }

  #idOfRow(row: Change | BaselineRow): string | undefined {
    return this.#tables.has(tableName(row)) ? this.#mapping.ownerOf(row) : undefined;
  }

  #exhausted(): OperatingError {
    return new OperatingError(
      'comparison-exhausted',
      `more than ${this.#aggregatesMax} aggregates of type ${this.#mapping.aggregateType}`,
      { remedy: 'Compare a shorter range, or without drift.' },
    );
  }
}

function changesOf(item: JoinedItem): readonly Change[] {
  if (item.tag === 'transaction') return item.transaction.changes;
  return item.tag === 'released' && item.late.tag === 'change' ? [item.late.change] : [];
}

function eventsOf(item: JoinedItem): readonly DomainEvent[] {
  if (item.tag === 'transaction') return item.transaction.domainEvents;
  return item.tag === 'released' && item.late.tag === 'event' ? [item.late.event] : [];
}
