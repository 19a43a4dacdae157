import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { step } from './delivery.ts';
import { admissionOf } from './intake.ts';
import { at, feed, limits, only, start, streaming, transaction } from './progress-for-tests.ts';
import type { Action, Event, Progress } from './protocol.ts';
import { initialState } from './state.ts';

describe('start', () => {
  test('the slot comes first, then the look, the fence, the checkpoint, the stream', () => {
    const state = initialState<string>(limits, 0);
    expect(step(state, { tag: 'slot-acquired' })).toEqual([{ tag: 'look' }]);
    expect(step(state, { tag: 'looked' })).toEqual([{ tag: 'fence' }]);
    expect(step(state, { tag: 'fenced' })).toEqual([{ tag: 'read-checkpoint' }]);
    const actions = step(state, { tag: 'checkpoint-read', progress: start, confirmedFlushLsn: at(0) });
    expect(actions.map((action) => action.tag)).toEqual(['report', 'stream']);
  });

  test('the state machine refuses to fence before the slot is its own', () => {
    expect(() => step(initialState<string>(limits, 0), { tag: 'looked' })).toThrow('fence follows looking');
  });

  test('a missing checkpoint is refused', () => {
    const state = initialState<string>(limits, 0);
    for (const tag of ['slot-acquired', 'looked', 'fenced'] as const) step(state, { tag });
    expect(step(state, { tag: 'checkpoint-read', progress: null, confirmedFlushLsn: at(0) })).toEqual([
      { tag: 'end', reason: { tag: 'refused', code: 'checkpoint-missing' } },
    ]);
  });

  test('a slot beyond what was reported is refused, one behind it is normal', () => {
    const read = (confirmed: number) => {
      const state = initialState<string>(limits, 0);
      for (const tag of ['slot-acquired', 'looked', 'fenced'] as const) step(state, { tag });
      const progress = { lsn: at(90), part: null, reportedLsn: at(100) };
      return step(state, { tag: 'checkpoint-read', progress, confirmedFlushLsn: at(confirmed) });
    };
    expect(only(read(101), 'end')[0]?.reason).toEqual({ tag: 'refused', code: 'slot-moved-or-recreated' });
    expect(only(read(100), 'stream')).toHaveLength(1);
    expect(only(read(7), 'stream')).toHaveLength(1);
  });
});

describe('publishing', () => {
  test('a transaction is published as soon as it is whole, with its checkpoint', () => {
    const [publish] = only(feed(streaming(), transaction(10, 2)), 'publish');
    expect(publish?.records).toEqual(['10/1', '10/2', '10/end']);
    expect(publish?.progress).toEqual({ lsn: at(10), part: null, reportedLsn: at(15) });
  });

  test('one batch is in flight at a time; the next holds what came meanwhile', () => {
    const state = streaming();
    const first = feed(state, [...transaction(10, 1), ...transaction(20, 1), ...transaction(30, 1)]);
    expect(only(first, 'publish').map((action) => action.records)).toEqual([['10/1', '10/end']]);
    const second = step(state, { tag: 'published' });
    expect(only(second, 'publish')[0]?.records).toEqual(['20/1', '20/end', '30/1', '30/end']);
  });

  test('nothing is reported before the checkpoint that holds it is committed', () => {
    const state = streaming();
    const before = feed(state, [...transaction(10, 1), { tag: 'clock', nowMs: 2000 }]);
    expect(only(before, 'report').every((action) => action.flushed === at(0))).toBe(true);
    expect(only(step(state, { tag: 'published' }), 'report')[0]).toMatchObject({ flushed: at(15) });
  });

  test('a transaction that fits is never divided', () => {
    const state = streaming();
    feed(state, [...transaction(10, 1), ...transaction(20, 7), ...transaction(30, 7)]);
    const next = step(state, { tag: 'published' });
    expect(only(next, 'publish')[0]?.progress).toEqual({ lsn: at(20), part: null, reportedLsn: at(25) });
  });

  test('a transaction that does not fit is published in pieces, each with how far it came', () => {
    const state = streaming();
    const [first] = only(feed(state, transaction(10, 25)), 'publish');
    expect(first?.records).toHaveLength(10);
    expect(first?.progress).toEqual({ lsn: at(0), part: { lsn: at(10), seq: 10 }, reportedLsn: at(0) });
    const [second] = only(step(state, { tag: 'published' }), 'publish');
    expect(second?.progress.part).toEqual({ lsn: at(10), seq: 20 });
    const [third] = only(step(state, { tag: 'published' }), 'publish');
    expect(third?.records.at(-1)).toBe('10/end');
    expect(third?.progress).toEqual({ lsn: at(10), part: null, reportedLsn: at(15) });
  });

  test('what the checkpoint holds is skipped, of a divided transaction exactly its published messages', () => {
    const state = streaming({ lsn: at(10), part: { lsn: at(20), seq: 2 }, reportedLsn: at(15) });
    expect(only(feed(state, transaction(10, 3)), 'publish')).toEqual([]);
    const [publish] = only(feed(state, transaction(20, 4)), 'publish');
    expect(publish?.records).toEqual(['20/3', '20/4', '20/end']);
  });

  test('an answer that does not come ends the session with an unknown outcome', () => {
    const state = streaming();
    feed(state, transaction(10, 1));
    expect(only(step(state, { tag: 'clock', nowMs: 30_001 }), 'end')[0]?.reason).toEqual({
      tag: 'refused',
      code: 'publish-outcome-unknown',
    });
  });
});

