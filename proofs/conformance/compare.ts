/** Record by record and path by path: what differs between two sides' topics. */
import { stringifyLossless } from '@diptych/runtime/json';
import { isObject, type Observed } from './observed.ts';
import { apartFromStream } from './read-rows.ts';

/** Where a side has nothing at a path or no record at all. */
export const absent: unique symbol = Symbol('absent');

export interface Difference {
  readonly topic: string;
  /** Which record, in words. */
  readonly record: string;
  /** `value.after.price`; empty when a whole record is missing on one side. */
  readonly path: string;
  readonly ours: unknown;
  readonly theirs: unknown;
  /** The two records; undefined on the side that lacks it. */
  readonly pair: { readonly ours: Observed | undefined; readonly theirs: Observed | undefined };
}

/** All differences, topic by topic, in record order. */
export function compareTopics(ours: readonly Observed[], theirs: readonly Observed[]): Difference[] {
  const ourTopics = Map.groupBy(apartFromStream(ours), ({ topic }) => topic);
  const theirTopics = Map.groupBy(apartFromStream(theirs), ({ topic }) => topic);
  const names = [...new Set([...ourTopics.keys(), ...theirTopics.keys()])].sort();
  return names.flatMap((name) =>
    align(ourTopics.get(name) ?? [], theirTopics.get(name) ?? []).flatMap((pair) => comparePair(name, pair)),
  );
}

type Pair = Difference['pair'];

/**
 * Pairs records of one topic in their order. Both sides read the same WAL, so a change has one identity: where they come
 * apart, whichever side has the other's next record later has something besides.
 */
export function align(ours: readonly Observed[], theirs: readonly Observed[]): Pair[] {
  const ourIds = identities(ours);
  const theirIds = identities(theirs);
  const inOurs = new Map(ourIds.map((id, index) => [id, index]));
  const inTheirs = new Map(theirIds.map((id, index) => [id, index]));
  const pairs: Pair[] = [];
  let our = 0;
  let their = 0;
  while (our < ours.length || their < theirs.length) {
    const ourId = ourIds[our];
    const theirId = theirIds[their];
    const ourPlace = theirId === undefined ? undefined : inOurs.get(theirId);
    const theirPlace = ourId === undefined ? undefined : inTheirs.get(ourId);
    const unknownToBoth = (ourPlace ?? -1) < our && (theirPlace ?? -1) < their;
    if (ourId === theirId || (unknownToBoth && sameKind(ours[our], theirs[their]))) {
      pairs.push({ ours: ours[our++], theirs: theirs[their++] });
    } else if (
      ourId !== undefined &&
      (theirId === undefined || (theirPlace ?? -1) < their || (ourPlace ?? -1) > our)
    ) {
      pairs.push({ ours: ours[our++], theirs: undefined });
    } else {
      pairs.push({ ours: undefined, theirs: theirs[their++] });
    }
  }
  return pairs;
}

/** Records of one place that nothing but their identity tells apart are compared rather than both called missing. */
function sameKind(one: Observed | undefined, other: Observed | undefined): boolean {
  return one !== undefined && other !== undefined && kindOf(one) === kindOf(other);
}

function kindOf({ value }: Observed): string {
  if (value === null) return 'tombstone';
  return isObject(value) ? nameOf(value) : 'value';
}

/** Operation or status. */
function nameOf({ op, status }: Record<string, unknown>): string {
  if (typeof op === 'string') return op;
  return typeof status === 'string' ? status : 'value';
}

/** Identity of each record; what occurs twice is told apart by its count. */
function identities(records: readonly Observed[]): string[] {
  const counts = new Map<string, number>();
  return records.map((record) => {
    const id = describeRecord(record);
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    return `${id}#${count}`;
  });
}

/** `u at 29703296 {"pk":7}`: operation, position and key. */
export function describeRecord({ key, value }: Observed): string {
  const named = show(key);
  if (value === null) return `tombstone ${named}`;
  if (!isObject(value)) return `${named}`;
  if (isObject(value.source)) return `${String(value.op)} at ${String(value.source.lsn)} ${named}`;
  return `${nameOf(value)} ${named}`;
}

function comparePair(topic: string, pair: Pair): Difference[] {
  const { ours, theirs } = pair;
  const known = ours ?? theirs;
  if (known === undefined) return [];
  const record = describeRecord(known);
  if (ours === undefined || theirs === undefined) {
    return [{ topic, record, path: '', ours: ours ?? absent, theirs: theirs ?? absent, pair }];
  }
  const { topic: _ours, place: _ourPlace, ...ourParts } = ours;
  const { topic: _theirs, place: _theirPlace, ...theirParts } = theirs;
  return differencesOf('', ourParts, theirParts).map((difference) => ({
    topic,
    record,
    pair,
    ...difference,
  }));
}

interface PathDifference {
  readonly path: string;
  readonly ours: unknown;
  readonly theirs: unknown;
}

function differencesOf(path: string, ours: unknown, theirs: unknown): PathDifference[] {
  if (isObject(ours) && isObject(theirs)) {
    const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
    const fields = [...names].flatMap((name) =>
      differencesOf(
        path === '' ? name : `${path}.${name}`,
        Object.hasOwn(ours, name) ? ours[name] : absent,
        Object.hasOwn(theirs, name) ? theirs[name] : absent,
      ),
    );
    const order = [ours, theirs].map((one) => Object.keys(one).join());
    // Order is told only where it is all that differs.
    if (path !== 'headers' && fields.length === 0 && order[0] !== order[1]) {
      return [{ path: `${path} (order of fields)`, ours: order[0], theirs: order[1] }];
    }
    return fields;
  }
  if (Array.isArray(ours) && Array.isArray(theirs) && ours.length === theirs.length) {
    return ours.flatMap((one, index) => differencesOf(`${path}[${index}]`, one, theirs[index]));
  }
  return Object.is(ours, theirs) ? [] : [{ path, ours, theirs }];
}

/** A value as it is printed in a difference. */
export function show(value: unknown): string {
  if (value === absent) return '(absent)';
  const text = stringifyLossless(value);
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length} characters)` : text;
}
