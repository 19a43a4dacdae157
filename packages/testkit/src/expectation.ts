/** Whether a record is what a test expects of it: everything that is named must be so, everything else may be anything. */
import { isDeepStrictEqual } from 'node:util';

/** What test runners have as `expect.any(String)`, `expect.stringMatching(…)` and the like. */
interface Asymmetric {
  asymmetricMatch(other: unknown): boolean;
}

/**
 * Objects need the members that are expected of them, and may have others; lists are of the same length, element by
 * element; integers are equal as number and as bigint, because panels are read without loss. Everything else is equal as
 * `isDeepStrictEqual` has it. Matchers of a runner (`expect.any(…)`) may stand anywhere.
 */
export function meets(actual: unknown, expected: unknown): boolean {
  if (isAsymmetric(expected)) return expected.asymmetricMatch(actual);
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return false;
    return expected.every((part, index) => meets(actual[index], part));
  }
  if (isPlain(expected)) {
    if (!isPlain(actual)) return false;
    return Object.entries(expected).every(
      ([name, part]) => part === undefined || (Object.hasOwn(actual, name) && meets(actual[name], part)),
    );
  }
  if (isInteger(actual) && isInteger(expected)) return BigInt(actual) === BigInt(expected);
  return isDeepStrictEqual(actual, expected);
}

function isAsymmetric(value: unknown): value is Asymmetric {
  return (
    typeof value === 'object' &&
    value !== null &&
    'asymmetricMatch' in value &&
    typeof value.asymmetricMatch === 'function'
  );
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isInteger(value);
}
