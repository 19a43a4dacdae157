import { lsn } from '@diptych/wal/lsn';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { furthestCheckpoint, type Stated } from './furthest-checkpoint.ts';

function said(
  position: number,
  {
    part,
    reported = position + 5,
    ...rest
  }: Partial<Omit<Stated, 'part'>> & {
    part?: [lsn: number, seq: number];
    reported?: number;
  } = {},
): Stated {
  return {
    systemId: '1',
    database: 'shop',
    era: 1,
    timeline: 1,
    optionsHash: 'a',
    partitions: {},
    ...rest,
    lsn: lsn(BigInt(position)),
    part: part ? { lsn: lsn(BigInt(part[0])), seq: part[1] } : null,
    reportedLsn: lsn(BigInt(reported)),
  };
}

test('no checkpoint says nothing, and one says what it says', () => {
  expect(furthestCheckpoint([])).toBeNull();
  expect(furthestCheckpoint([said(10)])).toEqual(said(10));
});

test('of checkpoints of one relay the last one counts', () => {
  const log = [
    said(10),
    said(10, { part: [20, 3] }),
    said(10, { part: [20, 7] }),
    said(20),
    said(20, { reported: 90 }),
  ];
  for (const count of log.keys()) {
    expect(furthestCheckpoint(log.slice(0, count + 1))).toEqual(log[count]);
  }
});

test('one that says less after one that says more takes nothing back', () => {
  expect(furthestCheckpoint([said(20), said(10)])).toEqual(said(20));
  expect(furthestCheckpoint([said(10, { part: [20, 7] }), said(10, { part: [20, 3] })])).toMatchObject({
    part: { seq: 7 },
  });
});

test('what two say of different things counts together', () => {
  const piece = said(10, { part: [20, 5], reported: 15, optionsHash: 'of the piece' });
  const idle = said(10, { reported: 18, optionsHash: 'newer' });
  for (const log of [
    [piece, idle],
    [idle, piece],
  ]) {
    expect(furthestCheckpoint(log)).toEqual({ ...piece, reportedLsn: idle.reportedLsn });
  }
});

test('the partitions of a topic that only one has published to are kept, and the further one says those of others', () => {
  const behind = said(10, { partitions: { only: 3, both: 6 } });
  const ahead = said(20, { partitions: { both: 12 } });
  for (const log of [
    [behind, ahead],
    [ahead, behind],
  ]) {
    expect(furthestCheckpoint(log)?.partitions).toEqual({ only: 3, both: 12 });
  }
});

test('a part of what is whole by now is none', () => {
  expect(furthestCheckpoint([said(20), said(10, { part: [20, 7] })])).toEqual(said(20));
});

test('what was said before init began anew, or before a promotion, counts no more, also when it is said late', () => {
  expect(furthestCheckpoint([said(90), said(0, { era: 2, reported: 50 })])).toEqual(
    said(0, { era: 2, reported: 50 }),
  );
  expect(furthestCheckpoint([said(0, { era: 2, reported: 50 }), said(90)])).toEqual(
    said(0, { era: 2, reported: 50 }),
  );
  expect(furthestCheckpoint([said(40, { timeline: 2 }), said(90)])).toEqual(said(40, { timeline: 2 }));
});

test('one of another database replaces what was said before, so that it is seen and refused', () => {
  const foreign = { ...said(5), database: 'other' };
  expect(furthestCheckpoint([said(90), foreign])).toEqual(foreign);
  expect(furthestCheckpoint([foreign, said(10)])).toEqual(said(10));
});

test('a tombstone ends the story', () => {
  expect(furthestCheckpoint([said(90), null])).toBeNull();
  expect(furthestCheckpoint([said(90), null, said(10)])).toEqual(said(10));
});

test('the order in which checkpoints come does not matter', () => {
  const number = fc.integer({ min: 1, max: 6 });
  const one = fc
    .record({
      position: number,
      ahead: number,
      seq: number,
      divided: fc.boolean(),
      reported: number,
      era: number,
      timeline: number,
    })
    .map(({ position, ahead, seq, divided, ...rest }) =>
      said(position, { ...rest, ...(divided ? { part: [position + ahead, seq] } : {}) }),
    );
  const progress = (checkpoint: Stated | null) =>
    checkpoint && [
      checkpoint.era,
      checkpoint.timeline,
      checkpoint.lsn,
      checkpoint.part,
      checkpoint.reportedLsn,
    ];
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 8 }), fc.nat(), (log, seed) => {
      const order = log.map((_, index) => (index * 7 + seed) % log.length);
      const shuffled = log.toSorted((a, b) => (order[log.indexOf(a)] ?? 0) - (order[log.indexOf(b)] ?? 0));
      expect(progress(furthestCheckpoint(shuffled))).toEqual(progress(furthestCheckpoint(log)));
    }),
  );
});
