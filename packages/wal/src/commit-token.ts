/** The token of a commit, which a service answers a write with (docs/wire.md, "Commit token"): `<xid8>@<lsn>`. */
import { formatLsn, type Lsn, parseLsn } from './lsn.ts';

export interface CommitToken {
  /** 64 bits: it never comes again in this cluster. */
  readonly xid: bigint;
  /** Where the WAL ended right after the commit: at the end of the commit record, or beyond. */
  readonly lsn: Lsn;
}

const xidMax = 2n ** 64n - 1n;

/** Reads `757@0/16B37480`; undefined for anything else. */
export function parseCommitToken(text: string): CommitToken | undefined {
  const [, xid = '', lsn = ''] = /^(\d{1,20})@([0-9A-F]{1,8}\/[0-9A-F]{1,8})$/.exec(text) ?? [];
  if (lsn === '' || BigInt(xid) > xidMax) return undefined;
  return { xid: BigInt(xid), lsn: parseLsn(lsn) };
}

/** As services answer it, `757@0/16B37480`. */
export function formatCommitToken({ xid, lsn }: CommitToken): string {
  return `${xid}@${formatLsn(lsn)}`;
}
