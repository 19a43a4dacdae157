/**
 * The identity of a record: which transaction, and which place in it (docs/wire.md, "Identity").
 * `diptych-tx: <timeline>-<commitLsn, 16 hex digits>-<xid>-<ordinal>-<part>-<commit time in µs>`
 */
import { assert } from '@diptych/runtime/assert';
import { digitsOf, putDigits, putHexDigits } from '@diptych/runtime/digits';
import { formatLsnSortable, type Lsn, parseLsnSortable, type Xid, xid } from '@diptych/wal/lsn';
import type { BodyWriter } from './body-writer.ts';

export interface Identity {
  /** The timeline that holds the commit record. */
  readonly timeline: number;
  /** Start of the commit record. */
  readonly commitLsn: Lsn;
  readonly xid: Xid;
  /** 1-based place of the change among all raw data messages of the transaction; END has the next after the last. */
  readonly ordinal: number;
  /** 0, 1, 2 … when one change makes several records. */
  readonly part: number;
  /** Commit time in µs since 1970. */
  readonly commitTimeUs: bigint;
}

export const identityHeader = 'diptych-tx';

/** The header's value. */
export function formatIdentity(id: Identity): string {
  return identitiesOf(id)(id.ordinal, id.part);
}

/** Formats the identities of one transaction: what is the same in all of them is made once. */
export function identitiesOf(
  transaction: Omit<Identity, 'ordinal' | 'part'>,
): (ordinal: number, part: number) => string {
  const { timeline, commitLsn, xid, commitTimeUs } = transaction;
  const head = `${timeline}-${formatLsnSortable(commitLsn)}-${xid}`;
  const tail = `-${commitTimeUs}`;
  return (ordinal, part) => `${head}-${ordinal}-${part}${tail}`;
}

/** Name of the header with its length, as a record has it. */
const nameField = Buffer.concat([Buffer.from([2 * identityHeader.length]), Buffer.from(identityHeader)]);
const dash = 0x2d;
/** Enough for all of an identity but its ordinal and its part. */
const textBytes = 128;

/** Room that an identity takes in a record at most, in bytes. */
export const identityBytesMax = nameField.length + textBytes + 2 * 12;

/** Writes the identities of one transaction after the other into records. */
export class IdentityWriter {
  readonly #text = Buffer.alloc(textBytes);
  #headEnd = 0;
  #tailEnd = 0;

  begin({ timeline, commitLsn, xid, commitTimeUs }: Omit<Identity, 'ordinal' | 'part'>): void {
    const text = this.#text;
    const position = Number(commitLsn);
    const timeUs = Number(commitTimeUs);
    if (!Number.isSafeInteger(position) || !Number.isSafeInteger(timeUs) || timeUs < 0) {
      this.#headEnd = text.write(`${timeline}-${formatLsnSortable(commitLsn)}-${xid}-`, 'latin1');
      this.#tailEnd = this.#headEnd + text.write(`-${commitTimeUs}`, this.#headEnd, 'latin1');
      return;
    }
    const positionAt = putDigits(text, 0, timeline);
    text[positionAt] = dash;
    const xidAt = putHexDigits(text, positionAt + 1, position);
    text[xidAt] = dash;
    const xidEnd = putDigits(text, xidAt + 1, xid);
    text[xidEnd] = dash;
    this.#headEnd = xidEnd + 1;
    text[this.#headEnd] = dash;
    this.#tailEnd = putDigits(text, this.#headEnd + 1, timeUs);
  }

  /** Name and text of the header. */
  write(body: BodyWriter, { ordinal, part }: Pick<Identity, 'ordinal' | 'part'>): void {
    body.raw(nameField);
    body.length(this.#tailEnd + digitsOf(ordinal) + 1 + digitsOf(part));
    body.raw(this.#text, 0, this.#headEnd);
    body.digits(ordinal);
    body.byte(dash);
    body.digits(part);
    body.raw(this.#text, this.#headEnd, this.#tailEnd);
  }
}

const pattern = /^(\d+)-([0-9A-F]{16})-(\d+)-(\d+)-(\d+)-(-?\d+)$/;

/** Reads the header's value; asserts that it is one of ours. */
export function parseIdentity(text: string): Identity {
  const identity = readIdentity(text);
  assert(identity, `not a ${identityHeader} header: ${text}`);
  return identity;
}

/** Reads the header's value; null when it is not one of ours. */
export function readIdentity(text: string): Identity | null {
  const match = pattern.exec(text);
  if (!match) return null;
  const [, timeline = '', position = '', transaction = '', ordinal = '', part = '', time = ''] = match;
  return {
    timeline: Number(timeline),
    commitLsn: parseLsnSortable(position),
    xid: xid(Number(transaction)),
    ordinal: Number(ordinal),
    part: Number(part),
    commitTimeUs: BigInt(time),
  };
}

/** `<xid>:<commitLsn decimal>`: `transaction.id` in change events and in BEGIN and END. */
export function transactionId(id: Pick<Identity, 'xid' | 'commitLsn'>): string {
  return `${id.xid}:${id.commitLsn}`;
}
