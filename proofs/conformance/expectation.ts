/** What a case says is right, held against the records of a side. */
import { isDeepStrictEqual } from 'node:util';
import type { Expectation } from './case-file.ts';
import { describeRecord, show } from './compare.ts';
import type { ModeName } from './modes.ts';
import { isObject, type Observed } from './observed.ts';

/** Each way in which the records are not as expected, in words; topics that no expectation names may hold anything. */
export function brokenExpectations(
  expectations: readonly Expectation[],
  { mode, records }: { mode: ModeName; records: readonly Observed[] },
): string[] {
  const here = expectations.filter(({ modes }) => modes.includes(mode));
  return [...Map.groupBy(here, ({ topic }) => topic)].flatMap(([topic, expected]) => {
    const got = records.filter((record) => record.topic === topic);
    const [ofAll] = expected.filter(({ isOfAll }) => isOfAll);
    if (ofAll !== undefined) {
      if (got.length === 0) return [`${topic}: there is no record: ${show(ofAll.record)}`];
      return got.flatMap((one) => mismatches(ofAll.record, one).map((what) => `${topic}: ${what}`));
    }
    const wrong = expected.flatMap(({ record }, index) => {
      const actual = got[index];
      if (actual === undefined) return [`${topic}: record ${index + 1} is missing: ${show(record)}`];
      return mismatches(record, actual).map((what) => `${topic}: record ${index + 1}: ${what}`);
    });
    const besides = got
      .slice(expected.length)
      .map((record) => `${topic}: unexpected record ${describeRecord(record)}`);
    return [...wrong, ...besides];
  });
}

/** `key`, `before` and `after` are compared whole; of the rest only what is named. */
const whole = new Set(['key', 'before', 'after', 'value', 'unchanged']);

function mismatches(
  expected: Readonly<Record<string, unknown>>,
  { key, value, headers, place }: Observed,
): string[] {
  const fields: Record<string, unknown> = {
    ...(isObject(value) ? value : {}),
    ...place,
    key,
    headers,
    value,
  };
  return Object.entries(expected).flatMap(([name, part]) => {
    const got = fields[name];
    const fits = whole.has(name) ? isDeepStrictEqual(got, part) : includes(got, part);
    return fits ? [] : [`${name} is ${show(got ?? null)}, expected ${show(part)}`];
  });
}

function includes(got: unknown, part: unknown): boolean {
  if (!isObject(part)) return isDeepStrictEqual(got, part);
  return isObject(got) && Object.entries(part).every(([name, inner]) => includes(got[name], inner));
}
