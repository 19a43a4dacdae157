/**
 * What the console's server and its page say to each other: paths, queries and answers, as they are in JSON. Types alone,
 * and none from elsewhere: a bundle for a browser may import it.
 *
 * - Integers that a double may not hold are texts. Times are ISO 8601 in UTC; a commit's has microseconds.
 * - Everything but 2xx is a problem document (RFC 9457, `Problem`).
 * - With a token set, each request carries `authorization: Bearer <token>` or the cookie that `POST /login` sets; 401 else.
 * - A request that changes something carries the header `diptych-console: 1` and comes from the page's own origin; 403 else.
 *
 * What is asked for in reports stands in `console-reports.ts`, health and parked records in `console-health.ts`.
 */
import type { HealthSample } from './console-health.ts';

/**
 * Where a transaction stands in commit order, `<timeline>-<commitLsn, 16 hex digits>`, as in the header `diptych-tx`: the
 * cursor of pages, the id of live events, the name in links. On one timeline positions compare as texts.
 */
export type Position = string;

/** A transaction named for people. */
export interface TransactionName {
  /** `<xid>:<commitLsn decimal>`, as in change events and END. */
  readonly transaction: string;
  readonly timeline: number;
  readonly xid: number;
  /** PostgreSQL's text form, `16/B374D848`. */
  readonly commitLsn: string;
  readonly commitTime: string;
}

/** A value of a row. */
export type Cell =
  /** Text as it is; everything else as its JSON. `cut`: only its beginning was kept. */
  | { readonly tag: 'value'; readonly text: string; readonly cut: boolean }
  | { readonly tag: 'null' }
  /** Not to be shown; equal values have equal digests. */
  | { readonly tag: 'masked'; readonly digest: string }
  /** Not sent: a TOASTed value that did not change, or what a row was that nobody saw. */
  | { readonly tag: 'unknown' };

export interface Column {
  readonly column: string;
  /** Of an insert absent, as `after` of a delete. */
  readonly before?: Cell;
  readonly after?: Cell;
  /** Of an update, whether the value changed; when it is not known what the row was, false. */
  readonly changed: boolean;
}

/** What was done to one row. */
export interface RowChange {
  readonly ordinal: number;
  /** `schema.table` */
  readonly table: string;
  /** `c` insert, `u` update, `d` delete, `t` truncate. */
  readonly op: 'c' | 'u' | 'd' | 't';
  /** The primary key; empty for a truncate and for a table without one. */
  readonly key: readonly { readonly column: string; readonly cell: Cell }[];
  /** In the table's order, without those of the key. */
  readonly columns: readonly Column[];
  /** In one line, as `diptych tail` shows it. */
  readonly words: string;
}

/** What was meant. */
export interface DomainEvent {
  readonly ordinal: number;
  readonly id: string | null;
  readonly type: string;
  readonly aggregateType: string;
  /** The aggregate's id. */
  readonly key: string | null;
  readonly aggregateVersion: string | null;
  /** In one line: `ItemAdded  cart 101  banana ×1  $1.00  (customer)`. */
  readonly words: string;
  /** Who, and why, as the payload or the headers say. */
  readonly actor: string | null;
  readonly reason: string | null;
  /** JSON text, exact; `cut` as in `Cell`. */
  readonly payload: { readonly text: string; readonly cut: boolean };
  /** It was parked when its transaction was published, and came later. */
  readonly released: boolean;
}

/** An aggregate that a transaction touched. */
export interface AggregateName {
  readonly aggregateType: string;
  readonly id: string;
}

/** What is wrong with a transaction, as far as it is known now. */
export interface Marks {
  /** It changed an audited table and carried no event, and its shape is not accepted. */
  readonly leak: boolean;
  /** The aggregates whose two states part here, and have not met since. */
  readonly drifts: readonly AggregateName[];
}

/** One transaction, both panels side by side. */
export interface TimelineItem extends TransactionName, Marks {
  readonly position: Position;
  /** From the commit until it was folded, in ms. */
  readonly lagMs: number;
  readonly events: readonly DomainEvent[];
  readonly changes: readonly RowChange[];
  /** How many it had; a page shows the first `shownMax` of each, `GET /api/transactions/…` all that were kept. */
  readonly eventCount: number;
  readonly changeCount: number;
  /** Records that were set aside, and have not been released. */
  readonly parkedCount: number;
  readonly aggregates: readonly AggregateName[];
}

/** `GET /api/session`: asked first. */
export interface Session {
  readonly name: string;
  readonly version: string;
  /** Whether this console asks for a token: then the page may offer `POST /logout`. */
  readonly token: boolean;
  /** Records of a transaction on a page of the timeline, events and changes each. */
  readonly shownMax: number;
  /** Transactions that are kept; older ones are forgotten. */
  readonly keptMax: number;
  readonly state: EngineState;
}

