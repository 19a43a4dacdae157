import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Tally } from './tally.ts';

test('a tally counts what a map would, few names or many, in the order of their first, and again each time it is cleared', () => {
  const name = fc.record({
    topic: fc.constantFrom('', 'a', 'b'),
    name: fc.integer({ min: 0, max: 9 }).map(String),
  });
  const step = fc.record({ of: name, isTakenBack: fc.boolean() });
  const transaction = fc.oneof(fc.array(step, { maxLength: 6 }), fc.array(step, { maxLength: 200 }));
  fc.assert(
    fc.property(fc.array(transaction, { maxLength: 5 }), (transactions) => {
      const tally = new Tally();
      for (const steps of transactions) {
        tally.clear();
        const map = new Map<string, number>();
        for (const { of, isTakenBack } of steps) {
          const key = `${of.topic} ${of.name}`;
          const count = (map.get(key) ?? 0) + 1;
          expect(tally.add(of.topic, of.name)).toBe(count);
          map.set(key, count);
          if (!isTakenBack) continue;
          tally.remove(of.topic, of.name);
          if (count === 1) map.delete(key);
          else map.set(key, count - 1);
        }
        expect(tally.counted.map(({ topic, name, count }) => [`${topic} ${name}`, count])).toEqual([...map]);
      }
    }),
  );
});
