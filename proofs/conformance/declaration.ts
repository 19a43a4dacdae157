/** A difference that is meant, as a predicate with its reason. */
import type { ColumnOf } from './column-of.ts';
import type { Difference } from './compare.ts';
import type { ModeName } from './modes.ts';

export interface Declared {
  readonly name: string;
  readonly reason: string;
  readonly modes: readonly ModeName[];
  /** `type`: of the column that the difference is in, as Postgres writes it; undefined elsewhere. */
  readonly holds: (difference: Difference, type: string | undefined, place: Place) => boolean;
}

/** What is known of a difference besides itself. */
export interface Place {
  readonly mode: ModeName;
  /** The column that it is in; undefined where it is in none. */
  readonly column: ColumnOf | undefined;
  /** Positions of logical messages outside of transactions. */
  readonly messages: ReadonlySet<string>;
  /** Keys that the stream has changed, `topic key`. */
  readonly streamed: ReadonlySet<string>;
  /** Topics of tables whose key was another for a while, or is not their primary key. */
  readonly rekeyed: ReadonlySet<string>;
  /** Topics, and the transactions of their changes, whose keys the reference leaves a column out of. */
  readonly curtailed: ReadonlySet<string>;
  /** What ours has set aside: `topic xid` and `topic key`. */
  readonly parked: ReadonlySet<string>;
}

export const bothModes: readonly ModeName[] = ['exact', 'debezium'];

/** Types whose columns the reference never leaves out: there, a missing column is something else. */
export const referenceKnows =
  /^(smallint|integer|bigint|numeric|real|double precision|boolean|text|character|bytea|date|time|uuid|json|inet|cidr|macaddr|bit|money|xml|point|oid)\b(?!.*\[\])/;
