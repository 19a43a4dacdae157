/** What a session takes of a stream that begins before what is in Kafka, also when it would make other records of it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { step } from './delivery.ts';
import { acceptsStandalone } from './intake.ts';
import { at, feed, published, start, streaming, transaction } from './progress-for-tests.ts';
import type { Event, Progress } from './protocol.ts';

/** The same transaction under a configuration that makes no records of it. */
const without = (events: Event<string>[]): Event<string>[] =>
  events.map((event) => ('records' in event ? { ...event, bytes: 0, records: [] } : event));

test('what made no records and is reported is not published under settings by which it would', () => {
  const state = streaming();
  const [piece] = published(feed(state, [...without(transaction(10, 1)), ...transaction(20, 25)]));
  expect(piece?.progress).toEqual({ lsn: at(0), part: { lsn: at(20), seq: 10 }, reportedLsn: at(15) });
  step(state, { tag: 'published' });
  // The relay dies before the server hears of it: everything is sent again.
  const next = streaming(piece?.progress);
  expect(published(feed(next, transaction(10, 1)))).toEqual([]);
  const [rest] = published(feed(next, transaction(20, 25)));
  expect(rest?.records[0]).toBe('20/11');
});

test('what commits before a transaction that is published in part was passed before, and is not taken', () => {
  const state = streaming({ lsn: at(0), part: { lsn: at(20), seq: 10 }, reportedLsn: at(5) });
  expect(published(feed(state, transaction(10, 1)))).toEqual([]);
  expect(acceptsStandalone(state)).toBe(false);
  const [rest] = published(feed(state, transaction(20, 25)));
  expect(rest?.records[0]).toBe('20/11');
});

test('a transaction that begins where the reported position stands is taken', () => {
  const state = streaming({ lsn: at(10), part: null, reportedLsn: at(15) });
  expect(published(feed(state, transaction(15, 1)))).toHaveLength(1);
});

/** The crash law, while each session may make records of other transactions than the one before it. */
test('over any crashes and changes of what makes records nothing is repeated, and commit order is kept', () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 });
  const life = fc.record({
    events: fc.integer({ min: 1, max: 120 }),
    commits: fc.boolean(),
    mutes: fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 5 }),
  });
  fc.assert(
    fc.property(shapes, fc.array(life, { minLength: 1, maxLength: 6 }), (shape, lives) => {
      const kafka: string[] = [];
      let checkpoint: Progress = start;
      for (const { events, commits, mutes } of lives) {
        // The server has heard of nothing: it sends everything again.
        const state = streaming(checkpoint);
        const sent = shape.flatMap((rows, index) => {
          const whole = transaction(10 * (index + 1), rows);
          return mutes.includes(index) ? without(whole) : whole;
        });
        let pending: ReturnType<typeof published>[number] | undefined;
        const commit = () => {
          kafka.push(...(pending?.records ?? []));
          checkpoint = pending?.progress ?? checkpoint;
        };
        for (const [index, event] of sent.slice(0, events).entries()) {
          [pending = pending] = published(step(state, event));
          if (index % 7 !== 0 || !pending) continue;
          commit();
          [pending] = published(step(state, { tag: 'published' }));
        }
        if (commits) commit();
      }
      const all = shape.flatMap((rows, index) => transaction(10 * (index + 1), rows));
      const order = all.flatMap((event) => ('records' in event ? event.records : []));
      const places = kafka.map((record) => order.indexOf(record));
      expect(places).toEqual([...new Set(places)].toSorted((a, b) => a - b));
    }),
    { numRuns: 1000 },
  );
});
