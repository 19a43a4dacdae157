import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { type Lsn, lsn, parseLsn } from '@diptych/wal/lsn';
import type { SourceSystem } from '@diptych/wal/server';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crossingOf, putBack, refuseStale } from './crossing.ts';

const checkpoint = (change: Partial<Checkpoint> = {}): Checkpoint => ({
  ...{ v: 1, slot: 'diptych', systemId: '7421896543210987654', database: 'shop', timeline: 1 },
  ...{ lsn: parseLsn('0/2000'), part: null, reportedLsn: parseLsn('0/2030') },
  ...{ era: 7, optionsHash: 'same', publications: {}, partitions: { t: 6 }, snapshot: null },
  ...change,
});

const promoted = (switchLsn: string, change: Partial<SourceSystem> = {}): SourceSystem => ({
  ...{ systemId: '7421896543210987654', database: 'shop', timeline: 2 },
  history: [{ timeline: 1, switchLsn: parseLsn(switchLsn) }],
  ...change,
});

const half = { lsn: parseLsn('0/3000'), seq: 100 };

test('on a newer timeline a checkpoint before the switch goes on, one at or beyond it is ahead', () => {
  expect(crossingOf(checkpoint(), promoted('0/2030'))).toMatchObject({ tag: 'crossed' });
  expect(crossingOf(checkpoint(), promoted('0/2001'))).toMatchObject({ tag: 'crossed' });
  expect(crossingOf(checkpoint(), promoted('0/2000'))).toMatchObject({
    tag: 'ahead',
    phantoms: { timeline: 1, newTimeline: 2, from: parseLsn('0/2000'), upTo: parseLsn('0/2000'), part: null },
  });
  expect(crossingOf(checkpoint(), promoted('0/2000'))).toMatchObject({
    checkpoint: { era: 7, partitions: { t: 6 } },
  });
  expect(crossingOf(checkpoint({ part: half }), promoted('0/2100'))).toMatchObject({
    tag: 'ahead',
    phantoms: { upTo: half.lsn, part: half },
  });
});

test('a transaction that is published in part and that both servers have is continued', () => {
  const crossing = crossingOf(checkpoint({ part: half }), promoted('0/3001'));
  expect(crossing).toMatchObject({ tag: 'crossed', checkpoint: { timeline: 2, part: half } });
});

test('over several failovers it is the end of the checkpoint’s own timeline that counts', () => {
  const history = [
    { timeline: 1, switchLsn: parseLsn('0/1800') },
    { timeline: 2, switchLsn: parseLsn('0/2000') },
  ];
  const server = promoted('0/0', { timeline: 3, history });
  expect(crossingOf(checkpoint({ timeline: 2 }), server)).toMatchObject({ tag: 'ahead' });
  expect(crossingOf(checkpoint({ timeline: 1 }), server)).toMatchObject({ tag: 'ahead' });
  const before = { lsn: parseLsn('0/1700'), reportedLsn: parseLsn('0/1730') };
  expect(crossingOf(checkpoint({ timeline: 1, ...before }), server)).toMatchObject({ tag: 'crossed' });
});

test('a timeline that is no ancestor is unrelated, an older one than the checkpoint’s is stale', () => {
  expect(crossingOf(checkpoint(), promoted('0/9000', { history: [] }))).toEqual({ tag: 'unrelated' });
  const left = promoted('0/0', { timeline: 1, history: [] });
  expect(crossingOf(checkpoint({ timeline: 2 }), left)).toEqual({ tag: 'stale' });
  expect(() => refuseStale(checkpoint({ timeline: 2 }), left)).toThrow(
    expect.objectContaining({ code: 'timeline-stale', retry: 'timed' }),
  );
  expect(() => refuseStale(null, left)).not.toThrow();
});

const position = fc.bigInt({ min: 1n, max: 1n << 40n }).map((value) => lsn(value));

/** What the relay does with a checkpoint on the new timeline. */
const skips = (gone: Checkpoint, commitLsn: Lsn): boolean => commitLsn <= gone.lsn;

test('whatever the old timeline held, nothing of the new one is skipped or reported unread', () => {
  const state = fc.record({
    lsn: position,
    beyond: fc.bigInt({ min: 0n, max: 1n << 20n }),
    switchLsn: position,
  });
  fc.assert(
    fc.property(state, fc.option(position), position, (state, part, offset) => {
      const { switchLsn } = state;
      const old = checkpoint({
        lsn: state.lsn,
        part: part === null ? null : { lsn: lsn(state.lsn + part), seq: 1 },
        reportedLsn: lsn(state.lsn + state.beyond),
      });
      const history = [{ timeline: 1, switchLsn }];
      const crossing = crossingOf(old, promoted('0/0', { history }));
      if (crossing.tag !== 'crossed' && crossing.tag !== 'ahead') throw new Error(crossing.tag);
      const { checkpoint: on } = crossing;
      // A commit of the new timeline stands at the switch point or behind it.
      const firstOnNew = lsn(switchLsn + offset - 1n);
      expect(skips(on, firstOnNew)).toBe(false);
      expect(on.part === null || on.part.lsn < switchLsn).toBe(true);
      expect(on.reportedLsn <= switchLsn).toBe(true);
      // One that both servers have, and Kafka too, is not published again.
      expect(old.lsn >= switchLsn || skips(on, old.lsn)).toBe(true);
    }),
  );
});

test('a WAL that ends before anything that the checkpoint holds was put back; one that ends there or later is the same', () => {
  const source = { timeline: 1 };
  const at = (walEnd: string) => ({ source, walEnd: parseLsn(walEnd) });
  expect(putBack(checkpoint(), at('0/2030'))).toBeNull();
  expect(putBack(checkpoint(), at('0/202F'))).toMatchObject({
    code: 'kafka-ahead-of-database',
    message: expect.stringContaining('Kafka is at 0/2030, the database’s WAL ends at 0/202F'),
  });
  expect(putBack(checkpoint({ part: half }), at('0/2FFF'))).toMatchObject({
    code: 'kafka-ahead-of-database',
  });
  expect(putBack(checkpoint({ part: half }), at('0/3000'))).toBeNull();
  // Another timeline has its own comparison.
  expect(putBack(checkpoint({ timeline: 2 }), at('0/1000'))).toBeNull();
});
