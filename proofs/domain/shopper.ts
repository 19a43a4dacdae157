/** What random shoppers do with their carts, a command at a time. The same seed does the same. */
import { present } from '@diptych/runtime/assert';
import { Deck } from '../chaos/deck.ts';
import type { Random } from '../simulate/random.ts';

/** A command on a cart that is there, as it would be sent; many are refused. */
export type Step =
  | { readonly tag: 'add'; readonly sku: string; readonly quantity: number }
  | { readonly tag: 'quantity'; readonly sku: string; readonly quantity: number }
  | { readonly tag: 'remove'; readonly sku: string }
  | { readonly tag: 'discount'; readonly code: string }
  | { readonly tag: 'revert'; readonly toVersion: number }
  | { readonly tag: 'check-out' }
  | { readonly tag: 'abandon' };

/** The last one is sold nowhere. */
const skus = ['banana', 'apple', 'mango', 'banana', 'apple', 'mango', 'kiwi', 'durian'] as const;
const codes = ['two-bananas', 'six-apples', 'mango-season', 'none'] as const;

/** Of commands that do not end a cart, which come how often. */
const commands = [
  ['add', 10],
  ['quantity', 4],
  ['remove', 3],
  ['discount', 3],
  ['revert', 1],
] as const;

/** How a shopper leaves. Who goes away leaves the cart open. */
const ends = [
  ['check-out', 12],
  ['abandon', 5],
  ['go-away', 3],
] as const;

/** After how many commands: most carts have a dozen events, a few more than a snapshot covers. */
const usualMax = 16;
const indecisiveMax = 260;
const indecisiveChance = 0.015;

/** Mostly to a version that there is; now and then to one before a snapshot, which is taken every hundred events. */
const revertMax = { near: 6, far: 200 } as const;
const farChance = 0.1;

const heldChance = 0.85;

/** Products in the cart. */
export type Seen = readonly string[];

export class Shopper {
  readonly #random: Random;
  readonly #commands: Deck<(typeof commands)[number][0]>;
  readonly #ends: Deck<(typeof ends)[number][0]>;

  constructor(random: Random) {
    this.#random = random;
    this.#commands = new Deck(random, commands);
    this.#ends = new Deck(random, ends);
  }

  /** All that is done with one cart, to its end or until it is left behind; each next step sees what is in the cart. */
  *visit(): Generator<Step, void, Seen> {
    const random = this.#random;
    const max = random.chance(indecisiveChance) ? indecisiveMax : usualMax;
    let seen: Seen = [];
    for (let left = random.whole(1, max); left > 0; left -= 1) seen = yield this.#step(seen);
    const end = this.#ends.draw();
    if (end === 'go-away') return;
    yield { tag: end };
    // Too late, or checked out after all where the cart was empty.
    if (random.chance(0.2)) yield random.chance(0.5) ? this.#step(seen) : { tag: 'check-out' };
  }

  #step(seen: Seen): Step {
    const random = this.#random;
    const tag = this.#commands.draw();
    switch (tag) {
      case 'add':
        return { tag, sku: this.#pick(skus), quantity: random.whole(1, 4) };
      case 'quantity':
        return { tag, sku: this.#held(seen), quantity: random.whole(1, 4) };
      case 'remove':
        return { tag, sku: this.#held(seen) };
      case 'discount':
        return { tag, code: this.#pick(codes) };
      case 'revert': {
        const max = random.chance(farChance) ? revertMax.far : revertMax.near;
        return { tag, toVersion: random.whole(1, max) };
      }
    }
  }

  /** Mostly a product that is in the cart. */
  #held(seen: Seen): string {
    const from = seen.length > 0 && this.#random.chance(heldChance) ? seen : skus;
    return this.#pick(from);
  }

  #pick<T>(from: readonly T[]): T {
    return present(from[this.#random.whole(0, from.length - 1)], 'a thing to pick');
  }
}
