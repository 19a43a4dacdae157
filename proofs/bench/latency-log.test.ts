import { expect, test } from 'vitest';
import { LatencyLog } from './latency-log.ts';

const startUs = 1_763_800_000_000_000;
const payload = (writtenAtUs: number) => JSON.stringify({ sku: 'a1', quantity: 1, writtenAtUs });

test('an event says when it was written, whether its payload is the value, or a text within an envelope', () => {
  const log = new LatencyLog(2);
  log.take(Buffer.from(payload(startUs)), startUs + 1500);
  log.take(Buffer.from(JSON.stringify({ after: { payload: payload(startUs) } })), startUs + 2500);
  expect(log.latencies({ fromUs: startUs, untilUs: startUs + 1 })).toMatchObject({
    events: 2,
    p50Ms: 1.5,
    maxMs: 2.5,
  });
});

test('only what was written within the time counts, all of it was received, and there is a bound', () => {
  const log = new LatencyLog(100);
  for (let at = 0; at < 100; at += 1) log.take(Buffer.from(payload(startUs + at)), startUs + at + 1000 * at);
  expect(log.received).toBe(100);
  const within = { fromUs: startUs + 10, untilUs: startUs + 20 };
  expect(log.latencies(within)).toMatchObject({ events: 10, p50Ms: 14, p99Ms: 19, maxMs: 19 });
  expect(() => log.take(Buffer.from(payload(startUs)), startUs)).toThrow('room');
});

test('an event without a time is a mistake of the load, and no latency', () => {
  expect(() => new LatencyLog(1).take(Buffer.from('{"writtenAtUs": 17}'), startUs)).toThrow('microseconds');
  expect(() => new LatencyLog(1).take(Buffer.from('{}'), startUs)).toThrow('when it was written');
});
