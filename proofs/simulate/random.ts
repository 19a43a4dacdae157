/** A seeded generator (sfc32): the same seed draws the same numbers on every machine. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = scramble(seed);
    this.#b = scramble(this.#a ^ Math.floor(seed / 2 ** 32));
    this.#c = scramble(this.#b);
    for (let round = 0; round < 12; round++) this.next();
  }

  /** From 0 up to but not including 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }

  /** A whole number, both bounds included. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** Any number between the bounds. */
  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }
}

/**
 * The seed of one schedule of a run. That of the first is the run's own, so that any schedule is run again alone by
 * `--seed <its seed> --schedules 1`.
 */
export function scheduleSeed(seed: number, index: number): number {
  return index === 0 ? seed : scramble(scramble(seed) + index) >>> 0;
}

/** The finisher of murmur3: every bit of the input moves every bit of the output. */
function scramble(value: number): number {
  let bits = (value + 0x9e3779b9) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
