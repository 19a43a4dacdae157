/** State by key that does not have to be all in memory: what changed is known, and what was not used for longest can go. */

export interface KeyedEntry<Value> {
  readonly key: string;
  /** Greater than that of every entry that was used earlier. */
  readonly used: number;
  readonly value: Value;
}

/** What changed since it was asked for the last time. */
export interface KeyedChanges<Value> {
  readonly put: readonly KeyedEntry<Value>[];
  readonly deleted: readonly string[];
}

export class KeyedState<Value> {
  /** How many are in memory at most. */
  readonly residentMax: number;
  /** In the order of use. */
  readonly #entries = new Map<string, { value: Value; used: number }>();
  readonly #dirty = new Set<string>();
  readonly #tracks: boolean;
  #clock = 0;

  /** `tracks`: whether somebody takes its changes; else they are not remembered. */
  constructor({ residentMax, tracks = true }: { residentMax: number; tracks?: boolean }) {
    this.residentMax = residentMax;
    this.#tracks = tracks;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  keys(): Iterable<string> {
    return this.#entries.keys();
  }

  /** Puts a value, which is now the last one used. */
  set(key: string, value: Value): void {
    this.#clock += 1;
    this.#entries.delete(key);
    this.#entries.set(key, { value, used: this.#clock });
    if (this.#tracks) this.#dirty.add(key);
  }

  delete(key: string): void {
    if (this.#entries.delete(key) && this.#tracks) this.#dirty.add(key);
  }

  /** Deletes those beyond the bound that were not used for longest: nobody knows them any more. */
  forgetOldest(): void {
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= this.residentMax) return;
      this.delete(key);
    }
  }

  /**
   * Takes those beyond the bound out of memory that were not used for longest, and says how many; they have to be
   * elsewhere: what changed since `takeChanges` stays.
   */
  unloadOldest(): number {
    let unloaded = 0;
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= this.residentMax) break;
      if (!this.#dirty.has(key) && this.#entries.delete(key)) unloaded += 1;
    }
    return unloaded;
  }

  /** Puts back what was saved, in the order in which it was used. It is not changed by that. */
  load(entries: Iterable<KeyedEntry<Value>>): void {
    for (const { key, used, value } of entries) {
      this.#entries.set(key, { value, used });
      this.#clock = Math.max(this.#clock, used);
    }
  }

  /** Greater than the use of every entry, unloaded ones included. */
  get clock(): number {
    return this.#clock;
  }

  set clock(clock: number) {
    this.#clock = Math.max(this.#clock, clock);
  }

  takeChanges(): KeyedChanges<Value> {
    const put: KeyedEntry<Value>[] = [];
    const deleted: string[] = [];
    for (const key of this.#dirty) {
      const entry = this.#entries.get(key);
      if (entry === undefined) deleted.push(key);
      else put.push({ key, ...entry });
    }
    this.#dirty.clear();
    return { put, deleted };
  }
}

/** Keyed state as texts, whatever the values are: what a store needs of it. */
export interface KeyedTexts {
  has(key: string): boolean;
  load(entries: Iterable<KeyedEntry<string>>): void;
  takeChanges(): KeyedChanges<string>;
  unloadOldest(): number;
  /** How many are in memory at most. */
  readonly residentMax: number;
  clock: number;
}

export function keyedTexts<Value>(
  state: KeyedState<Value>,
  { write, read }: { write: (value: Value) => string; read: (text: string) => Value },
): KeyedTexts {
  return {
    has: (key) => state.has(key),
    load: (entries) =>
      state.load(Iterator.from(entries).map((entry) => ({ ...entry, value: read(entry.value) }))),
    takeChanges: () => {
      const { put, deleted } = state.takeChanges();
      return { put: put.map((entry) => ({ ...entry, value: write(entry.value) })), deleted };
    },
    unloadOldest: () => state.unloadOldest(),
    residentMax: state.residentMax,
    get clock() {
      return state.clock;
    },
    set clock(clock: number) {
      state.clock = clock;
    },
  };
}
