/** The recorder of an engine: takes down, writes with the engine's state, and tells what is kept then. */
import { createHash } from 'node:crypto';
import type { Said } from '@diptych/compare/comparison';
import type { DomainEvent, JoinedItem } from '@diptych/compare/joined-transaction';
import { Mask, type Masks } from '@diptych/compare/mask';
import type { Recorder } from '../engine.ts';
import type { Recorded, Release } from './recorded.ts';
import { TimelineRecorder } from './timeline-recorder.ts';
import { type Query, TimelineWriter } from './timeline-tables.ts';

/** What one save of the engine kept. */
export interface Kept {
  readonly recorded: readonly Recorded[];
  readonly releases: readonly Release[];
}

export interface KeptRecorderOptions {
  readonly name: string;
  readonly masks: Masks;
  readonly maskKey: string;
  readonly keptMax: number;
  readonly describe?: ((event: DomainEvent) => string) | undefined;
  /** Told after each save that kept anything. */
  readonly onKept: (kept: Kept) => void;
}

/** The form in which transactions are kept: an engine of another form begins anew. */
const formatVersion = 1;

/** For one life of an engine. */
export class KeptRecorder implements Recorder {
  readonly variant: string;
  readonly #recorder: TimelineRecorder;
  readonly #writer: TimelineWriter;
  readonly #onKept: (kept: Kept) => void;
  #written: Kept = { recorded: [], releases: [] };

  constructor({ name, masks, maskKey, keptMax, describe, onKept }: KeptRecorderOptions) {
    const digest = createHash('sha256').update(JSON.stringify(masks)).digest('hex').slice(0, 16);
    this.variant = `timeline ${formatVersion} ${digest}`;
    this.#recorder = new TimelineRecorder({ mask: new Mask(masks, maskKey), describe });
    this.#writer = new TimelineWriter({ name, keptMax });
    this.#onKept = onKept;
  }

  get keyed(): Recorder['keyed'] {
    return this.#recorder.keyed;
  }

  get isFull(): boolean {
    return this.#recorder.isFull;
  }

  masked(item: JoinedItem): JoinedItem {
    return this.#recorder.masked(item);
  }

  take(item: JoinedItem, said: Said, lagMs: number): void {
    this.#recorder.take(item, said, lagMs);
  }

  async write(query: Query): Promise<void> {
    this.#written = this.#recorder.takeChanges();
    await this.#writer.write(query, this.#written);
  }

  kept(): void {
    const { recorded, releases } = this.#written;
    this.#written = { recorded: [], releases: [] };
    if (recorded.length + releases.length > 0) this.#onKept({ recorded, releases });
  }
}
