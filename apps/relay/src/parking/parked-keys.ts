/** The keys that wait, in memory: what a session knows of the parked topic without its values. */
import { sanitize } from '@diptych/change/topic-name';
import type { OutgoingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';

/** One record that waits. */
export interface Waiting {
  readonly id: string;
  /** Where it stands in the parked topic; null until it was seen there. */
  offset: bigint | null;
  /** The parked topic's record, while the topic cannot be asked for it. */
  pending: OutgoingRecord | null;
}

/** The records of one key of one topic, in their order: the first is why the others wait. */
export interface ParkedKey {
  readonly name: string;
  readonly waiting: Waiting[];
  /** Somebody gathers the values: what is encoded meanwhile stays in memory. */
  isHeld: boolean;
}

export interface Place {
  readonly topic: string | null;
  readonly key: Buffer | null;
}

/** A key that is written to all the time collects behind it: bounded by so many records for each key that may wait. */
const recordsPerKey = 20;

export class ParkedKeys {
  readonly #keysMax: number;
  readonly #keys = new Map<string, ParkedKey>();
  readonly #byId = new Map<string, { readonly parkedKey: ParkedKey; readonly waiting: Waiting }>();

  /** Throws from `add` when more than `keysMax` keys, or 20 times as many records, would wait. */
  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** Whether a record of this key has to wait behind another. One without a key waits for nobody. */
  isBlocked({ topic, key }: Place): boolean {
    if (this.#keys.size === 0 || topic === null || key === null) return false;
    return this.#keys.has(nameOf(topic, key));
  }

  /** Another one waits; one that was published again (at least once) only once. Throws OperatingError `parked-keys-exhausted`. */
  add({ topic, key, ...waiting }: Place & Waiting): void {
    if (this.#byId.has(waiting.id)) return;
    // Without a topic or a key it parks alone, and still counts: a stream of such rows has an end.
    const name = topic === null || key === null ? `alone ${waiting.id}` : nameOf(topic, key);
    const known = this.#keys.get(name);
    const parkedKey = known ?? { name, waiting: [], isHeld: false };
    if (!known) this.#keys.set(name, parkedKey);
    parkedKey.waiting.push(waiting);
    this.#byId.set(waiting.id, { parkedKey, waiting });
    const recordsMax = this.#keysMax * recordsPerKey;
    if (this.#keys.size > this.#keysMax || this.#byId.size > recordsMax) exhausted(this.#keysMax, recordsMax);
  }

  /** It was read in the parked topic: from there its value can be had again. */
  seen(id: string, offset: bigint): void {
    const known = this.#byId.get(id);
    if (!known) return;
    known.waiting.offset = offset;
    if (!known.parkedKey.isHeld) known.waiting.pending = null;
  }

  /** The key whose records the one of this id waits with. */
  find(id: string): ParkedKey | undefined {
    return this.#byId.get(id)?.parkedKey;
  }

  /** As `find`, for somebody who gathers its values: what is encoded meanwhile stays in memory until `letGo`. */
  hold(id: string): ParkedKey | undefined {
    const parkedKey = this.find(id);
    if (parkedKey) parkedKey.isHeld = true;
    return parkedKey;
  }

  letGo(parkedKey: ParkedKey | undefined): void {
    if (!parkedKey) return;
    parkedKey.isHeld = false;
    for (const waiting of parkedKey.waiting) if (waiting.offset !== null) waiting.pending = null;
  }

  /** They wait no longer; a key without any is free. */
  remove(ids: readonly string[]): void {
    const gone = new Set(ids);
    for (const parkedKey of new Set(ids.map((id) => this.#byId.get(id)?.parkedKey))) {
      if (!parkedKey) continue;
      const left = parkedKey.waiting.filter((one) => !gone.has(one.id));
      parkedKey.waiting.splice(0, Number.POSITIVE_INFINITY, ...left);
      if (left.length === 0) this.#keys.delete(parkedKey.name);
    }
    for (const id of ids) this.#byId.delete(id);
  }
}

function nameOf(topic: string, key: Buffer): string {
  return `${sanitize(topic)} ${key.toString('latin1')}`;
}

function exhausted(keysMax: number, recordsMax: number): never {
  throw new OperatingError(
    'parked-keys-exhausted',
    `more than ${keysMax} keys, or ${recordsMax} records, would be parked`,
    {
      remedy:
        'Something breaks many records: `diptych parked list` shows why. Remove the cause, raise ' +
        'limits.parkedKeysMax, start the relay, and release or discard what is parked.',
    },
  );
}
