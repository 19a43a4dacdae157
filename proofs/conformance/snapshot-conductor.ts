/** Asks both sides of each mode for snapshots, and knows when they have read what they were asked for. */
import { randomUUID } from 'node:crypto';
import { readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import type { ModeSides } from './mode-sides.ts';
import { isObject } from './observed.ts';
import type { Side } from './side.ts';
import { type SnapshotRequest, signalOf } from './snapshot-option.ts';

export interface ConductorOptions {
  readonly sides: readonly ModeSides[];
  readonly brokers: readonly string[];
  /** Our side reads again beside the stream whenever it starts (`snapshot.mode: always`). */
  readonly readsAtEachStart: boolean;
  /** The reference is not asked. */
  readonly isOursAlone: boolean;
  /** Writes to the reference's signal table. */
  readonly signal: (row: { id: string; type: string; data: string }) => Promise<void>;
  /** Told what our side said to a command that it refused. */
  readonly refused: (what: string) => void;
}

/** A notification of Debezium's: https://debezium.io/documentation/reference/3.7/configuration/notification.html */
interface Notification {
  readonly id: string;
  readonly aggregate: string;
  readonly type: string;
}

const ends = new Set(['COMPLETED', 'ABORTED', 'SKIPPED']);

export class SnapshotConductor {
  readonly #options: ConductorOptions;
  /** By the prefix of the side. */
  readonly #notifications = new Map<string, Notification[]>();
  /** Of `snapshot.mode: always`, at each start but the first; by the prefix of the side. */
  readonly #begun = new Map<string, number>();
  #lastAsked: string | undefined;

  constructor(options: ConductorOptions) {
    this.#options = options;
  }

  /** The topics in which both say how far they are. */
  get topics(): string[] {
    return this.#options.sides.flatMap(({ ours, theirs }) => [
      `${ours.prefix}.snapshot`,
      `${theirs.prefix}.notification`,
    ]);
  }

  /** Takes a record of one of the topics. */
  see({ topic, value }: IncomingRecord): void {
    const body: unknown = JSON.parse(String(value));
    if (!isObject(body)) return;
    const prefix = topic.slice(0, topic.lastIndexOf('.'));
    if (topic.endsWith('.snapshot')) {
      // The answer to a command names it; a snapshot of the relay's own has no command.
      if (body.status === 'started' && body.request === null)
        this.#begun.set(prefix, (this.#begun.get(prefix) ?? 0) + 1);
      return;
    }
    const { id, aggregate_type: aggregate, type } = body;
    const before = this.#notifications.get(prefix) ?? [];
    this.#notifications.set(prefix, [
      ...before,
      { id: String(id), aggregate: String(aggregate), type: String(type) },
    ]);
  }

  /** How often the reference is done with the snapshot that it begins with. */
  initialEnds(prefix: string): number {
    const seen = this.#notifications.get(prefix) ?? [];
    return seen.filter(({ aggregate, type }) => aggregate === 'Initial Snapshot' && ends.has(type)).length;
  }

  /** Both are asked; ours has answered. Throws OperatingError when ours refuses a snapshot that may not fail. */
  async ask(step: SnapshotRequest): Promise<void> {
    const id = randomUUID();
    if (!this.#options.isOursAlone) {
      if (step.tag === 'snapshot') this.#lastAsked = id;
      await this.#options.signal({ id, ...signalOf(step) });
    }
    for (const { ours } of this.#options.sides) {
      try {
        await ours.command('snapshot', ...argumentsOf(step));
      } catch (error) {
        // A snapshot that has ended meanwhile can be neither paused nor stopped.
        const mayFail = step.tag !== 'snapshot' || step.mayFail;
        if (!mayFail || !(error instanceof OperatingError)) throw error;
        const [, said = error.message] = /"message":"([^"]+)"/.exec(error.message) ?? [];
        this.#options.refused(said.split('\n').slice(-1)[0] ?? said);
      }
    }
  }

  /** Whether neither reads any more what it was asked for. `starts`: how often both were started. */
  async isDone(starts: number): Promise<boolean> {
    const { readsAtEachStart } = this.#options;
    for (const { ours, theirs } of this.#options.sides) {
      if (this.#lastAsked !== undefined && (await theirs.failure()) === undefined) {
        const seen = this.#notifications.get(theirs.prefix) ?? [];
        if (!seen.some(({ id, type }) => id === this.#lastAsked && ends.has(type))) return false;
      }
      if ((await ours.failure()) !== undefined) continue;
      if (readsAtEachStart && (this.#begun.get(ours.prefix) ?? 0) < starts - 1) return false;
      if ((await this.#tablesLeft(ours)) > 0) return false;
    }
    return true;
  }

  /** What the last checkpoint says: it is in one Kafka transaction with the rows. */
  async #tablesLeft({ prefix, slot }: Side): Promise<number> {
    const { brokers } = this.#options;
    let left = 0;
    const topics = [`${prefix}.checkpoint.${slot}`];
    for await (const { value } of readToEnd({ brokers, topics, from: { last: 10n } })) {
      const body: unknown = value === null ? null : JSON.parse(String(value));
      const snapshot = isObject(body) ? body.snapshot : null;
      left = isObject(snapshot) && Array.isArray(snapshot.tables) ? snapshot.tables.length : 0;
    }
    return left;
  }
}

function argumentsOf(step: SnapshotRequest): string[] {
  switch (step.tag) {
    case 'snapshot':
      return [...named(step.tables), ...(step.where === null ? [] : ['--where', step.where])];
    case 'snapshot-stop':
      return ['stop', ...named(step.tables)];
    case 'snapshot-pause':
      return ['pause'];
    case 'snapshot-resume':
      return ['resume'];
  }
}

const named = (tables: readonly string[]): string[] => tables.flatMap((table) => ['--table', table]);
