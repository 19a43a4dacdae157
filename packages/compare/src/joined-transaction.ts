/** A committed transaction as both panels tell it, and the order of transactions. */
import type { Identity } from '@diptych/kafka/identity';
import type { Irregularity } from './irregularity.ts';
import type { JsonObject } from './json-object.ts';
import type { Writer } from './leak-report.ts';

/** Which transaction: `(timeline, commitLsn)`; xid and commit time are told besides. */
export type TransactionIdentity = Omit<Identity, 'ordinal' | 'part'>;

/** One committed transaction, whole: what was meant and what was done, each in the order in which it happened. */
export interface JoinedTransaction {
  readonly identity: TransactionIdentity;
  /** UTC, with microseconds: `2026-11-21T11:02:03.456789Z`. */
  readonly commitTime: string;
  readonly domainEvents: readonly DomainEvent[];
  readonly changes: readonly Change[];
  /** Records set aside by the relay (docs/wire.md, "parked"): the transaction had them, its panels do not. */
  readonly parkedCount: number;
  /** Who wrote it, when it said so; null: unknown. */
  readonly writer: Writer | null;
  /** Records that were counted but not kept, because the transaction has more than `recordsPerTransactionMax`. */
  readonly omitted: number;
}

interface Placed {
  /** 1-based place among all raw data messages of the transaction. */
  readonly ordinal: number;
  readonly part: number;
}

/** What a record of the domain panel says. What the outbox table has no column for is null. */
export interface DomainEvent extends Placed {
  readonly topic: string;
  /** From the topic's name. */
  readonly aggregateType: string;
  /** The aggregate's id. */
  readonly key: string | null;
  readonly id: string | null;
  readonly type: string;
  /** Version of the payload's schema. */
  readonly version: number | null;
  readonly aggregateVersion: bigint | null;
  /** Parsed without loss (integers beyond 2^53 are bigints); what is not JSON is its text. */
  readonly payload: unknown;
  readonly headers: ReadonlyMap<string, string>;
}

/** `c` insert, `u` update, `d` delete, `t` truncate. */
export type Operation = 'c' | 'u' | 'd' | 't';

/** What a record of the change panel says. Values are parsed without loss. */
export interface Change extends Placed {
  readonly topic: string;
  readonly schema: string;
  readonly table: string;
  readonly op: Operation;
  /** The primary key's columns; null for a truncate and for a table without one. */
  readonly key: JsonObject | null;
  /** The whole row before when the table has REPLICA IDENTITY FULL; else null, or for a delete its key. */
  readonly before: JsonObject | null;
  readonly after: JsonObject | null;
  /** Columns that keep a TOASTed value which the server did not send; `after` lacks them. */
  readonly unchanged: readonly string[];
}

/** A row as a snapshot read it: where both panels begin for it, and part of no transaction. */
export interface BaselineRow extends Pick<Change, 'topic' | 'schema' | 'table' | 'key'> {
  /** Which snapshot. */
  readonly snapshot: string;
  readonly row: JsonObject;
}

/** What was set aside when its transaction was published and came behind it: END does not count it. */
export type LateRecord =
  | { readonly tag: 'event'; readonly event: DomainEvent }
  | { readonly tag: 'change'; readonly change: Change };

/** What comes out of the join: transactions in commit order, everything else in the order of its own partition. */
export type JoinedItem =
  | { readonly tag: 'transaction'; readonly transaction: JoinedTransaction }
  | { readonly tag: 'baseline'; readonly row: BaselineRow }
  | { readonly tag: 'released'; readonly identity: TransactionIdentity; readonly late: LateRecord }
  | { readonly tag: 'irregular'; readonly irregularity: Irregularity };

/** `schema.table`, as END's `data_collections` spells it. */
export function tableName({ schema, table }: Pick<Change, 'schema' | 'table'>): string {
  return `${schema}.${table}`;
}

type Commit = Pick<Identity, 'timeline' | 'commitLsn'>;

/** Commit order: a later timeline begins where it left the one before. */
export function compareCommits(left: Commit, right: Commit): number {
  if (left.timeline !== right.timeline) return left.timeline - right.timeline;
  return left.commitLsn < right.commitLsn ? -1 : left.commitLsn > right.commitLsn ? 1 : 0;
}

/** Order of records: by commit, then by place in the transaction. */
export function compareIdentities(left: Commit & Placed, right: Commit & Placed): number {
  return compareCommits(left, right) || comparePlaces(left, right);
}

/** Order inside one transaction. */
export function comparePlaces(left: Placed, right: Placed): number {
  return left.ordinal - right.ordinal || left.part - right.part;
}

/** UTC with microseconds, of a time in µs since 1970. */
export function formatCommitTime(commitTimeUs: bigint): string {
  const microseconds = ((commitTimeUs % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const second = new Date(Number((commitTimeUs - microseconds) / 1000n)).toISOString();
  return second.replace(/\.\d+Z$/, `.${microseconds.toString().padStart(6, '0')}Z`);
}
