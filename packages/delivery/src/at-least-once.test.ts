/** At least once: without Kafka transactions a checkpoint holds what was acknowledged before it was sent. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { step } from './delivery.ts';
import {
  at,
  limits as exactlyOnce,
  feed,
  published,
  start,
  streaming as streamingAs,
  transaction,
} from './progress-for-tests.ts';
import type { Action, Limits, Progress } from './protocol.ts';

const limits: Limits = { ...exactlyOnce, delivery: 'at-least-once' };

const streaming = (progress = start, confirmedFlushLsn = at(0)) =>
  streamingAs(progress, { confirmedFlushLsn, mode: limits });

const flushed = (actions: readonly Action<string>[]) =>
  actions.flatMap((action) => (action.tag === 'report' ? [action.flushed] : []));

describe('a checkpoint', () => {
  test('that travels with a batch holds what was acknowledged before, and nothing of the batch', () => {
    const state = streaming();
    const [first] = published(feed(state, transaction(10, 1)));
    expect(first).toMatchObject({ records: ['10/1', '10/end'], progress: start });
    feed(state, transaction(20, 1));
    const [second] = published(step(state, { tag: 'published' }));
    expect(second?.progress).toEqual({ lsn: at(10), part: null, reportedLsn: at(15) });
  });

  test('is in Kafka before the server is told what it holds', () => {
    const state = streaming();
    feed(state, [...transaction(10, 1), ...transaction(20, 1)]);
    expect(flushed(step(state, { tag: 'published' }))).toEqual([at(0)]);
    expect(flushed(step(state, { tag: 'published' }))).toEqual([at(15)]);
  });

  test('of a divided transaction holds the pieces that are acknowledged', () => {
    const state = streaming();
    feed(state, transaction(10, 25));
    const [second] = published(step(state, { tag: 'published' }));
    expect(second?.progress.part).toEqual({ lsn: at(10), seq: 10 });
    const [third] = published(step(state, { tag: 'published' }));
    expect(third?.progress.part).toEqual({ lsn: at(10), seq: 20 });
  });

  test('is sent by itself when no batch follows, after a moment, and then reported', () => {
    const state = streaming();
    feed(state, [...transaction(10, 1), { tag: 'published' }]);
    expect(published(step(state, { tag: 'clock', nowMs: 199 }))).toEqual([]);
    const [statement] = published(step(state, { tag: 'clock', nowMs: 200 }));
    expect(statement).toEqual({
      tag: 'publish',
      records: [],
      progress: { lsn: at(10), part: null, reportedLsn: at(15) },
    });
    expect(flushed(step(state, { tag: 'published' }))).toEqual([at(15)]);
    expect(published(step(state, { tag: 'clock', nowMs: 5000 }))).toEqual([]);
  });

  test('of released records, which move no position, is sent by itself too, and once', () => {
    const state = streaming();
    feed(state, [{ tag: 'standalone-offered', bytes: 1, records: ['released'] }, { tag: 'published' }]);
    expect(published(step(state, { tag: 'clock', nowMs: 199 }))).toEqual([]);
    expect(published(step(state, { tag: 'clock', nowMs: 200 }))).toMatchObject([{ records: [] }]);
    step(state, { tag: 'published' });
    expect(published(step(state, { tag: 'clock', nowMs: 9000 }))).toEqual([]);
    feed(state, [{ tag: 'standalone-offered', bytes: 1, records: ['last'] }, { tag: 'stop-requested' }]);
    expect(published(step(state, { tag: 'published' }))).toMatchObject([{ records: [] }]);
  });

  test('that is wanted while another one is on its way is sent behind that', () => {
    const state = streaming();
    feed(state, transaction(10, 1));
    expect(published(step(state, { tag: 'statement-wanted' }))).toEqual([]);
    feed(state, [{ tag: 'published' }, { tag: 'clock', nowMs: 200 }, { tag: 'published' }]);
    expect(published(step(state, { tag: 'clock', nowMs: 9000 }))).toEqual([]);
    step(state, { tag: 'statement-wanted' });
    expect(state.publishing).toMatchObject({ records: [] });
  });

  test('is sent by itself also while the rest of a large transaction is on its way', () => {
    const state = streaming();
    feed(state, [...transaction(10, 12).slice(0, 12), { tag: 'published' }]);
    const [statement] = published(step(state, { tag: 'clock', nowMs: 200 }));
    expect(statement).toMatchObject({ records: [], progress: { part: { lsn: at(10), seq: 10 } } });
  });

  test('costs a busy stream no publishing of its own', () => {
    const state = streaming();
    let position = 10;
    let nowMs = 0;
    let publishings = published(feed(state, transaction(position, 1))).length;
    for (let batch = 0; batch < 50; batch += 1) {
      position += 10;
      nowMs += 100;
      publishings += published(step(state, { tag: 'published' })).length;
      publishings += published(feed(state, [{ tag: 'clock', nowMs }, ...transaction(position, 1)])).length;
    }
    expect(publishings).toBe(51);
  });

  test('is sent when the server asks, so that its shutdown need not wait for us', () => {
    const state = streaming();
    feed(state, [{ tag: 'clock', nowMs: 500 }, ...transaction(10, 1), { tag: 'published' }]);
    const asked = (nowMs: number) =>
      feed(state, [
        { tag: 'clock', nowMs },
        { tag: 'keepalive', walEnd: at(15), replyRequested: true },
      ]);
    expect(published(asked(600))).toEqual([]);
    expect(published(asked(700))).toHaveLength(1);
  });

  test('of all that is acknowledged is the last word of a relay that stops', () => {
    const state = streaming();
    feed(state, [...transaction(10, 1), ...transaction(20, 1), { tag: 'stop-requested' }]);
    expect(published(step(state, { tag: 'published' }))[0]?.records).toEqual(['20/1', '20/end']);
    const [last] = published(step(state, { tag: 'published' }));
    expect(last).toMatchObject({ records: [], progress: { lsn: at(20), part: null, reportedLsn: at(25) } });
    const actions = step(state, { tag: 'published' });
    expect(flushed(actions).at(-1)).toBe(at(25));
    expect(actions.at(-1)).toEqual({ tag: 'end', reason: { tag: 'stopped' } });
  });

  test('that cannot be sent does not keep a relay from stopping', () => {
    const state = streaming();
    feed(state, [...transaction(10, 1), { tag: 'published' }, { tag: 'stop-requested' }]);
    const actions = step(state, { tag: 'clock', nowMs: 10_001 });
    expect(actions.at(-1)).toMatchObject({ tag: 'end', reason: { code: 'publish-outcome-unknown' } });
  });
});

test('a divided transaction is resumed at its acknowledged pieces', () => {
  const state = streaming({ lsn: at(0), part: { lsn: at(10), seq: 2 }, reportedLsn: at(0) });
  const [publish] = published(feed(state, transaction(10, 4)));
  expect(publish?.records).toEqual(['10/3', '10/4', '10/end']);
  expect(publish?.progress.part).toEqual({ lsn: at(10), seq: 2 });
});

/**
 * The law: whatever ends a session at whatever step, whichever of the records and the checkpoint in flight then arrive,
 * and however far the slot falls back, the first occurrences are each transaction in order, and a session repeats no
 * more than two batches.
 */
