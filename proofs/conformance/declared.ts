/**
 * The differences that we mean: each a predicate with its reason. Whatever no predicate takes is a failure.
 * What only a case can say – that the reference loses, invents or hides something – stands in that case (`reference fails`).
 */
import { absent, type Difference, show } from './compare.ts';
import type { ModeName } from './modes.ts';
import { isObject } from './observed.ts';

export interface Declared {
  readonly name: string;
  readonly reason: string;
  readonly modes: readonly ModeName[];
  /** `type`: of the column that the difference is in, as Postgres writes it; undefined elsewhere. */
  readonly holds: (difference: Difference, type: string | undefined) => boolean;
}

const both: readonly ModeName[] = ['exact', 'debezium'];

const dayMicroseconds = 86_400_000_000;

/** Types whose columns the reference never leaves out: there, a missing column is something else. */
const referenceKnows =
  /^(smallint|integer|bigint|numeric|real|double precision|boolean|text|character|bytea|date|time|uuid|json|inet|cidr|macaddr|bit|money|xml|point|oid)\b(?!.*\[\])/;

export const declared: readonly Declared[] = [
  {
    name: 'before-holds-what-was-sent',
    reason:
      'With the default identity the server sends the key alone. We give that; the reference fills `before` up with ' +
      'nulls, zeros and epochs that never stood in the row.',
    modes: both,
    holds: ({ path, ours, pair }) => {
      const column = /^value\.before\.(.+)$/.exec(path)?.[1];
      return column !== undefined && ours === absent && isKeyAlone(pair.ours?.value, pair.ours?.key);
    },
  },
  {
    name: 'unchanged-is-named',
    reason:
      'A TOASTed value that was not sent is left out and named in `unchanged`; the reference puts a placeholder ' +
      'where a reader takes it for the value.',
    modes: ['exact'],
    holds: ({ path, ours, theirs, pair }) => {
      const unchanged = unchangedOf(pair.ours?.value);
      if (path === 'value.unchanged') return theirs === absent && unchanged.length > 0;
      const column = /^value\.after\.([^.[]+)/.exec(path)?.[1];
      return column !== undefined && ours === absent && theirs !== absent && unchanged.includes(column);
    },
  },
  {
    name: 'no-begin',
    reason: 'END says all that BEGIN says; BEGIN comes by configuration and in compat.',
    modes: ['exact'],
    holds: ({ topic, path, ours, pair }) =>
      topic === 'transaction' &&
      path === '' &&
      ours === absent &&
      isObject(pair.theirs?.value) &&
      pair.theirs.value.status === 'BEGIN',
  },
  {
    name: 'no-metadata-without-events',
    reason:
      'A transaction of which nothing is published has neither BEGIN nor END; the reference counts none and says so, ' +
      'for instance of a skipped TRUNCATE.',
    modes: ['debezium'],
    holds: ({ topic, path, ours, pair }) =>
      topic === 'transaction' &&
      path === '' &&
      ours === absent &&
      isObject(pair.theirs?.value) &&
      (pair.theirs.value.status === 'BEGIN' || pair.theirs.value.event_count === 0),
  },
  {
    name: 'messages-are-one-collection',
    reason:
      'The reference counts each logical message as a collection of its own, named by the address of a Java object.',
    modes: both,
    holds: ({ topic, path, theirs }) =>
      (topic === 'message' && path === 'value.transaction.data_collection_order') ||
      (topic === 'transaction' &&
        path.startsWith('value.data_collections') &&
        show(theirs).includes('LogicalDecodingMessageId@')),
  },
  {
    name: 'message-outside-a-transaction',
    reason:
      'Such a message has no commit, so no commit time and no place in the order of commits: the reference takes those of ' +
      'the transaction before it, we take the time of reading.',
    modes: both,
    holds: ({ topic, path, pair }) =>
      topic === 'message' &&
      /^value\.source\.(ts_ms|ts_us|ts_ns|sequence)$/.test(path) &&
      isObject(pair.ours?.value) &&
      isObject(pair.ours.value.source) &&
      pair.ours.value.source.txId === null,
  },
  {
    name: 'no-tombstone-without-key',
    reason:
      'A tombstone is for compaction by key: with a null key it means nothing, and a compacted topic refuses it.',
    modes: both,
    holds: ({ path, ours, pair }) =>
      path === '' && ours === absent && pair.theirs?.value === null && pair.theirs.key === null,
  },
  {
    name: 'end-counts-domain-events',
    reason: 'END covers both panels; readers of Debezium’s END ignore fields that they do not know.',
    modes: both,
    holds: ({ topic, path, theirs }) =>
      topic === 'transaction' &&
      theirs === absent &&
      /^value\.(domain_event_count|domain_events|parked_count)$/.test(path),
  },
  {
    name: 'no-column-is-left-out',
    reason:
      'The reference leaves out columns whose type it does not know (composites, multiranges, intervals in arrays …). ' +
      'We give the text that the database gives; the database itself judges it.',
    modes: both,
    holds: ({ path, ours, theirs }, type) =>
      /^value\.(before|after)\.[^.[]+$/.test(path) &&
      theirs === absent &&
      ours !== absent &&
      !referenceKnows.test(type ?? ''),
  },
  {
    name: 'no-null-for-a-value',
    reason:
      'The reference gives null for values that it cannot convert (name, offsets beyond 18 h, enum labels in arrays that ' +
      'it has not seen …). The row had a value, and the database judges ours.',
    modes: both,
    holds: ({ path, ours, theirs }) =>
      /^value\.(before|after)\./.test(path) && theirs === null && ours !== null && ours !== absent,
  },
  {
    name: 'bits-are-digits',
    reason: 'The reference makes bytes of bit strings, which forget how many zeros they begin with.',
    modes: ['exact'],
    holds: ({ ours }, type) => /^bit\b/.test(type ?? '') && typeof ours === 'string' && /^[01]*$/.test(ours),
  },
  {
    name: 'infinity-is-infinity',
    reason:
      'The reference turns infinite dates, timestamps and intervals into some date or length that never was.',
    modes: ['exact'],
    holds: ({ ours }, type) =>
      /^(date|timestamp|interval)/.test(type ?? '') && /^-?infinity$/i.test(String(ours)),
  },
  {
    name: '24-o-clock-is-not-midnight',
    reason: 'The reference turns 24:00:00, the end of a day, into 00:00:00, its beginning.',
    modes: both,
    holds: ({ ours, theirs }, type) =>
      /^time\b/.test(type ?? '') &&
      ((/^24:00:00/.test(String(ours)) && /^00:00:00/.test(String(theirs))) ||
        (ours === dayMicroseconds && theirs === 0)),
  },
  {
    name: 'intervals-are-not-summed-in-doubles',
    reason:
      'The reference computes with doubles: its fraction of a second is off by a nanosecond, its sum by some µs.',
    modes: both,
    holds: ({ ours, theirs }, type) => /^interval/.test(type ?? '') && isNearly(ours, theirs),
  },
  {
    name: 'times-in-arrays-keep-their-digits',
    reason: 'The reference cuts the elements of time[] to milliseconds.',
    modes: both,
    holds: ({ ours, theirs }, type) =>
      type?.endsWith('[]') === true &&
      type.startsWith('time') &&
      (typeof ours === 'number' && typeof theirs === 'number'
        ? ours - (ours % 1000) === theirs
        : String(ours).startsWith(String(theirs).replace(/Z$/, ''))),
  },
  {
    name: 'arrays-keep-their-dimensions',
    reason:
      'The reference makes nulls, or the names of Java objects, of arrays of more than one dimension, and forgets ' +
      'bounds of their own.',
    modes: both,
    holds: ({ path, ours }, type) =>
      type?.endsWith('[]') === true &&
      (Array.isArray(ours)
        ? /\]$/.test(path) || (ours as readonly unknown[]).some(Array.isArray)
        : /^\[-?\d+:/.test(String(ours))),
  },
  {
    name: 'sequence-begins-anew',
    reason:
      'The first element of `sequence` is the last commit that a session saw. Ours knows none until it has seen one; the ' +
      'reference keeps it over a restart. Positions and their order are the same.',
    modes: both,
    holds: ({ path, ours, theirs }) =>
      path === 'value.source.sequence' &&
      /^\[null,/.test(String(ours)) &&
      String(theirs).endsWith(String(ours).slice('[null'.length)),
  },
  {
    name: 'domain-event-headers',
    reason:
      'Versions of event and aggregate go with each domain event; the router’s own headers are all there.',
    modes: both,
    holds: ({ topic, path, theirs }) =>
      topic.startsWith('outbox.event.') &&
      theirs === absent &&
      /^headers\.(eventVersion|aggregateVersion|traceparent)$/.test(path),
  },
];

/** The name of the declaration that takes a difference; undefined when it is undeclared. */
export function declarationOf(
  difference: Difference,
  { mode, type }: { mode: ModeName; type: string | undefined },
): string | undefined {
  return declared.find(({ modes, holds }) => modes.includes(mode) && holds(difference, type))?.name;
}

function isKeyAlone(value: unknown, key: unknown): boolean {
  if (!isObject(value) || !isObject(value.before) || !isObject(key)) return false;
  return Object.keys(value.before).every((column) => Object.hasOwn(key, column));
}

function unchangedOf(value: unknown): readonly unknown[] {
  return isObject(value) && Array.isArray(value.unchanged) ? value.unchanged : [];
}

/** Whole microseconds but for what doubles lose: some in 2^50, and what is below a microsecond. */
function isNearly(ours: unknown, theirs: unknown): boolean {
  if (typeof ours === 'number' && typeof theirs === 'number') {
    return Math.abs(ours - theirs) <= 4 + Math.abs(ours) / 2 ** 50;
  }
  return (
    typeof ours === 'string' && typeof theirs === 'string' && inMicroseconds(theirs) === inMicroseconds(ours)
  );
}

/** An ISO 8601 duration with its seconds rounded to µs. */
function inMicroseconds(duration: string): string {
  return duration.replace(/-?[\d.]+(?=S$)/, (seconds) => String(Number(Number(seconds).toFixed(6))));
}
