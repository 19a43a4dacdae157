import { expect, test } from 'vitest';
import { countersOf, ratesOf } from './relay-watch.ts';

const metrics = (events: number, changes: number, buckets: Record<string, number>): string =>
  [
    '# HELP diptych_records_published_total Records committed to Kafka',
    `diptych_records_published_total{panel="domain"} ${events}`,
    `diptych_records_published_total{panel="change"} ${changes}`,
    `diptych_records_published_total{panel="transaction"} 9`,
    ...Object.entries(buckets).map(
      ([le, count]) => `diptych_commit_to_kafka_seconds_bucket{le="${le}"} ${count}`,
    ),
    'diptych_commit_to_kafka_seconds_sum 1.5',
  ].join('\n');

const at = (atMs: number, text: string, startedAt = 'then') => ({ atMs, startedAt, ...countersOf(text) });

test('throughput and latency are of what was published between two looks', () => {
  const before = at(0, metrics(100, 200, { '0.01': 50, '0.1': 100, '+Inf': 100 }));
  const now = at(2000, metrics(110, 260, { '0.01': 50, '0.1': 200, '+Inf': 200 }));
  expect(ratesOf(before, now)).toEqual({
    eventsPerSecond: 5,
    changesPerSecond: 30,
    commitToKafkaMs: { p50: 55, p99: 99.1 },
  });
  expect(ratesOf(now, { ...now, atMs: 3000 })).toEqual({
    eventsPerSecond: 0,
    changesPerSecond: 0,
    commitToKafkaMs: null,
  });
});

test('a relay that has begun anew has counted from zero: nothing is said of the time between', () => {
  const before = at(0, metrics(100, 200, { '+Inf': 100 }));
  expect(ratesOf(before, at(1000, metrics(1, 2, { '+Inf': 1 }), 'now'))).toBeNull();
});