test('over any number of crashes nothing is lost, first occurrences are in commit order, and repeats are bounded', () => {
  const history = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 12 });
  const crash = fc.record({
    afterSteps: fc.integer({ min: 1, max: 60 }),
    records: fc.boolean(),
    checkpoint: fc.boolean(),
    slotFallsBack: fc.boolean(),
  });
  fc.assert(
    fc.property(history, fc.array(crash, { maxLength: 12 }), (shape, crashes) => {
      const all = shape.map((rows, index) => transaction(10 * (index + 1), rows));
      const meant = all.flatMap((events) =>
        events.flatMap((event) => ('records' in event ? event.records : [])),
      );
      const kafka: string[] = [];
      let checkpoint: Progress = start;
      let slot = at(0);
      const run = (budget: number, fate: { records: boolean; checkpoint: boolean } | null): void => {
        const state = streaming(checkpoint, slot);
        const seen = new Set(kafka);
        let repeats = 0;
        let pending: ReturnType<typeof published>[number] | null = null;
        const arrive = (what: { records: boolean; checkpoint: boolean }) => {
          if (what.records) {
            repeats += pending?.records.filter((record) => seen.has(record)).length ?? 0;
            kafka.push(...(pending?.records ?? []));
          }
          if (what.checkpoint && pending) checkpoint = pending.progress;
        };
        const apply = (actions: readonly Action<string>[]) => {
          for (const action of actions) {
            expect(action.tag).not.toBe('end');
            if (action.tag === 'publish') pending = action;
            if (action.tag !== 'report') continue;
            expect(action.flushed <= checkpoint.reportedLsn).toBe(true);
            if (action.flushed > slot) slot = action.flushed;
          }
        };
        const settle = () => {
          if (!pending) return;
          arrive({ records: true, checkpoint: true });
          pending = null;
          apply(step(state, { tag: 'published' }));
        };
        const events = all.flatMap((one, index) => (10 * (index + 1) + 5 <= Number(slot) ? [] : one));
        for (const [index, event] of events.entries()) {
          apply(step(state, event));
          if (index % 7 === 0) settle();
          if (index + 1 < budget) continue;
          if (fate) arrive(fate);
          break;
        }
        if (!fate) while (pending) settle();
        // A batch of 100 bytes is ten changes and ENDs of one byte.
        expect(repeats).toBeLessThanOrEqual(2 * (10 + shape.length));
      };
      for (const { afterSteps, slotFallsBack, ...fate } of crashes) {
        run(afterSteps, fate);
        if (slotFallsBack) slot = at(0);
      }
      run(Number.POSITIVE_INFINITY, null);
      expect([...new Set(kafka)]).toEqual(meant);
    }),
    { numRuns: 500 },
  );
});
