import { expect, test } from 'vitest';
import { InboxMetrics } from './inbox-metrics.ts';
import { mergedMetrics } from './merged-metrics.ts';

test('what several inboxes say stands together by its name, under one head', async () => {
  const inboxes = ['one', 'other'].map(
    (group) =>
      new InboxMetrics({
        group,
        lag: async () => [{ topic: 't', partition: 0, records: 1 }],
        parked: async () => 0,
        state: () => ({ isConsuming: true, heldPartitions: 1 }),
      }),
  );
  for (const inbox of inboxes) inbox.count('handled', 3);
  const text = mergedMetrics(await Promise.all(inboxes.map(({ registry }) => registry.metrics())));
  const of = (name: string) => text.split('\n').filter((line) => line.includes(name));
  expect(of('diptych_inbox_events_total')).toEqual([
    expect.stringMatching(/^# HELP /),
    '# TYPE diptych_inbox_events_total counter',
    'diptych_inbox_events_total{outcome="handled",group="one"} 3',
    'diptych_inbox_events_total{outcome="handled",group="other"} 3',
  ]);
  const heads = text.split('\n').filter((line) => line.startsWith('# TYPE '));
  expect(new Set(heads).size).toBe(heads.length);
});
