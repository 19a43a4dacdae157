/** The reader's own database is away: everybody waits at the gate, one asks whether it is back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '@diptych/runtime/failure';
import { tlsRefusal } from '@diptych/runtime/tls';
import pg, { type Pool } from 'pg';
import { ConnectionLostError } from './transaction.ts';

/**
 * A server that cannot serve now, and a standby that is not yet the primary (25006): nothing of it is the event's fault.
 * https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const awayStates = /^(08|25006|53|57P)/;

/** `pg` gives these no code. */
const brokenConnection = /connection terminated|timeout exceeded when trying to connect|query read timeout/i;

/** Whether an error is that of the database, not of what was asked of it. */
export function isOutage(error: unknown): boolean {
  if (error instanceof ConnectionLostError) return true;
  if (error instanceof pg.DatabaseError) return awayStates.test(error.code ?? '');
  return error instanceof Error && brokenConnection.test(error.message);
}

/** Whether transactions were in each other's way (class 40): the next attempt finds the way free. */
export function isContention(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^40/.test(error.code ?? '');
}

/**
 * Why the database cannot be used, `what` being what was tried. A certificate that is refused is named with the setting that
 * mends it; it is waited for too, because it may be renewed.
 */
export function databaseAway(
  cause: unknown,
  { what, remedy }: { what: string; remedy: string },
): OperatingError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const refusal = tlsRefusal(codesOf(cause), { settings: 'database', address: 'the URL of the database' });
  const said = refusal ? `no TLS with Postgres: ${refusal.said} (${message})` : message;
  return new OperatingError('inbox-database-away', `${what}: ${said}`, {
    remedy: refusal?.remedy ?? remedy,
    cause,
  });
}

/** Of an error and what it came of. */
function codesOf(error: unknown): ReadonlySet<string> {
  const codes = new Set<string>();
  for (let one = error, depth = 0; one instanceof Error && depth < 10; one = one.cause, depth += 1)
    if ('code' in one) codes.add(String(one.code));
  return codes;
}

const pauseMinMs = 50;
const pauseMaxMs = 5_000;

export class DatabaseGate {
  readonly #pool: Pool;
  readonly #onClosed: (error: OperatingError) => void;
  #error: OperatingError | null = null;
  #opened: Promise<void> = Promise.resolve();
  /** Questions since the last transaction that succeeded: a full disk answers them, and takes nothing. */
  #questions = 0;

  /** `onClosed` is told of each outage once. */
  constructor(pool: Pool, onClosed: (error: OperatingError) => void) {
    this.#pool = pool;
    this.#onClosed = onClosed;
  }

  /** Why everybody waits; null while nobody has to. */
  get error(): OperatingError | null {
    return this.#error;
  }

  /** Resolves when the database can be asked, or the signal aborts. */
  async pass(signal: AbortSignal): Promise<void> {
    while (this.#error && !signal.aborted) await untilAborted(this.#opened, signal);
  }

  /** A transaction has succeeded. */
  worked(): void {
    this.#questions = 0;
  }

  /** Closes the gate; it opens by itself when the database answers. `signal` ends the asking. */
  close(cause: unknown, signal: AbortSignal): void {
    if (this.#error) return;
    this.#error = databaseAway(cause, {
      what: 'the inbox waits for its database',
      remedy: 'Nothing is lost: it goes on by itself when the database answers again.',
    });
    this.#onClosed(this.#error);
    this.#opened = this.#ask(signal);
  }

  async #ask(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // A session that was cut is the most common, and a new one is there at once.
      const pauseMs =
        this.#questions === 0 ? 0 : Math.min(pauseMinMs * 2 ** Math.min(this.#questions, 10), pauseMaxMs);
      this.#questions += 1;
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      try {
        await this.#pool.query('select 1');
        break;
      } catch {
        // It is still away; whoever asks why has the first reason.
      }
    }
    this.#error = null;
  }
}

/** Whichever comes first; leaves nothing behind. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
