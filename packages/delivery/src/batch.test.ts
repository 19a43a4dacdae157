/** What waits: which pieces are put together, and which never. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { step } from './delivery.ts';
import { at, feed, limits, published, streaming, transaction } from './progress-for-tests.ts';

const waiting = (state: ReturnType<typeof streaming>) =>
  state.queue.map(({ records, commitEndLsn }) => `${records.join(' ')}${commitEndLsn === null ? ' …' : ''}`);

/** Behind a batch in flight, where everything waits. */
function busy(): ReturnType<typeof streaming> {
  const state = streaming();
  feed(state, transaction(10, 1));
  expect(state.publishing).not.toBeNull();
  return state;
}

test('small transactions wait as one piece, as many as a piece may hold', () => {
  const state = busy();
  feed(state, [...transaction(20, 1, 6), ...transaction(30, 1, 6), ...transaction(40, 1, 6)]);
  expect(waiting(state)).toEqual(['20/1 20/end 30/1 30/end', '40/1 40/end']);
  expect(state).toMatchObject({ queuedWhole: 2, queuedBytes: 11 + 14 + 7 });
});

test('what is published of it is published up to its last transaction', () => {
  const state = busy();
  feed(state, [...transaction(20, 1, 6), ...transaction(30, 1, 6)]);
  const [batch] = published(step(state, { tag: 'published' }));
  expect(batch?.records).toEqual(['20/1', '20/end', '30/1', '30/end']);
  expect(batch?.progress).toEqual({ lsn: at(30), part: null, reportedLsn: at(35) });
});

test('what is whole waits for nothing that is open', () => {
  const state = busy();
  feed(state, [...transaction(20, 1, 3), ...transaction(30, 2, 3).slice(0, -1)]);
  expect(waiting(state)).toEqual(['20/1 20/end', '30/1 30/2 …']);
  expect(state.queuedWhole).toBe(1);
});

test('what stands for itself is a piece of its own, and so is what comes behind it', () => {
  const state = busy();
  const own = { tag: 'standalone-offered', bytes: 1, records: ['own'] } as const;
  feed(state, [...transaction(20, 1, 1), own, own, ...transaction(30, 1, 1)]);
  expect(state.queue.map(({ records, standalone }) => [records.join(' '), standalone])).toEqual([
    ['20/1 20/end', false],
    ['own', true],
    ['own', true],
    ['30/1 30/end', false],
  ]);
});

test('pieces hold everything once and in order, the counters are true, and only a message that is large itself passes the bound', () => {
  const shape = fc.record({
    rows: fc.integer({ min: 0, max: 12 }),
    bytes: fc.integer({ min: 1, max: 25 }),
    isEmpty: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(shape, { maxLength: 20 }), (shapes) => {
      const state = busy();
      const events = shapes.flatMap(({ rows, bytes, isEmpty }, index) => {
        const own = transaction(20 + index * 10, rows, bytes);
        if (!isEmpty) return own;
        const commitLsn = at(20 + index * 10);
        const commitEndLsn = at(25 + index * 10);
        return [
          { tag: 'transaction-began', commitLsn } as const,
          { tag: 'transaction-ended', commitEndLsn, bytes: 0, records: [] } as const,
        ];
      });
      feed(state, events);
      const offered = events.flatMap((event) => ('records' in event ? [...event.records] : []));
      expect(state.queue.flatMap(({ records }) => records)).toEqual(offered);
      const bytes = state.queue.reduce((sum, piece) => sum + piece.bytes, state.publishing?.bytes ?? 0);
      expect(state.queuedBytes).toBe(bytes);
      expect(state.queuedWhole).toBe(state.queue.filter((piece) => piece.commitEndLsn !== null).length);
      for (const piece of state.queue)
        expect(piece.bytes <= limits.pieceBytesMax || piece.records.length === 1).toBe(true);
    }),
  );
});
