/** A programmer's error: the code is wrong, not the world. It is never caught; the process ends and starts anew. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** States what must be. Throws AssertionError otherwise. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Ends an exhaustive switch: the compiler refuses a tag that was forgotten. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}

/** The value, which must be there. Throws AssertionError when it is null or undefined. */
export function present<T>(value: T | null | undefined, what: string): T {
  assert(value !== null && value !== undefined, `${what} is missing`);
  return value;
}
