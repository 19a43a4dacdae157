/**
 * How many partitions each topic had when its first record was published. Keys are placed by this number for ever, or
 * until an operator accepts another: partitions that are added later would take keys away from where their older records
 * stand, and their order with them (docs/decisions/0013-partitions-are-agreed.md).
 */
import { OperatingError } from '@diptych/runtime/failure';

/** A topic that has other partitions than were agreed. */
export interface PartitionChange {
  readonly topic: string;
  readonly agreed: number;
  readonly found: number;
}

export class PartitionAgreement {
  readonly #agreed = new Map<string, number>();

  /** The number by which keys of the topic are placed; undefined before its first record. */
  of(topic: string): number | undefined {
    return this.#agreed.get(topic);
  }

  /** What the checkpoint keeps. */
  get partitions(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#agreed);
  }

  /** Topics that have an agreed number. */
  get topics(): readonly string[] {
    return [...this.#agreed.keys()];
  }

  /** Goes on with what a checkpoint kept. */
  resume(partitions: Readonly<Record<string, number>>): void {
    for (const [topic, count] of Object.entries(partitions)) this.#agreed.set(topic, count);
  }

  /** Agrees on what is found of topics that have no number yet. */
  agree(found: ReadonlyMap<string, number>): void {
    for (const [topic, count] of found) if (!this.#agreed.has(topic)) this.#agreed.set(topic, count);
  }

  /** Agrees on what is found, whatever was agreed before. Answers what changed by that. */
  accept(found: ReadonlyMap<string, number>): PartitionChange[] {
    const changes = this.#changes(found);
    for (const change of changes) this.#agreed.set(change.topic, change.found);
    return changes;
  }

  /**
   * The topics that have got more partitions than were agreed: those stay empty. Throws OperatingError `partitions-changed`
   * when one has fewer: it was made anew by somebody.
   */
  compare(found: ReadonlyMap<string, number>): PartitionChange[] {
    const changes = this.#changes(found);
    const fewer = changes.find(({ agreed, found: now }) => now < agreed);
    if (fewer) throw changed(fewer);
    return changes;
  }

  #changes(found: ReadonlyMap<string, number>): PartitionChange[] {
    return [...found].flatMap(([topic, count]) => {
      const agreed = this.#agreed.get(topic);
      return agreed === undefined || agreed === count ? [] : [{ topic, agreed, found: count }];
    });
  }
}

const changed = ({ topic, agreed, found }: PartitionChange): OperatingError =>
  new OperatingError(
    'partitions-changed',
    `the topic ${topic} has ${found} partitions, and its keys were placed in ${agreed}`,
    {
      remedy:
        'Somebody deleted it and made it anew: what it held is gone. `diptych snapshot` reads its tables again; ' +
        '`diptych run --accept-partitions` places keys in the partitions that are there.',
    },
  );
