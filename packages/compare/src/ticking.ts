/** An endless source, with a tick now and then, so that its reader can see time pass while nothing comes. */
import { setTimeout as sleep } from 'node:timers/promises';

export type Ticked<T> = { readonly tag: 'item'; readonly item: T } | { readonly tag: 'tick' };

/**
 * Items of the source as they come, and a tick at least every `intervalMs`. The source is opened with a signal, which
 * is aborted when the reader stops: it must end then.
 */
export async function* ticking<T>(
  open: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
  { intervalMs, signal }: { intervalMs: number; signal?: AbortSignal | undefined },
): AsyncGenerator<Ticked<T>, void, undefined> {
  const stop = new AbortController();
  const source = open(signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
  const tickAfter = (): Promise<undefined> =>
    sleep(intervalMs, undefined, { signal: stop.signal }).catch(() => undefined);
  let next = source.next();
  let tick = tickAfter();
  try {
    for (;;) {
      const arrived = await Promise.race([next, tick]);
      if (arrived === undefined) {
        tick = tickAfter();
        yield { tag: 'tick' };
      } else if (arrived.done) return;
      else {
        next = source.next();
        yield { tag: 'item', item: arrived.value };
      }
    }
  } finally {
    stop.abort();
    // A generator that is being asked cannot be ended until it has answered.
    await next.catch(() => undefined);
    await source.return();
  }
}
