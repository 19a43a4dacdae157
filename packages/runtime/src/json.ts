/**
 * The one lossless reader of JSON: an int64 beyond 2^53 comes out as a bigint, exactly. Numerics are strings in our
 * records and float8 survives a double, so nothing else needs care.
 */

interface SourceContext {
  /** The number's own text; only there for primitive values. https://tc39.es/proposal-json-parse-with-source/ */
  readonly source?: string;
}

// TypeScript's library does not know the proposal that Node 24 implements.
const json = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: SourceContext) => unknown): unknown;
  rawJSON(text: string): unknown;
};

const integer = /^-?\d+$/;

/** Parses JSON; integers that a double cannot hold become bigints. Throws SyntaxError. */
export function parseLossless(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // A reviver is asked of every value, which takes ten times as long: most texts need none.
  return hasUnsafeInteger(value) ? revived(text) : value;
}

/**
 * Parses a JSON object that is read for some of its members: integers that a double cannot hold are exact in those, and
 * in the others only by chance. Throws SyntaxError.
 */
export function parseLosslessMembers(text: string, members: readonly string[]): unknown {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return parseLossless(text);
  return members.some((member) => hasUnsafeInteger(Reflect.get(value, member))) ? revived(text) : value;
}

/** Whether there is a number whose text may have said another one. */
function hasUnsafeInteger(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(hasUnsafeInteger);
  for (const name in value) if (hasUnsafeInteger(Reflect.get(value, name))) return true;
  return false;
}

function revived(text: string): unknown {
  return json.parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
    return source !== undefined && integer.test(source) ? BigInt(source) : value;
  });
}

/** Writes JSON; a bigint becomes an integer of the same digits. */
export function stringifyLossless(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? json.rawJSON(part.toString()) : part,
  );
}
