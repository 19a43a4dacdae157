import { expect, test } from 'vitest';
import { inboxFigures, isAtWork, isDone } from './inbox-figures.ts';

const metrics = ({ consuming = 1, held = 2, lags = [0, 0] } = {}) =>
  [
    '# TYPE diptych_inbox_consuming gauge',
    'diptych_inbox_consuming{group="a"} 1',
    `diptych_inbox_consuming{group="b"} ${consuming}`,
    'diptych_inbox_partitions{group="a"} 0'.replace('0', String(held)),
    ...lags.map((lag, n) => `diptych_inbox_lag_records{topic="t",partition="${n}",group="a"} ${lag}`),
  ].join('\n');

test('a service is done when each of its inboxes consumes and each partition is at its end', () => {
  expect(isDone(inboxFigures(metrics()))).toBe(true);
  expect(isDone(inboxFigures(metrics({ lags: [0, 3] })))).toBe(false);
  expect(isDone(inboxFigures(metrics({ lags: [0] })))).toBe(false);
  expect(isDone(inboxFigures(metrics({ held: 0, lags: [] })))).toBe(false);
  expect(isDone(inboxFigures(metrics({ consuming: 0 })))).toBe(false);
  expect(isDone(inboxFigures(''))).toBe(false);
});

test('a service is at work while it lags, and not while it waits', () => {
  expect(isAtWork(inboxFigures(metrics({ lags: [0, 3] })))).toBe(true);
  expect(isAtWork(inboxFigures(metrics({ consuming: 0 })))).toBe(false);
  expect(isAtWork(inboxFigures(''))).toBe(false);
});
