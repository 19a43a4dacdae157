/** How an aggregate is folded from either panel, so that both can be laid side by side. */
import type { AggregateRows } from './aggregate-rows.ts';
import type { BaselineRow, Change, DomainEvent } from './joined-transaction.ts';

/**
 * What is true of an aggregate, each fact by its name: `{status: 'open', 'line banana': '2 × 1.00'}`. Amounts are
 * exact decimal strings. Both panels are compared as facts, and a difference is told as one.
 */
export type Facts = Readonly<Record<string, string>>;

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: 'event-unreadable' | 'row-unreadable' };

export interface AggregateMapping<State> {
  /** As in the domain topic's name. */
  readonly aggregateType: string;
  /** All tables that hold its state, `schema.table`. */
  readonly tables: readonly string[];
  /** The one of them that has one row for each aggregate: its insert is the beginning. */
  readonly rootTable: string;
  /** The id, as domain events have it for their key, of the aggregate to which a changed row belongs. */
  readonly ownerOf: (row: Change | BaselineRow) => string | undefined;
  /** Whether the event is the first of an aggregate. */
  readonly begins: (event: DomainEvent) => boolean;
  /** The state is plain data: it may be saved as JSON, lossless, and go on elsewhere. */
  readonly evolve: (state: State | undefined, event: DomainEvent) => Read<State | undefined>;
  readonly factsOfEvents: (state: State) => Facts;
  /** undefined while there is no row in the root table. */
  readonly factsOfRows: (rows: AggregateRows) => Read<Facts | undefined>;
}
