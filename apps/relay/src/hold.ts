import type { Lsn } from '@diptych/wal/lsn';

/**
 * Messages that have to wait for something that is being read elsewhere. While it holds, nothing may pass by: neither a
 * message nor a keepalive, whose position would cover what waits.
 */
export class Hold {
  #waiting: { readonly bytes: Buffer; readonly position: Lsn }[] | null = null;

  get holds(): boolean {
    return this.#waiting !== null;
  }

  /** From now on messages wait. */
  begin(): void {
    this.#waiting ??= [];
  }

  /** Keeps a copy: the bytes are valid only during the call. */
  add(bytes: Buffer, position: Lsn): void {
    this.#waiting?.push({ bytes: Buffer.from(bytes), position });
  }

  /** Hands out what waited, in order; when the hold begins anew meanwhile, the rest goes on waiting. */
  end(handOut: (bytes: Buffer, position: Lsn) => void): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const { bytes, position } of waiting) handOut(bytes, position);
  }
}
