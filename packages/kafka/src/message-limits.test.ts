import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MessageLimits } from './message-limits.ts';

test('a topic takes a batch up to its own limit, and one that does not exist yet up to the broker’s', () => {
  const bytes = fc.integer({ min: 1, max: 20 });
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), bytes),
      bytes,
      bytes,
      (own, ofBroker, asked) => {
        const limits = new MessageLimits(new Map(Object.entries(own)), ofBroker);
        for (const topic of ['a', 'b', 'c', 'new'])
          expect(limits.takes(topic, asked)).toBe(asked <= (own[topic] ?? ofBroker));
      },
    ),
  );
});
