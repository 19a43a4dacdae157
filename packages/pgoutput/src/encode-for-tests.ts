/**
 * Writes pgoutput messages byte by byte, as the manual's page says and independently of the decoder.
 * https://www.postgresql.org/docs/18/protocol-logicalrep-message-formats.html
 */
import type { Relation } from './relation.ts';

/** A column's text; null for SQL null; undefined for a TOASTed value that is not sent. Bytes pass as they are. */
export type Sent = string | Buffer | null | undefined;

export const encode = {
  begin: ({ commitLsn, commitTimeUs, xid }: { commitLsn: bigint; commitTimeUs: bigint; xid: number }) =>
    join('B', int64(commitLsn), time(commitTimeUs), int32(xid)),
  commit: ({ commitLsn, commitEndLsn, commitTimeUs }: CommitFields) =>
    join('C', int8(0), int64(commitLsn), int64(commitEndLsn), time(commitTimeUs)),
  origin: ({ lsn, name }: { lsn: bigint; name: string }) => join('O', int64(lsn), string(name)),
  relation: ({ oid, schema, table, replicaIdentity, columns }: Relation) =>
    join(
      'R',
      int32(oid),
      string(schema === 'pg_catalog' ? '' : schema),
      string(table),
      Buffer.from({ default: 'd', nothing: 'n', full: 'f', index: 'i' }[replicaIdentity]),
      int16(columns.length),
      ...columns.flatMap(({ key, name, typeOid, typeModifier }) => [
        int8(key ? 1 : 0),
        string(name),
        int32(typeOid),
        int32(typeModifier),
      ]),
    ),
  type: ({ oid, schema, name }: { oid: number; schema: string; name: string }) =>
    join('Y', int32(oid), string(schema), string(name)),
  insert: (oid: number, after: readonly Sent[]) => join('I', int32(oid), 'N', tuple(after)),
  update: (oid: number, { before, after }: { before?: SentBefore; after: readonly Sent[] }) =>
    join('U', int32(oid), ...(before ? [before.part, tuple(before.row)] : []), 'N', tuple(after)),
  delete: (oid: number, before: SentBefore) => join('D', int32(oid), before.part, tuple(before.row)),
  truncate: (oids: readonly number[], { cascade = false, restartIdentity = false } = {}) =>
    join('T', int32(oids.length), int8((cascade ? 1 : 0) + (restartIdentity ? 2 : 0)), ...oids.map(int32)),
  message: ({ transactional, lsn, prefix, content }: MessageFields) =>
    join('M', int8(transactional ? 1 : 0), int64(lsn), string(prefix), int32(content.length), content),
};

interface CommitFields {
  readonly commitLsn: bigint;
  readonly commitEndLsn: bigint;
  readonly commitTimeUs: bigint;
}

interface SentBefore {
  readonly part: 'K' | 'O';
  readonly row: readonly Sent[];
}

interface MessageFields {
  readonly transactional: boolean;
  readonly lsn: bigint;
  readonly prefix: string;
  readonly content: Buffer;
}

/** A table `public.cart_items (id int8 primary key, name text)` and the like, with the parts that a test is about. */
export function relationForTests(parts: Partial<Relation> = {}): Relation {
  return {
    oid: 16_385,
    schema: 'public',
    table: 'cart_items',
    replicaIdentity: 'default',
    columns: [
      { name: 'id', key: true, typeOid: 20, typeModifier: -1 },
      { name: 'name', key: false, typeOid: 25, typeModifier: -1 },
    ],
    ...parts,
  };
}

function tuple(values: readonly Sent[]): Buffer {
  const written = values.map((value) => {
    if (value === null) return Buffer.from('n');
    if (value === undefined) return Buffer.from('u');
    const bytes = Buffer.from(value as string);
    return join('t', int32(bytes.length), bytes);
  });
  return Buffer.concat([int16(values.length), ...written]);
}

function join(...parts: readonly (Buffer | string)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

function string(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

function int8(value: number): Buffer {
  return Buffer.of(value);
}

function int16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 255);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value | 0);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt.asIntN(64, value));
  return bytes;
}

/** µs since 1970 to µs since 2000. */
function time(us: bigint): Buffer {
  return int64(us - BigInt(Date.UTC(2000, 0)) * 1000n);
}
