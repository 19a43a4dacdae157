/** The slot held for a while, with nothing read from it: no relay gets it meanwhile. */
import type { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';
import type { Catalogue } from '@diptych/wal/catalogue';
import { lsnZero } from '@diptych/wal/lsn';
import { ReplicationSession } from '@diptych/wal/session';
import { inspectSlot } from '@diptych/wal/slot';
import type { Configuration } from './configuration.ts';

/** The server needs a moment to see that a session has ended. */
const freeTimeoutMs = 15_000;

export class SlotHold {
  readonly #catalogue: Catalogue;
  readonly #slot: string;
  readonly #replication: ReplicationSession;
  readonly #alive: NodeJS.Timeout;
  #lost: OperatingError | null = null;

  private constructor(catalogue: Catalogue, { slot, outbox, change, timing }: Configuration) {
    this.#catalogue = catalogue;
    this.#slot = slot;
    this.#replication = new ReplicationSession(
      {
        databaseUrl: catalogue.databaseUrl,
        slot,
        publications: [outbox.publication, change.publication],
        walSenderTimeoutMs: timing.walSenderTimeoutMs,
      },
      {
        onMessage: () => {},
        onKeepalive: () => {},
        onEnd: (failure) => {
          this.#lost = failure;
        },
      },
    );
    // Position 0 says that we are here, and moves nothing.
    const sayHere = () => this.#replication.report({ received: lsnZero, flushed: lsnZero });
    this.#alive = setInterval(sayHere, timing.statusIntervalMs);
  }

  /** Throws OperatingError, `slot-held` when somebody else has it. */
  static async take(catalogue: Catalogue, configuration: Configuration): Promise<SlotHold> {
    const hold = new SlotHold(catalogue, configuration);
    try {
      await hold.#replication.start();
      return hold;
    } catch (error) {
      await hold.end();
      throw error;
    }
  }

  /** Throws the OperatingError that ended the hold, when it has ended by itself. */
  requireHeld(): void {
    if (this.#lost) throw this.#lost;
  }

  /** Frees the slot, and resolves when the server has seen that. */
  async end(): Promise<void> {
    clearInterval(this.#alive);
    const { backendPid } = this.#replication;
    await this.#replication.stop();
    if (backendPid === null) return;
    const freed = async () =>
      (await inspectSlot(this.#catalogue, this.#slot))?.activePid !== backendPid || undefined;
    await poll(freed, { what: `slot ${this.#slot} is free again`, timeoutMs: freeTimeoutMs });
  }
}