/** How far the comparison is. */
export interface EngineState {
  /** The last transaction up to which all are compared; null when there is none. */
  readonly horizon: (TransactionName & { readonly position: Position }) | null;
  readonly transactions: number;
  readonly events: number;
  readonly changes: number;
  readonly leaks: number;
  readonly drifted: number;
  /** From the last commit until it was folded, in ms; null when none was folded for ten seconds: nothing is behind then. */
  readonly lagMs: number | null;
  /** Whether everything has been read that was there when the engine began. */
  readonly caughtUp: boolean;
  readonly blockedBy: Blocking | null;
  /** Why the engine does not go on at the moment; null when it does. */
  readonly trouble: Trouble | null;
  /** What is kept for the timeline. */
  readonly kept: {
    readonly count: number;
    readonly oldest: Position | null;
    readonly newest: Position | null;
  };
}

/** A transaction that is not whole: nothing behind it is compared. */
export interface Blocking extends TransactionName {
  /** What its END counts; null when its END is missing. */
  readonly expected: { readonly events: number; readonly changes: number } | null;
  readonly got: { readonly events: number; readonly changes: number };
}

/** An operating error (docs/errors.md). */
export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** What is shown; all that are given hold. The same for `GET /api/live` and `GET /api/export/timeline.*`. */
export interface TimelineFilter {
  /** `<aggregate type>:<id>`, `cart:101` */
  readonly aggregate?: string;
  /** `schema.table` */
  readonly table?: string;
  /** Type of event. */
  readonly type?: string;
  /** Only transactions with a leak, or where a drift begins. */
  readonly differences?: 'only';
}

/** `GET /api/timeline?…`: at most one of `before`, `after`, `around`; without any, the newest. */
export interface TimelineQuery extends TimelineFilter {
  /** Older than this one. */
  readonly before?: Position;
  /** Newer than this one: the oldest of them, so that pages join. */
  readonly after?: Position;
  /** This one, and half of the page on either side. */
  readonly around?: Position;
  /** 1 to 500; default 100. */
  readonly limit?: number;
}

export interface TimelinePage {
  /** Newest first, whichever way was asked. */
  readonly items: readonly TimelineItem[];
  /** Whether there are older, and newer, ones than these that the filter lets through. */
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
}

/** `GET /api/facets`: what can be filtered by, of what is kept; sorted, a thousand of each at most. */
export interface Facets {
  readonly tables: readonly string[];
  readonly types: readonly string[];
  readonly aggregateTypes: readonly string[];
}

/** `GET /api/transactions/<position>`: all that was kept of it; 404 when it is not kept. */
export type TransactionAnswer = TimelineItem;

/**
 * `GET /api/find?…`: exactly one of them. `lsn` is PostgreSQL's text form, `token` that of a commit, `time` ISO 8601 with an offset.
 */
export interface FindQuery {
  readonly xid?: number;
  readonly lsn?: string;
  readonly token?: string;
  readonly time?: string;
}

export interface Found {
  /** The transaction itself; of a position or a time between two, the last one before it; null when none is kept. */
  readonly position: Position | null;
  /** Whether it is the one that was asked for. */
  readonly exact: boolean;
}

/**
 * `GET /api/live?…filter…&after=<position>`: server-sent events. Beyond `after`, or beyond the header `Last-Event-ID` of a
 * connection that is made again, what was missed comes first, 1,000 transactions at most; then what comes. `after` absent:
 * from now on. A comment comes every 15 s. 503 when too many are connected.
 *
 * Each `event:` is a `tag`, its `data:` the rest; `transaction` and `gap` have an `id:`, the position.
 */
export type LiveEvent =
  | { readonly tag: 'transaction'; readonly data: TimelineItem }
  /** Of one that was sent or shown before: an event was released, a drift is over, a table became audited; the newest hundred. */
  | { readonly tag: 'update'; readonly data: TimelineItem }
  /** First, and each second when it changed. */
  | { readonly tag: 'state'; readonly data: EngineState }
  /** As it is taken. */
  | { readonly tag: 'sample'; readonly data: HealthSample }
  /** More was missed, or came at once, than is sent: load the newest page; `newest` is where the events go on. */
  | { readonly tag: 'gap'; readonly data: { readonly newest: Position | null } };

/** `GET /await?token=<xid8>@<lsn>&timeoutMs=10000`: 200 when both panels have published that commit; else a `Problem`, 504. */
export interface AwaitAnswer {
  readonly token: string;
  readonly passed: true;
}

/** RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
}
