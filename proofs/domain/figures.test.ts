import { failuresOf } from '@diptych/runtime/verdict';
import { expect, test } from 'vitest';
import { countedOf } from './figures.ts';

const clean = {
  shopping: { events: 5010, commands: 2600, refused: 400, disagreements: 0, pairs: { length: 300 } },
  shoppingSeconds: 20,
  kills: { relay: 3, shipping: 1, projections: 1, broker: 1 },
  drained: true,
  drainSeconds: 5,
  rebuilt: { differing: [] as string[], empty: [] as string[], kills: 1, seconds: 4 },
  topics: {
    ...{ committed: 5000, received: 5000, records: 10_000, lost: 0, repeated: 0 },
    ...{ outOfOrder: 0, phantom: 0, stray: 0, examples: [] },
  },
  effects: { checkouts: 100, missing: 0, repeated: 0, phantom: 0, parked: 0 },
  cartsDiffer: 0,
  throughput: { events: 5010, eventsPerSecond: 500 },
  flink: { lines: 50, records: 900, differences: 0, seconds: 20 },
  exits: { length: 0 },
};
const asked = { events: 5000, kills: 6 };

const failed = (outcome: typeof clean) => failuresOf(countedOf(outcome, asked)).map(({ what }) => what);

test('the figures of the domain proof are events, kills and mismatches, and each mismatch is over its limit', () => {
  const { figures } = countedOf(clean, asked);
  expect(Object.keys(figures).slice(0, 3)).toEqual(['events', 'kills', 'mismatches']);
  expect(figures).toMatchObject({ events: 5010, kills: 6, mismatches: 0 });
  expect(failed(clean)).toEqual([]);
  expect(failed({ ...clean, cartsDiffer: 2 })).toEqual(['mismatches', 'cartsDiffer']);
  expect(failed({ ...clean, topics: { ...clean.topics, lost: 1 } })).toEqual(['mismatches', 'lost']);
  expect(failed({ ...clean, effects: { ...clean.effects, repeated: 1 } })).toEqual([
    'mismatches',
    'effectsRepeated',
  ]);
  expect(failed({ ...clean, rebuilt: { ...clean.rebuilt, differing: ['revenue'] } })).toEqual([
    'mismatches',
    'projectionsDiffer',
  ]);
  expect(failed({ ...clean, flink: { ...clean.flink, differences: 1 } })).toEqual([
    'mismatches',
    'flinkDiffers',
  ]);
});

test('a run that killed nobody, or told nothing, proves nothing', () => {
  expect(failed({ ...clean, kills: { ...clean.kills, broker: 0 } })).toEqual(['killsShort', 'neverKilled']);
  expect(failed({ ...clean, shopping: { ...clean.shopping, events: 4999 } })).toEqual(['eventsShort']);
  expect(failed({ ...clean, effects: { ...clean.effects, checkouts: 0 } })).toEqual(['noCheckouts']);
  expect(failed({ ...clean, rebuilt: { ...clean.rebuilt, empty: ['revenue'] } })).toEqual([
    'projectionsEmpty',
  ]);
  expect(failed({ ...clean, rebuilt: { ...clean.rebuilt, kills: 0 } })).toEqual(['rebuildNotKilled']);
  expect(failed({ ...clean, flink: { ...clean.flink, lines: 0 } })).toEqual(['flinkEmpty']);
});
