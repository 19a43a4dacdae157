import { expect, test } from 'vitest';
import { joinedForTests } from './joined-for-tests.ts';
import { Mask, noMasks } from './mask.ts';
import { timelineItem } from './timeline-item.ts';
import { cartEvent } from './worked-example-for-tests.ts';

const options = { mask: new Mask(noMasks, 'key'), aggregates: [], lagMs: 0 };

test('a large transaction, row or value is kept in part, and says of how much', () => {
  const wide = Object.fromEntries(
    Array.from({ length: 500 }, (_, column) => [`c${column}`, 'x'.repeat(3000)]),
  );
  const [transaction] = joinedForTests([
    {
      at: 1,
      changes: Array.from({ length: 300 }, (_, id) => ({
        ...{ table: 'wide', op: 'c' as const, key: { id } },
        after: id === 0 ? { id, ...wide } : { id },
      })),
      events: Array.from({ length: 300 }, (_, version) =>
        cartEvent('Noted', version, { text: 'y'.repeat(version === 0 ? 9000 : 600) }),
      ),
    },
  ]);
  if (!transaction) throw new Error('it is whole');
  const item = timelineItem(transaction, options);
  expect(item).toMatchObject({ eventCount: 300, changeCount: 300 });
  expect(JSON.stringify(item).length).toBeLessThan(250_000);
  expect(item.events.length).toBeGreaterThan(10);
  const [change] = item.changes;
  expect(change?.columns).toHaveLength(500);
  expect(change?.columns[0]?.after).toEqual({ tag: 'value', text: 'x'.repeat(2000), cut: true });
  expect(change?.columns[499]?.after).toEqual({ tag: 'value', text: '', cut: true });
  expect(item.events[0]?.payload).toMatchObject({ cut: true });
});
