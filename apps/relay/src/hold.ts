import { copyOf, type WalMessage } from '@diptych/wal/session';

/**
 * Messages that have to wait for something that is being read elsewhere. While it holds, nothing may pass by: neither a
 * message nor a keepalive, whose position would cover what waits.
 */
export class Hold {
  #waiting: WalMessage[] | null = null;

  get holds(): boolean {
    return this.#waiting !== null;
  }

  /** From now on messages wait. */
  begin(): void {
    this.#waiting ??= [];
  }

  /** Keeps a copy: a message is valid only during the call. */
  add(message: WalMessage): void {
    this.#waiting?.push(copyOf(message));
  }

  /** Hands out what waited, in order; when the hold begins anew meanwhile, the rest goes on waiting. */
  end(handOut: (message: WalMessage) => void): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const message of waiting) handOut(message);
  }
}
