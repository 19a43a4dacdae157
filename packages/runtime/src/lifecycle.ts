/**
 * How a process of ours ends: SIGTERM or SIGINT asks it to, once; what was started is closed in reverse order.
 */
export class Lifecycle {
  readonly #controller = new AbortController();
  readonly #closers: { what: string; close: () => Promise<void> | void }[] = [];

  constructor({ signals = ['SIGTERM', 'SIGINT'] }: { signals?: readonly NodeJS.Signals[] } = {}) {
    for (const signal of signals) process.once(signal, () => this.stop(signal));
  }

  /** Aborts when the process is asked to end. */
  get stopping(): AbortSignal {
    return this.#controller.signal;
  }

  stop(reason: string): void {
    this.#controller.abort(reason);
  }

  /** Resolves when the process is asked to end. */
  async untilStopped(): Promise<void> {
    if (this.stopping.aborted) return;
    await new Promise<void>((resolve) =>
      this.stopping.addEventListener('abort', () => resolve(), { once: true }),
    );
  }

  /** Registers what has to be closed at the end; the last one registered is closed first. */
  onClose(what: string, close: () => Promise<void> | void): void {
    this.#closers.push({ what, close });
  }

  /** Closes everything, each even when another fails; then throws what failed, together. */
  async close(): Promise<void> {
    const errors: Error[] = [];
    for (const { what, close } of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (cause) {
        errors.push(new Error(`closing ${what} failed`, { cause }));
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not everything could be closed');
  }
}

/**
 * Starts something that has several parts, all of it or nothing: each part registers how it is closed, and when one fails
 * those before it are closed, the last one first. Throws what `start` throws, also when a close fails besides.
 */
export async function startWhole<Started>(
  start: (lifecycle: Lifecycle) => Promise<Started>,
): Promise<Started> {
  const lifecycle = new Lifecycle({ signals: [] });
  try {
    return await start(lifecycle);
  } catch (error) {
    await lifecycle.close().catch(() => undefined);
    throw error;
  }
}
