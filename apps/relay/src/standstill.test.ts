import type { Progress } from '@diptych/delivery/protocol';
import { initialState } from '@diptych/delivery/state';
import { lsn } from '@diptych/wal/lsn';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Sighting, type Standstill, sightingOf, standstillOf, type Watch, watch } from './standstill.ts';

const limits = { stalledMs: 60_000, stalledBytes: 65_536 };

const progress = (at: number, seq: number | null = null): Progress => ({
  lsn: lsn(BigInt(at)),
  part: seq === null ? null : { lsn: lsn(BigInt(at) + 8n), seq },
  reportedLsn: lsn(BigInt(at)),
});

const sighting = (nowMs: number, change: Partial<Sighting> = {}): Sighting => ({
  nowMs,
  checkpoint: progress(1000),
  received: null,
  walEnd: lsn(1_000_000n),
  rowsRead: 0,
  ...change,
});

const at = (commit: number, ordinal: number) => ({ commitLsn: lsn(BigInt(commit)), ordinal });

/** What is said after the last of these sightings. */
function after(sightings: readonly Sighting[]): Standstill | null {
  let seen: Watch | null = null;
  let said: Standstill | null = null;
  for (const one of sightings) {
    seen = watch(seen, one, limits);
    said = standstillOf(seen, one, limits);
  }
  return said;
}

const seconds = (count: number, make: (second: number) => Sighting): Sighting[] =>
  Array.from({ length: count + 1 }, (_, second) => make(second));

test('a position that stands still for so long, with so much WAL behind it, is a standstill', () => {
  expect(after(seconds(59, (second) => sighting(second * 1000)))).toBeNull();
  expect(after(seconds(60, (second) => sighting(second * 1000)))).toEqual({
    forMs: 60_000,
    bytes: 999_000,
    reason: 'nothing was published for 60 s, 999000 bytes of WAL wait',
  });
});

test('while tables are read first no position moves, and the rows that come are enough', () => {
  const reading = seconds(3600, (second) => sighting(second * 1000, { rowsRead: second }));
  expect(after(reading)).toBeNull();
  const stuck = seconds(60, (second) => sighting((3600 + second) * 1000, { rowsRead: 3600 }));
  expect(after([...reading, ...stuck])).not.toBeNull();
});

test('a quiet database is none, however long', () => {
  const quiet = { walEnd: lsn(1000n + 65_535n) };
  expect(after(seconds(3600, (second) => sighting(second * 1000, quiet)))).toBeNull();
  expect(after(seconds(3600, (second) => sighting(second * 1000, { walEnd: null })))).toBeNull();
});

test('what is written after a long quiet has its own time', () => {
  const quiet = seconds(3600, (second) => sighting(second * 1000, { walEnd: lsn(1100n) }));
  expect(after([...quiet, sighting(3_601_000)])).toBeNull();
  expect(after([...quiet, sighting(3_601_000), sighting(3_660_000)])).toMatchObject({ forMs: 60_000 });
});

test('each checkpoint moves it, also one inside a divided transaction, while the reported position waits', () => {
  const dividing = seconds(3600, (second) =>
    sighting(second * 1000, { checkpoint: progress(1000, Math.floor(second / 30)) }),
  );
  expect(after(dividing)).toBeNull();
});

test('messages that make no records move it while nothing waits for Kafka', () => {
  const housekeeping = seconds(600, (second) => sighting(second * 1000, { received: at(2000, second) }));
  expect(after(housekeeping)).toBeNull();
});

test('a session that fails again and again at the same place is a standstill', () => {
  const looping = seconds(60, (second) => sighting(second * 1000, { received: at(2000, second % 7) }));
  expect(after([...looping, sighting(70_000, { received: at(2000, 6) })])).not.toBeNull();
});

test('it ends with the first checkpoint', () => {
  const still = seconds(120, (second) => sighting(second * 1000));
  expect(after(still)).not.toBeNull();
  expect(after([...still, sighting(121_000, { checkpoint: progress(1001) })])).toBeNull();
});

test('whatever moves at least once in the time is none; whatever does not is one', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 59_999 }), { minLength: 1, maxLength: 30 }), (pauses) => {
      let nowMs = 0;
      const moving = pauses.map((pause, index) => {
        nowMs += pause;
        return sighting(nowMs, { checkpoint: progress(1000 + index) });
      });
      expect(after(moving)).toBeNull();
      const last = moving.at(-1) as Sighting;
      expect(after([...moving, { ...last, nowMs: nowMs + 60_000 }])).not.toBeNull();
    }),
  );
});

test('what waits for Kafka is received, and does not move it', () => {
  const time = { statusIntervalMs: 1, drainTimeoutMs: 1, publishTimeoutMs: 1 };
  const state = initialState<string>(
    {
      ...time,
      delivery: 'exactly-once',
      batchBytesMax: 1,
      pieceBytesMax: 0,
      queueBytesMax: 1,
      idleCheckpointIntervalMs: 1,
      idleCheckpointBytes: 1,
    },
    0,
  );
  state.open = { commitLsn: lsn(5n), admission: { tag: 'take' }, ordinal: 3 };
  const now = { nowMs: 0, walEnd: null, rowsRead: 0 };
  expect(sightingOf(state, now).received).toEqual(at(5, 3));
  state.publishing = {
    progress: progress(1),
    held: progress(1),
    bytes: 1,
    records: [],
    hasStandalone: false,
    states: 0,
    isInDoubt: false,
  };
  expect(sightingOf(state, now).received).toBeNull();
});
