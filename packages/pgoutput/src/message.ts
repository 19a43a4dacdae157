/**
 * What pgoutput says, one message each, as protocol version 1 defines it.
 * https://www.postgresql.org/docs/18/protocol-logicalrep-message-formats.html
 */
import type { Lsn, Xid } from '@diptych/wal/lsn';
import type { Relation } from './relation.ts';
import type { Row } from './row.ts';

export type Message =
  | { readonly tag: 'begin'; readonly commitLsn: Lsn; readonly commitTimeUs: bigint; readonly xid: Xid }
  | {
      readonly tag: 'commit';
      readonly commitLsn: Lsn;
      readonly commitEndLsn: Lsn;
      readonly commitTimeUs: bigint;
    }
  | { readonly tag: 'origin'; readonly lsn: Lsn; readonly name: string }
  | { readonly tag: 'relation'; readonly relation: Relation }
  | { readonly tag: 'type'; readonly oid: number; readonly schema: string; readonly name: string }
  | DataMessage;

/** The messages that carry data: each has an ordinal in its transaction, except a non-transactional logical message. */
export type DataMessage =
  | { readonly tag: 'insert'; readonly relation: Relation; readonly after: Row }
  | {
      readonly tag: 'update';
      readonly relation: Relation;
      readonly before: Before | null;
      readonly after: Row;
    }
  | { readonly tag: 'delete'; readonly relation: Relation; readonly before: Before }
  | {
      readonly tag: 'truncate';
      readonly relations: readonly Relation[];
      readonly cascade: boolean;
      readonly restartIdentity: boolean;
    }
  | LogicalMessage;

/** What `pg_logical_emit_message` wrote. The content's bytes are valid only until the next message is read. */
export interface LogicalMessage {
  readonly tag: 'message';
  readonly transactional: boolean;
  readonly lsn: Lsn;
  readonly prefix: string;
  readonly content: Buffer;
}

/**
 * The row before: only its key (replica identity DEFAULT or INDEX), or whole (FULL). In a key the other columns stand
 * as nulls, which say nothing of the row.
 */
export type Before = { readonly tag: 'key'; readonly row: Row } | { readonly tag: 'row'; readonly row: Row };
