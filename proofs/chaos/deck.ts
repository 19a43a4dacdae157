/** Kinds of a thing, drawn so that each comes as often as it lies in the deck, however short the run. */
import { present } from '@diptych/runtime/assert';
import type { Random } from '../simulate/random.ts';

export class Deck<Kind> {
  readonly #cards: readonly Kind[];
  readonly #random: Random;
  #left: Kind[] = [];

  /** @param counts how often each kind lies in it */
  constructor(random: Random, counts: readonly (readonly [Kind, number])[]) {
    this.#random = random;
    this.#cards = counts.flatMap(([kind, count]) => Array.from({ length: count }, () => kind));
  }

  /** The next one; an empty deck is mixed anew. */
  draw(): Kind {
    if (this.#left.length === 0) this.#left = [...this.#cards];
    const [card] = this.#left.splice(this.#random.whole(0, this.#left.length - 1), 1);
    return present(card, 'a card of the deck');
  }
}
