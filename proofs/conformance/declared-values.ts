/** The differences in values that we mean: where the reference loses, invents or hides what stood in a column. */
import { absent } from './compare.ts';
import { bothModes, type Declared, referenceKnows } from './declaration.ts';
import { isObject } from './observed.ts';

const dayMicroseconds = 86_400_000_000;

export const declaredValues: readonly Declared[] = [
  {
    name: 'no-column-is-left-out',
    reason:
      'The reference leaves out columns whose type it does not know (composites, multiranges, intervals in arrays …). ' +
      'We give the text that the database gives; the database itself judges it.',
    modes: bothModes,
    holds: ({ ours, theirs }, type, { column }) =>
      column?.isWhole === true && theirs === absent && ours !== absent && !referenceKnows.test(type ?? ''),
  },
  {
    name: 'no-null-for-a-value',
    reason:
      'The reference gives null for values that it cannot convert (name, offsets beyond 18 h, enum labels in arrays that ' +
      'it has not seen …). The row had a value, and the database judges ours.',
    modes: bothModes,
    holds: ({ path, ours, theirs }) =>
      /^value\.(before|after)\./.test(path) && theirs === null && ours !== null && ours !== absent,
  },
  {
    name: 'null-is-not-the-default',
    reason:
      'The reference gives a column’s default where the row has null. Null it was: the database judges that in both modes.',
    modes: bothModes,
    holds: ({ ours, theirs }, _type, { column }) =>
      column?.isWhole === true && ours === null && theirs !== null && theirs !== absent,
  },
  {
    name: 'no-column-before-its-time',
    reason:
      'The reference asks the catalogue of now, and gives null for a column that came after the row. The database judges that ' +
      'no column is missing that there was.',
    modes: bothModes,
    holds: ({ ours, theirs }, _type, { column }) =>
      column?.isWhole === true && ours === absent && theirs === null,
  },
  {
    name: 'vectors-are-no-lists',
    reason:
      'The reference takes int2vector and oidvector for arrays and reads nothing in them: the list is empty. We give the text.',
    modes: bothModes,
    holds: ({ theirs }, type) =>
      /^(int2|oid)vector$/.test(type ?? '') && Array.isArray(theirs) && theirs.length === 0,
  },
  {
    name: 'negative-scales',
    reason: 'The reference takes a negative scale of numeric for one of two thousand digits.',
    modes: bothModes,
    holds: ({ theirs }, type) =>
      /^numeric\(\d+,-\d+\)(\[\])?$/.test(type ?? '') && typeof theirs === 'string' && theirs.length > 1000,
  },
  {
    name: 'bits-are-digits',
    reason: 'The reference makes bytes of bit strings, which forget how many zeros they begin with.',
    modes: ['exact'],
    holds: ({ path, ours }, type) =>
      /^bit\b/.test(type ?? '') &&
      (path.startsWith('schemas.') || (typeof ours === 'string' && /^[01]*$/.test(ours))),
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
    modes: bothModes,
    holds: ({ ours, theirs }, type) =>
      /^time\b/.test(type ?? '') &&
      ((/^24:00:00/.test(String(ours)) && /^00:00:00/.test(String(theirs))) ||
        (ours === dayMicroseconds && theirs === 0)),
  },
  {
    name: 'intervals-are-not-summed-in-doubles',
    reason:
      'The reference computes with doubles: its fraction of a second is off by a nanosecond, its sum by some µs.',
    modes: bothModes,
    holds: ({ ours, theirs }, type) => /^interval/.test(type ?? '') && isNearly(ours, theirs),
  },
  {
    name: 'times-in-arrays-keep-their-digits',
    reason: 'The reference cuts the elements of time[] to milliseconds.',
    modes: bothModes,
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
    modes: bothModes,
    holds: ({ path, ours }, type) =>
      type?.endsWith('[]') === true &&
      (Array.isArray(ours)
        ? /\]$/.test(path) || (ours as readonly unknown[]).some(Array.isArray)
        : /^\[-?\d+:/.test(String(ours))),
  },
  {
    name: 'hstore-keeps-its-order',
    reason: 'The reference gives the pairs of an hstore in the order of a hash table, we in the server’s.',
    modes: bothModes,
    holds: ({ path, ours, theirs }, type) =>
      /\bhstore$/.test(type ?? '') && (path.endsWith('(order of fields)') || samePairs(ours, theirs)),
  },
  {
    name: 'old-times-in-arrays',
    reason:
      'The reference reads the elements of timestamp[] by the Julian calendar where they are before 1582-10-15: they are off ' +
      'by days. Postgres and ISO 8601 know the Gregorian one alone.',
    modes: bothModes,
    holds: ({ ours, theirs }, type) =>
      /^timestamp.*\[\]$/.test(type ?? '') &&
      typeof ours === typeof theirs &&
      isBefore1582(ours, /^timestamp\([0-3]\)/.test(type ?? '') ? 1 : 1000),
  },
];
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

/** JSON objects of the same pairs. */
function samePairs(ours: unknown, theirs: unknown): boolean {
  const pairsOf = (json: unknown): string[] => {
    const value: unknown = typeof json === 'string' && json.startsWith('{') ? JSON.parse(json) : undefined;
    return isObject(value) ? Object.entries(value).map((pair) => JSON.stringify(pair)) : [];
  };
  const pairs = pairsOf(ours);
  return pairs.length > 0 && pairs.toSorted().join() === pairsOf(theirs).toSorted().join();
}

const gregorianSinceMs = Date.UTC(1582, 9, 15);

/** A timestamp in ISO 8601, or as a number of its unit since 1970. */
function isBefore1582(value: unknown, unitsInMs: number): boolean {
  if (typeof value === 'string') return /^(-|\d{4}-)/.test(value) && value < '1582-10-15';
  return (
    (typeof value === 'number' || typeof value === 'bigint') && Number(value) < gregorianSinceMs * unitsInMs
  );
}
