/**
 * What the console's server says about aggregates, in reports and in files (`console-api.ts`).
 */
import type { AggregateName, Position, TimelineItem, TransactionName } from './console-api.ts';
import type { AuditOf } from './leak-report.ts';

/** `GET /api/aggregates?type=cart&prefix=10&limit=50`: by their ids. */
export interface AggregatesAnswer {
  readonly aggregates: readonly (AggregateName & {
    /** Its two states differ; of the first thousand of which they do. */
    readonly drifted: boolean;
  })[];
  readonly hasMore: boolean;
}

/** One fact of an aggregate on both sides; null where the side does not have it. */
export interface Fact {
  /** `status`, `line banana` */
  readonly fact: string;
  readonly events: string | null;
  readonly rows: string | null;
  readonly differs: boolean;
}

/** A transaction in the life of an aggregate, and its state right after it. */
export interface AggregateMoment {
  readonly position: Position;
  /** The transaction's, of this aggregate alone: its events, and the changes of its rows. */
  readonly item: TimelineItem;
  /** Both states; null when no mapping says how to fold it (docs/compare.md). */
  readonly facts: readonly Fact[] | null;
  /** Whether the side knows the aggregate here. */
  readonly exists: { readonly events: boolean; readonly rows: boolean };
}

/** `GET /api/aggregates/<type>/<id>?before=<position>&limit=200`: 404 when nothing of it is kept. */
export interface AggregateAnswer extends AggregateName {
  readonly verdict: AggregateVerdict;
  /** In commit order, oldest first; the newest ones when there are more. */
  readonly moments: readonly AggregateMoment[];
  /** Earlier ones are kept: ask again `before` the first. */
  readonly hasOlder: boolean;
}

export type AggregateVerdict =
  | { readonly tag: 'agreed' }
  | { readonly tag: 'drifted'; readonly since: TransactionName & { readonly position: Position } }
  | { readonly tag: 'unproven'; readonly reason: UnprovenReason }
  /** No mapping. */
  | { readonly tag: 'unmapped' };

export type UnprovenReason = 'beginning-unseen' | 'event-unreadable' | 'row-unreadable';

/** Up to where each report speaks. */
export interface Horizon {
  readonly horizon: TransactionName | null;
}

/** Where a transaction is named in a report: `position` leads to it, when it is kept. */
export type NamedTransaction = TransactionName & { readonly position: Position };

/** `GET /api/leaks` */
export interface LeaksAnswer extends Horizon, AuditOf<NamedTransaction> {}

/** `GET /api/drift` */
export interface DriftAnswer extends Horizon {
  readonly types: readonly {
    readonly aggregateType: string;
    readonly agreed: number;
    readonly driftedCount: number;
    readonly unprovenCount: number;
    /** The first thousand. */
    readonly drifted: readonly DriftedAggregate[];
    readonly unproven: readonly (AggregateName & { readonly reason: UnprovenReason })[];
  }[];
}

export interface DriftedAggregate extends AggregateName {
  /** The first transaction after which both sides differed and never agreed again. */
  readonly since: NamedTransaction;
  /** Both sides right after it. */
  readonly facts: readonly Fact[];
}

/** `GET /api/intent` */
export interface IntentAnswer extends Horizon {
  /** Sorted by type. */
  readonly events: readonly {
    readonly type: string;
    readonly transactions: number;
    readonly changesPerEvent: number;
    readonly ambiguous: number;
  }[];
  readonly pairs: readonly {
    readonly left: string;
    readonly right: string;
    readonly transactions: number;
    readonly indistinguishable: number;
    readonly shapes: readonly string[];
  }[];
  /** By row and column of `events`: of the row's transactions, those of a shape that the column's type has too. */
  readonly matrix: readonly (readonly number[])[];
}

/** `GET /api/price`: what `diptych price --json` wrote last into the file that the console is told of. */
export interface PriceAnswer {
  readonly report: PriceReport | null;
  /** When the file was written. */
  readonly measuredAt: string | null;
  /** How to make one, in words. */
  readonly howTo: string;
}

export interface PriceReport {
  /** What was measured, one after another: plain CRUD, with an outbox table, insert and delete, logical message. */
  readonly ways: readonly {
    readonly way: string;
    readonly transactions: number;
    readonly walBytesPerTransaction: number;
    readonly commitMs: { readonly p50: number; readonly p99: number };
    readonly tableBytesPerTransaction: number;
  }[];
  readonly seconds: number;
  readonly method: string;
}

/**
 * `GET /api/export/<what>.<form>`: a file to save. `timeline` takes the filter and the newest 10,000 transactions; each
 * row of its CSV is an event or a row change.
 */
export type Export = `${'timeline' | 'leaks' | 'drift' | 'intent'}.${'csv' | 'json'}`;
