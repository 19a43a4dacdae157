import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { keepInStep } from './agreement.ts';
import { requireOwnSlot } from './own-slot.ts';
import { PublicationUpkeep } from './publications.ts';
import type { SessionContext } from './session-context.ts';
import { agreementOn, comparePublications, requirePublications } from './source.ts';

/**
 * What the last checkpoint agreed on, compared with the catalogue now and then: a missing publication is only a warning
 * in PostgreSQL 18's log, and silence in the stream. So is a connection that was lost without an end: whether the slot is
 * still ours is asked along. Tables that came meanwhile are published from then on. Brings along where the WAL ends.
 */
export class AgreementWatch {
  readonly #context: SessionContext;
  readonly #backendPid: number | null;
  readonly #upkeep: PublicationUpkeep;
  #checkpoint: Checkpoint;
  #askedAtMs: number;

  constructor(
    context: SessionContext,
    { checkpoint, backendPid, nowMs }: { checkpoint: Checkpoint; backendPid: number | null; nowMs: number },
  ) {
    this.#context = context;
    this.#upkeep = new PublicationUpkeep(context);
    this.#backendPid = backendPid;
    this.#checkpoint = checkpoint;
    this.#askedAtMs = nowMs;
  }

  /** The checkpoint that was read, with what is agreed on now. */
  get checkpoint(): Checkpoint {
    return this.#checkpoint;
  }

  isDue(nowMs: number): boolean {
    return nowMs - this.#askedAtMs >= this.#context.configuration.timing.publicationCheckIntervalMs;
  }

  /** Throws OperatingError: `publication-lost`, `publication-changed`, `replication-ended`, and what asking throws. */
  async ask(nowMs: number): Promise<void> {
    this.#askedAtMs = nowMs;
    const { catalogue, configuration, board } = this.#context;
    const found = await requirePublications(catalogue, configuration);
    await comparePublications(catalogue, { configuration, agreed: this.#checkpoint.publications, found });
    const moment = { upkeep: this.#upkeep, isStart: false, isDivided: false };
    const kept = await keepInStep(this.#context, { ...moment, found });
    this.#checkpoint = { ...this.#checkpoint, publications: agreementOn(kept) };
    const { lagBytes, walEnd } = await requireOwnSlot(this.#context, this.#backendPid);
    board.lagBytes = lagBytes;
    board.walEnd = walEnd;
  }
}
