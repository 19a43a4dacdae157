import { describe, expect, test } from 'vitest';
import { step } from './delivery.ts';
import { at, feed, limits, only, published, start, streaming, transaction } from './progress-for-tests.ts';

const after = { lsn: at(10), part: null, reportedLsn: at(15) };
const records = ['10/1', '10/end'];
const atLeastOnce = { ...limits, delivery: 'at-least-once' } as const;

/** A session with a batch in flight of which nobody knows what became. */
function inDoubt(mode: typeof limits = limits) {
  const state = streaming(start, { mode });
  feed(state, transaction(10, 1));
  expect(step(state, { tag: 'unanswered' })).toEqual([{ tag: 'recover' }]);
  return state;
}

describe('a batch without an answer', () => {
  test('that the checkpoint knows is published: it is reported, and the next one follows', () => {
    const state = inDoubt();
    feed(state, transaction(20, 1));
    const actions = step(state, { tag: 'recovered', progress: after });
    expect(only(actions, 'report')[0]).toMatchObject({ flushed: at(15) });
    expect(published(actions).map((action) => action.records)).toEqual([['20/1', '20/end']]);
  });

  test('that the checkpoint does not know is sent again as it was, before anything else', () => {
    const state = inDoubt();
    feed(state, transaction(20, 1));
    const actions = step(state, { tag: 'recovered', progress: start });
    expect(actions).toEqual([{ tag: 'publish', records, progress: after }]);
    const next = step(state, { tag: 'published' });
    expect(only(next, 'report')[0]).toMatchObject({ flushed: at(15) });
    expect(published(next).map((action) => action.records)).toEqual([['20/1', '20/end']]);
  });

  test('is not published again by a session that finds another one’s checkpoint', () => {
    const progress = { lsn: at(20), part: null, reportedLsn: at(25) };
    expect(step(inDoubt(), { tag: 'recovered', progress })).toEqual([
      { tag: 'end', reason: { tag: 'refused', code: 'publish-outcome-unknown' } },
    ]);
  });

  test('waits as long as it takes, while what comes is taken up to the bound, and the old position reported', () => {
    const state = inDoubt();
    const waiting = step(state, { tag: 'clock', nowMs: limits.publishTimeoutMs * 100 });
    expect(waiting.map((action) => action.tag)).toEqual(['report']);
    expect(only(waiting, 'report')[0]).toMatchObject({ flushed: at(0) });
    expect(feed(state, transaction(20, 25)).map((action) => action.tag)).toEqual(['pause']);
  });

  test('has the whole time again when it is sent again, and may be in doubt again', () => {
    const state = inDoubt();
    step(state, { tag: 'clock', nowMs: limits.publishTimeoutMs * 100 });
    step(state, { tag: 'recovered', progress: start });
    const { publishTimeoutMs } = limits;
    expect(only(step(state, { tag: 'clock', nowMs: publishTimeoutMs * 101 }), 'end')).toEqual([]);
    expect(step(state, { tag: 'unanswered' })).toEqual([{ tag: 'recover' }]);
  });

  test('ends the session where the checkpoint cannot tell: released records leave it as it is', () => {
    const state = streaming();
    feed(state, [{ tag: 'standalone-offered', bytes: 1, records: ['released'] }]);
    expect(step(state, { tag: 'unanswered' })).toEqual([{ tag: 'end', reason: { tag: 'failed' } }]);
  });

  test('ends with the session that is asked to stop and cannot drain', () => {
    const state = inDoubt();
    step(state, { tag: 'stop-requested' });
    const [end] = only(step(state, { tag: 'clock', nowMs: limits.drainTimeoutMs + 1 }), 'end');
    expect(end?.reason).toEqual({ tag: 'refused', code: 'publish-outcome-unknown' });
  });
});

describe('at least once a batch without an answer', () => {
  test('is sent again whatever the checkpoint says: it vouches for the batch before', () => {
    const state = streaming(start, { mode: atLeastOnce });
    feed(state, [...transaction(10, 1), { tag: 'published' }, ...transaction(20, 1)]);
    step(state, { tag: 'unanswered' });
    const again = [{ tag: 'publish', records: ['20/1', '20/end'], progress: after }];
    expect(step(state, { tag: 'recovered', progress: after })).toEqual(again);
    step(state, { tag: 'unanswered' });
    expect(step(state, { tag: 'recovered', progress: start })).toEqual(again);
  });

  test('of released records too is sent again', () => {
    const state = streaming(start, { mode: atLeastOnce });
    feed(state, [{ tag: 'standalone-offered', bytes: 1, records: ['released'] }]);
    step(state, { tag: 'unanswered' });
    const actions = step(state, { tag: 'recovered', progress: start });
    expect(published(actions).map((action) => action.records)).toEqual([['released']]);
  });

  test('that is nothing but a checkpoint, and moves no position, is sent again: nothing tells it from the one before', () => {
    const state = streaming(start, { mode: atLeastOnce });
    feed(state, [{ tag: 'clock', nowMs: 200 }, { tag: 'statement-wanted' }, { tag: 'unanswered' }]);
    const actions = step(state, { tag: 'recovered', progress: start });
    expect(actions).toEqual([{ tag: 'publish', records: [], progress: start }]);
  });

  test('that is nothing but a checkpoint is there when the checkpoint is', () => {
    const state = streaming(start, { mode: atLeastOnce });
    feed(state, [...transaction(10, 1), { tag: 'published' }, { tag: 'clock', nowMs: 500 }]);
    step(state, { tag: 'unanswered' });
    const actions = step(state, { tag: 'recovered', progress: after });
    expect(actions.map((action) => action.tag)).toEqual(['report']);
    expect(only(actions, 'report')[0]).toMatchObject({ flushed: at(15) });
  });
});
