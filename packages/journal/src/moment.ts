/** A moment in the life of a stream, and how people write it: a version, a time, or the token of a commit. */
import { type CommitToken, parseCommitToken } from '@diptych/wal/commit-token';
import { z } from 'zod';

export type Moment =
  /** After the event of this version; 0 is before the first. */
  | { readonly tag: 'version'; readonly version: bigint }
  /** In µs since 1970. An event's time is that at which its transaction began. */
  | { readonly tag: 'time'; readonly timeUs: bigint }
  /** After the last event that this transaction wrote to the stream. */
  | { readonly tag: 'commit'; readonly commit: CommitToken };

const versionMax = 2n ** 63n - 1n;

/** How a moment is written, for messages. */
export const momentForms =
  'a version such as 3, a time such as 2026-11-21T12:00:00Z, or a commit token such as 757@0/16B37480';

/** Reads any of the three; undefined for what is none of them. */
export function parseMoment(text: string): Moment | undefined {
  if (/^\d{1,19}$/.test(text)) {
    const version = BigInt(text);
    return version <= versionMax ? { tag: 'version', version } : undefined;
  }
  const commit = parseCommitToken(text);
  if (commit) return { tag: 'commit', commit };
  const timeUs = parseTime(text);
  return timeUs === undefined ? undefined : { tag: 'time', timeUs };
}

const isoTime = z.iso.datetime({ offset: true });

/** ISO 8601 with an offset; digits beyond the microsecond are cut off. */
function parseTime(text: string): bigint | undefined {
  if (!isoTime.safeParse(text).success) return undefined;
  const [, second = '', fraction = '', offset = ''] = /^(.*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const ms = Date.parse(`${second}${offset}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}

/** What Postgres stores without an error: years 1 to 9999. No event is of any other. */
const timeBounds = { fromMs: Date.parse('0001-01-01T00:00:00Z'), toMs: Date.parse('9999-12-31T23:59:59Z') };

/** As a `timestamptz` is written: UTC, with microseconds. */
export function formatTime(timeUs: bigint): string {
  const microseconds = ((timeUs % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const ms = Number((timeUs - microseconds) / 1000n);
  const second = new Date(Math.min(Math.max(ms, timeBounds.fromMs), timeBounds.toMs)).toISOString();
  return second.replace(/\.\d+Z$/, `.${microseconds.toString().padStart(6, '0')}Z`);
}