describe('bounds', () => {
  test('the socket is paused above the bound and resumed below half of it', () => {
    const state = streaming();
    feed(state, transaction(10, 1));
    expect(only(feed(state, transaction(20, 25)), 'pause')).toHaveLength(1);
    const drained = Array.from({ length: 3 }, () => step(state, { tag: 'published' })).flat();
    expect(only(drained, 'resume')).toHaveLength(1);
  });

  test('changes without records take no place in the queue', () => {
    const state = streaming();
    step(state, { tag: 'transaction-began', commitLsn: at(10) });
    for (let ordinal = 1; ordinal <= 5000; ordinal++) {
      step(state, { tag: 'change-received', ordinal, bytes: 0, records: [] });
    }
    expect(state.queue).toHaveLength(0);
  });
});

test('transactions without records take one place in the queue together, however long a batch is in flight', () => {
  const state = streaming();
  feed(state, transaction(10, 1));
  for (let commit = 20; commit < 100_000; commit += 10) {
    step(state, { tag: 'transaction-began', commitLsn: at(commit) });
    step(state, { tag: 'transaction-ended', commitEndLsn: at(commit + 5), bytes: 0, records: [] });
  }
  expect(state.queue).toHaveLength(1);
  step(state, { tag: 'published' });
  expect(state).toMatchObject({ queue: [], queuedWhole: 0, idle: at(99_995) });
});

describe('idle WAL', () => {
  test('a keepalive moves the position only when nothing is outstanding', () => {
    const state = streaming();
    feed(state, transaction(10, 1));
    step(state, { tag: 'keepalive', walEnd: at(500), replyRequested: false });
    expect(only(step(state, { tag: 'clock', nowMs: 20_000 }), 'publish')).toEqual([]);
    expect(state.idle).toBe(at(0));
    expect(only(step(state, { tag: 'published' }), 'report')[0]?.flushed).toBe(at(15));
  });

  // Found by `npm run simulate`: the server says so only once, because it was told that the position is received.
  test('a keepalive that came while records were outstanding counts when they are published', () => {
    const state = streaming();
    feed(state, transaction(10, 1));
    step(state, { tag: 'keepalive', walEnd: at(500), replyRequested: false });
    step(state, { tag: 'published' });
    const [publish] = only(step(state, { tag: 'clock', nowMs: 10_000 }), 'publish');
    expect(publish).toMatchObject({ records: [], progress: { lsn: at(10), reportedLsn: at(500) } });
  });

  test('a keepalive inside a transaction is no position, also when the transaction is published', () => {
    const state = streaming();
    const [begin, ...rest] = transaction(10, 1);
    feed(state, begin ? [begin] : []);
    step(state, { tag: 'keepalive', walEnd: at(500), replyRequested: false });
    feed(state, rest);
    step(state, { tag: 'published' });
    expect(only(step(state, { tag: 'clock', nowMs: 20_000 }), 'publish')).toEqual([]);
  });

  test('a keepalive inside a transaction moves nothing', () => {
    const state = streaming();
    step(state, { tag: 'transaction-began', commitLsn: at(10) });
    step(state, { tag: 'keepalive', walEnd: at(500), replyRequested: false });
    expect(state.idle).toBe(at(0));
  });

  test('idle WAL is checkpointed at the interval, then reported', () => {
    const state = streaming();
    expect(step(state, { tag: 'keepalive', walEnd: at(500), replyRequested: false })).toEqual([]);
    const [publish] = only(step(state, { tag: 'clock', nowMs: 10_000 }), 'publish');
    expect(publish).toMatchObject({ records: [], progress: { reportedLsn: at(500) } });
    expect(only(step(state, { tag: 'published' }), 'report')[0]).toMatchObject({ flushed: at(500) });
  });

  test('much idle WAL does not wait for the interval', () => {
    const actions = step(streaming(), { tag: 'keepalive', walEnd: at(1_000_000), replyRequested: false });
    expect(only(actions, 'publish')).toHaveLength(1);
  });

  test('a transaction that published nothing counts as idle WAL', () => {
    const state = streaming();
    step(state, { tag: 'transaction-began', commitLsn: at(10) });
    step(state, { tag: 'transaction-ended', commitEndLsn: at(15), bytes: 0, records: [] });
    expect(state.idle).toBe(at(15));
    expect(only(step(state, { tag: 'clock', nowMs: 10_000 }), 'publish')[0]?.records).toEqual([]);
  });

  test('requests for an answer are not answered in a loop', () => {
    const state = streaming();
    step(state, { tag: 'clock', nowMs: 10 });
    const ask: Event<string> = { tag: 'keepalive', walEnd: at(0), replyRequested: true };
    const answers = Array.from({ length: 1000 }, () => step(state, ask)).flat();
    expect(only(answers, 'report').length).toBeLessThanOrEqual(1);
  });
});

