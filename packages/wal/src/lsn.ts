/**
 * A byte position in the write-ahead log, 64 bit unsigned, and its text forms. No other file knows them.
 * https://www.postgresql.org/docs/18/datatype-pg-lsn.html
 */
import { assert } from '@diptych/runtime/assert';
import { unsigned32At } from '@diptych/runtime/bytes';

declare const lsnBrand: unique symbol;
export type Lsn = bigint & { readonly [lsnBrand]: true };

declare const xidBrand: unique symbol;
/** A 32-bit transaction id as pgoutput sends it, unsigned. It wraps around; the xid8 of SQL does not. */
export type Xid = number & { readonly [xidBrand]: true };

/** No position: what the server understands as "nothing to report". */
export const lsnZero = 0n as Lsn;

const lsnMax = 0xffff_ffff_ffff_ffffn;

/** Brands an integer from a message or from arithmetic. */
export function lsn(value: bigint): Lsn {
  // The text is made when it is needed: this runs for each message.
  if (value < 0n || value > lsnMax) assert(false, `an LSN has 64 bits, not ${value}`);
  return value as Lsn;
}

/** Brands a transaction id. */
export function xid(value: number): Xid {
  // As above: this runs for each transaction.
  const isXid = Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
  if (!isXid) assert(false, `an xid has 32 bits, not ${value}`);
  return value as Xid;
}

/** Eight bytes, big-endian, as the protocol has them. `Buffer`'s own way makes four bigints of them; this runs for each message. */
export function readLsn(bytes: Buffer, at: number): Lsn {
  const high = unsigned32At(bytes, at);
  const low = unsigned32At(bytes, at + 4);
  // Eight petabytes of WAL, and a number still holds it.
  if (high <= safeHigh) return BigInt(high * 0x1_0000_0000 + low) as Lsn;
  return ((BigInt(high) << 32n) | BigInt(low)) as Lsn;
}

/** The upper half of `Number.MAX_SAFE_INTEGER`. */
const safeHigh = 0x1f_ffff;

/** Reads PostgreSQL's text form, `16/B374D848`. */
export function parseLsn(text: string): Lsn {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  assert(match, `not an LSN: ${text}`);
  return lsn((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`));
}

/** PostgreSQL's text form, `16/B374D848`. */
export function formatLsn(position: Lsn): string {
  const high = (position >> 32n).toString(16).toUpperCase();
  const low = (position & 0xffff_ffffn).toString(16).toUpperCase();
  return `${high}/${low}`;
}

/** Sixteen hex digits, so that text sorts as positions do: `00000016B374D848`. */
export function formatLsnSortable(position: Lsn): string {
  return position.toString(16).toUpperCase().padStart(16, '0');
}

/** Reads the sixteen digits of formatLsnSortable. */
export function parseLsnSortable(text: string): Lsn {
  assert(/^[0-9A-F]{16}$/.test(text), `not a sortable LSN: ${text}`);
  return lsn(BigInt(`0x${text}`));
}
