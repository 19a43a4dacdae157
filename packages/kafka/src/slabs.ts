/** The memory that records stand in while they wait. */

/** Room for some hundred records. */
const slabBytes = 256 * 1024;
/** A longer record stays what it is: a second copy of it would cost memory, and it is one of few. */
export const bodyBytesMax = 16 * 1024;
/** Slabs without records that are kept for the next ones: as much as a relay lets wait by default. */
const freeSlabsMax = 32;

/** Memory that many records stand in. */
export interface Slab {
  readonly bytes: Buffer;
  readonly home: Slabs | null;
  /** Records in it that were not released. */
  held: number;
}

/** Of what stands nowhere. */
export const nowhere: Slab = { bytes: Buffer.alloc(0), home: null, held: 0 };

/** Where a body stands: all of a record but what depends on its place in a batch, from the length of its key on. */
export interface Body {
  readonly slab: Slab;
  readonly start: number;
  readonly end: number;
  /** Of the key, not negative; -1 without a key. */
  readonly hash: number;
}

/**
 * Where bodies stand, one behind the other. A slab whose records were all released is used again: left to the garbage collector,
 * which sees only small objects that are old, dozens of them would be resident at any time, and it would mark all it has to find them.
 */
export class Slabs {
  #slab = this.#newSlab();
  #at = 0;
  readonly #free: Slab[] = [];

  /** The one with room. */
  get slab(): Slab {
    return this.#slab;
  }

  /** A place in `slab` with so many bytes behind it, at most the longest body. */
  room(bytes: number): number {
    if (this.#at + bytes > slabBytes) {
      const full = this.#slab;
      this.#slab = this.#free.pop() ?? this.#newSlab();
      this.#at = 0;
      if (full.held === 0) this.#keep(full);
    }
    return this.#at;
  }

  /** A record stands before `at`. */
  taken(at: number): void {
    this.#at = at;
    this.#slab.held += 1;
  }

  /** One record less stands in it. */
  released(slab: Slab): void {
    slab.held -= 1;
    if (slab.held === 0 && slab !== this.#slab) this.#keep(slab);
  }

  #newSlab(): Slab {
    return { bytes: Buffer.allocUnsafeSlow(slabBytes), home: this, held: 0 };
  }

  #keep(slab: Slab): void {
    if (this.#free.length < freeSlabsMax) this.#free.push(slab);
  }
}
