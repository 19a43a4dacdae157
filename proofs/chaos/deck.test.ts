import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../simulate/random.ts';
import { Deck } from './deck.ts';

test('each kind is drawn as often as it lies in the deck, whatever the seed', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 5 }), (seed, rounds) => {
      const deck = new Deck(new Random(seed), [
        ['often', 3],
        ['seldom', 1],
      ]);
      const drawn = Array.from({ length: 4 * rounds }, () => deck.draw());
      expect(drawn.filter((kind) => kind === 'often')).toHaveLength(3 * rounds);
      expect(drawn.filter((kind) => kind === 'seldom')).toHaveLength(rounds);
    }),
  );
});

test('the order is the seed’s', () => {
  const drawn = (seed: number) => {
    const deck = new Deck(new Random(seed), [
      ['a', 10],
      ['b', 10],
    ]);
    return Array.from({ length: 20 }, () => deck.draw()).join('');
  };
  expect(drawn(1)).toBe(drawn(1));
  expect(drawn(1)).not.toBe(drawn(2));
});
