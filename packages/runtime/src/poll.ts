import { setTimeout as sleep } from 'node:timers/promises';

/** Asked of a condition that another process makes true: how long at most, how often, and what is waited for. */
export interface PollOptions {
  readonly what: string;
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Asks until the answer is not undefined, and returns it. Throws an Error that names what was waited for when the time
 * is over. Errors of `ask` pass through at once.
 */
export async function poll<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  options: PollOptions,
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${options.timeoutMs} ms: ${options.what}`);
    await sleep(options.intervalMs ?? 50, undefined, { signal: options.signal });
  }
}
