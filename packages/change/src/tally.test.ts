import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Tally } from './tally.ts';

test('a tally counts what a map would, few names or many, in the order of their first', () => {
  const name = fc.record({
    topic: fc.constantFrom('', 'a', 'b'),
    name: fc.integer({ min: 0, max: 9 }).map(String),
  });
  const step = fc.record({ of: name, isTakenBack: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const tally = new Tally();
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
    }),
  );
});
