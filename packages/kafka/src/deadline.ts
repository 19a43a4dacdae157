/** Something took longer than its bound. What it was doing goes on in the background: its outcome is unknown. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** The outcome of `work`, or DeadlineError after `limitMs`. A late failure of `work` is nobody's any more. */
export async function within<T>(
  work: Promise<T>,
  { limitMs, what }: { limitMs: number; what: string },
): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DeadlineError(`not within ${limitMs} ms: ${what}`)), limitMs);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
