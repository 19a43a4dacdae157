/** Records that belong to no transaction, as parked ones that are released: where they may stand, and how often. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { step } from './delivery.ts';
import { acceptsStandalone } from './intake.ts';
import { at, feed, published, start, streaming, transaction } from './progress-for-tests.ts';
import type { Action, Event, Progress } from './protocol.ts';

const offer = (...records: string[]): Event<string> => ({ tag: 'standalone-offered', bytes: 10, records });
describe('a standalone piece', () => {
  test('is published at once on an idle stream, and moves no position', () => {
    const state = streaming({ lsn: at(10), part: null, reportedLsn: at(15) });
    const [publish] = published(step(state, offer('released')));
    expect(publish).toMatchObject({ records: ['released'] });
    expect(publish?.progress).toEqual({ lsn: at(10), part: null, reportedLsn: at(15) });
    step(state, { tag: 'published' });
    expect(state.queuedBytes).toBe(0);
  });

  test('stands where it was offered, between two whole transactions', () => {
    const state = streaming(start);
    feed(state, transaction(10, 1));
    feed(state, [...transaction(20, 1), offer('released'), ...transaction(30, 1)]);
    const [publish] = published(step(state, { tag: 'published' }));
    expect(publish?.records).toEqual(['20/1', '20/end', 'released', '30/1', '30/end']);
    expect(publish?.progress).toEqual({ lsn: at(30), part: null, reportedLsn: at(35) });
  });

  test('waits for the end of a divided transaction, and then ends the batch whole', () => {
    const state = streaming(start);
    feed(state, [...transaction(10, 15), offer('released')]);
    const [rest] = published(step(state, { tag: 'published' }));
    expect(rest?.records.slice(-2)).toEqual(['10/end', 'released']);
    expect(rest?.progress).toEqual({ lsn: at(10), part: null, reportedLsn: at(15) });
  });

  test('is refused while a transaction is open, while its rest is still to come, and by a relay that stops', () => {
    const open = streaming(start);
    step(open, { tag: 'transaction-began', commitLsn: at(10) });
    expect(() => step(open, offer('x'))).toThrow('between two transactions');
    const divided = streaming({ lsn: at(0), part: { lsn: at(10), seq: 2 }, reportedLsn: at(0) });
    expect(acceptsStandalone(divided)).toBe(false);
    step(divided, { tag: 'keepalive', walEnd: at(5), replyRequested: false });
    step(divided, { tag: 'clock', nowMs: 10_000 });
    expect(acceptsStandalone(divided)).toBe(false);
    step(divided, { tag: 'published' });
    feed(divided, transaction(10, 4));
    expect(acceptsStandalone(divided)).toBe(true);
    const stopping = streaming(start);
    feed(stopping, [...transaction(10, 1), { tag: 'stop-requested' }]);
    expect(acceptsStandalone(stopping)).toBe(false);
  });

  test('is published before a relay that stops ends', () => {
    const state = streaming(start);
    feed(state, [...transaction(10, 1), offer('released'), { tag: 'stop-requested' }]);
    const after = step(state, { tag: 'published' });
    expect(published(after)[0]?.records).toEqual(['released']);
    expect(step(state, { tag: 'published' }).at(-1)).toEqual({ tag: 'end', reason: { tag: 'stopped' } });
  });
});

/**
 * The crash law with commands: whoever offers again what the log does not hold, and only that, sees each once, none
 * inside a transaction, and the transactions as if there were no commands.
 */
test('over any number of crashes each command is in the log exactly once, between transactions', () => {
  const rows = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 10 });
  const crash = fc.record({ afterSteps: fc.integer({ min: 1, max: 60 }), commits: fc.boolean() });
  const offers = fc.array(fc.integer({ min: 0, max: 80 }), { maxLength: 6 });
  fc.assert(
    fc.property(rows, fc.array(crash, { maxLength: 10 }), offers, (shape, crashes, commandSteps) => {
      const all = shape.map((count, index) => transaction(10 * (index + 1), count));
      const kafka: string[] = [];
      let checkpoint: Progress = start;
      let flushed = at(0);
      let steps = 0;
      const run = (budget: number, lastCommits: boolean): void => {
        const state = streaming(checkpoint, { confirmedFlushLsn: flushed });
        let pending: ReturnType<typeof published>[number] | undefined;
        const commit = () => {
          if (!pending) return;
          kafka.push(...pending.records);
          checkpoint = pending.progress;
          pending = undefined;
        };
        const apply = (actions: readonly Action<string>[]) => {
          for (const action of actions) {
            expect(action.tag).not.toBe('end');
            if (action.tag === 'publish') pending = action;
            if (action.tag === 'report' && action.flushed > flushed) flushed = action.flushed;
          }
        };
        const settle = () => {
          if (!pending) return;
          commit();
          apply(step(state, { tag: 'published' }));
        };
        const offered = new Set(kafka);
        const execute = () => {
          for (const [index, due] of commandSteps.entries()) {
            const name = `command/${index}`;
            if (due > steps || offered.has(name) || !acceptsStandalone(state)) continue;
            offered.add(name);
            apply(step(state, offer(name)));
          }
        };
        const isFlushed = (index: number) => 10 * (index + 1) + 5 <= Number(flushed);
        const events = all.flatMap((events, index) => (isFlushed(index) ? [] : events));
        for (const [index, event] of events.entries()) {
          apply(step(state, event));
          steps += 1;
          execute();
          if (index % 7 === 0) settle();
          if (index + 1 < budget) continue;
          if (lastCommits) commit();
          return;
        }
        steps = Number.POSITIVE_INFINITY;
        execute();
        while (pending) settle();
      };
      for (const { afterSteps, commits } of crashes) run(afterSteps, commits);
      run(Number.POSITIVE_INFINITY, false);
      const isCommand = (record: string) => record.startsWith('command/');
      expect(kafka.filter((record) => !isCommand(record))).toEqual(
        all.flatMap((events) => events.flatMap((event) => ('records' in event ? event.records : []))),
      );
      expect(kafka.filter(isCommand).toSorted()).toEqual(commandSteps.map((_, index) => `command/${index}`));
      const before = (index: number) => kafka.slice(0, index).findLast((one) => !isCommand(one)) ?? '/end';
      const inside = kafka.filter((record, index) => isCommand(record) && !before(index).endsWith('/end'));
      expect(inside).toEqual([]);
    }),
    { numRuns: 500 },
  );
});