describe('stop', () => {
  test('what is still handed out when the session is over is skipped', () => {
    const state = streaming({ lsn: at(10), part: null, reportedLsn: at(100) });
    step(state, { tag: 'transaction-began', commitLsn: at(50) });
    expect(only(step(state, { tag: 'stop-requested' }), 'end')).toHaveLength(1);
    // The same read of the socket brought its end, and the next transaction.
    step(state, { tag: 'transaction-ended', commitEndLsn: at(55), bytes: 0, records: [] });
    step(state, { tag: 'transaction-began', commitLsn: at(110) });
    expect(admissionOf(state)).toEqual({ tag: 'skip' });
  });

  test('the open transaction is finished, published and reported; the next one is not taken', () => {
    const state = streaming();
    const [begin, ...rest] = transaction(10, 2);
    feed(state, begin ? [begin] : []);
    expect(step(state, { tag: 'stop-requested' })).toEqual([]);
    feed(state, rest);
    step(state, { tag: 'transaction-began', commitLsn: at(20) });
    expect(admissionOf(state)).toEqual({ tag: 'skip' });
    const actions = step(state, { tag: 'published' });
    expect(only(actions, 'report').at(-1)?.flushed).toBe(at(15));
    expect(actions.at(-1)).toEqual({ tag: 'end', reason: { tag: 'stopped' } });
  });
});

test('a session that was asked to stop and cannot drain ends as it is', () => {
  const state = streaming();
  feed(state, transaction(10, 1));
  step(state, { tag: 'stop-requested' });
  expect(only(step(state, { tag: 'clock', nowMs: 10_000 }), 'end')).toEqual([]);
  expect(only(step(state, { tag: 'clock', nowMs: 10_001 }), 'end')).toHaveLength(1);
});

/**
 * The law: whatever ends a session at whatever step – and however the Kafka transaction in flight then turns out –
 * the log of committed records is each transaction once, in order.
 */
test('over any number of crashes each record is in Kafka exactly once and in commit order', () => {
  const history = fc.array(
    fc.record({ rows: fc.integer({ min: 0, max: 30 }), gap: fc.integer({ min: 0, max: 9 }) }),
    {
      minLength: 1,
      maxLength: 12,
    },
  );
  const crash = fc.record({ afterSteps: fc.integer({ min: 1, max: 60 }), commits: fc.boolean() });
  fc.assert(
    fc.property(history, fc.array(crash, { maxLength: 12 }), (shape, crashes) => {
      let position = 1;
      const all = shape.map(({ rows, gap }) => {
        position += gap + 10;
        return { end: position + 5, events: transaction(position, rows) };
      });
      const kafka: string[] = [];
      let checkpoint: Progress = start;
      let flushed = at(0);
      const run = (budget: number, lastCommits: boolean): boolean => {
        const state = initialState<string>(limits, 0);
        let pending: Extract<Action<string>, { tag: 'publish' }> | null = null;
        const apply = (actions: readonly Action<string>[]) => {
          for (const action of actions) {
            if (action.tag === 'publish') pending = action;
            const reported = action.tag === 'report' ? action.flushed : flushed;
            expect(reported <= checkpoint.reportedLsn).toBe(true);
            if (reported > flushed) flushed = reported;
            expect(action.tag).not.toBe('end');
          }
        };
        const settle = () => {
          const done = pending;
          pending = null;
          if (!done) return;
          kafka.push(...done.records);
          checkpoint = done.progress;
          apply(step(state, { tag: 'published' }));
        };
        for (const tag of ['slot-acquired', 'looked', 'fenced'] as const) apply(step(state, { tag }));
        apply(step(state, { tag: 'checkpoint-read', progress: checkpoint, confirmedFlushLsn: flushed }));
        let left = budget;
        for (const { end, events } of all) {
          if (end <= Number(flushed)) continue;
          for (const event of events) {
            apply(step(state, event));
            left -= 1;
            if (left % 7 === 0) settle();
            if (left > 0) continue;
            // The crash: the transaction in flight may still have been committed, nobody hears of it.
            const lost = pending as Extract<Action<string>, { tag: 'publish' }> | null;
            if (lost && lastCommits) {
              kafka.push(...lost.records);
              checkpoint = lost.progress;
            }
            return false;
          }
        }
        while (pending) settle();
        return true;
      };
      for (const { afterSteps, commits } of crashes) run(afterSteps, commits);
      expect(run(Number.POSITIVE_INFINITY, false)).toBe(true);
      const meant = all.flatMap(({ events }) =>
        events.flatMap((event) => ('records' in event ? event.records : [])),
      );
      expect(kafka).toEqual(meant);
    }),
    { numRuns: 500 },
  );
});
