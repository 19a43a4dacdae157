/** Wakes one waiter: what rings while nobody waits is heard at once by who comes next. */
export class Bell {
  #rung = false;
  #waiter: (() => void) | null = null;

  ring(): void {
    this.#rung = true;
    this.#waiter?.();
  }

  /** Resolves when it rings, or after `timeoutMs`. */
  async heard({ timeoutMs }: { timeoutMs: number }): Promise<void> {
    if (!this.#rung) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiter = resolve;
      await promise;
      clearTimeout(timer);
      this.#waiter = null;
    }
    this.#rung = false;
  }
}
