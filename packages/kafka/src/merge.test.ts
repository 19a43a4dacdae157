import fc from 'fast-check';
import { expect, test } from 'vitest';
import { merge } from './merge.ts';

const byNumber = { rank: (item: number) => item, compare: (left: number, right: number) => left - right };

async function* from(items: readonly number[], onEnd: () => void = () => undefined) {
  try {
    yield* items;
  } finally {
    onEnd();
  }
}

test('ordered sources come out as one ordered stream, nothing lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.nat(50))), async (lists) => {
      const sorted = lists.map((list) => list.toSorted((left, right) => left - right));
      const merged = await Array.fromAsync(
        merge(
          sorted.map((list) => from(list)),
          byNumber,
        ),
      );
      expect(merged).toEqual(lists.flat().sort((left, right) => left - right));
    }),
  );
});

test('a reader that stops ends every source', async () => {
  let ended = 0;
  const sources = [[1, 4], [2, 5], [3]].map((list) => from(list, () => (ended += 1)));
  for await (const item of merge(sources, byNumber)) if (item === 2) break;
  expect(ended).toBe(3);
});
