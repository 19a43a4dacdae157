import type { Stated } from '@diptych/kafka/furthest-checkpoint';
import { lsn, xid } from '@diptych/wal/lsn';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PublishedPosition } from './published-position.ts';
import { type Waiter, WaitingCommits } from './waiting-commits.ts';

function checkpoint({ at, era = 1, reported = at }: { at: number; era?: number; reported?: number }): Stated {
  return {
    ...{ systemId: '7', database: 'shop', era, timeline: 1, part: null, optionsHash: '', partitions: {} },
    ...{ lsn: lsn(BigInt(at)), reportedLsn: lsn(BigInt(reported)) },
  };
}

const end = (of: number, at: number) => ({
  ...{ timeline: 1, commitLsn: lsn(BigInt(at)), xid: xid(of), ordinal: 2, part: 0, commitTimeUs: 0n },
});
const token = (of: bigint, at: number) => ({ xid: of, lsn: lsn(BigInt(at)) });

describe('a commit is published', () => {
  test('when its END is there, and not for the END of another one, nor for one that had its id later', () => {
    const published = new PublishedPosition();
    published.ended(end(7, 100));
    expect(published.has(token(7n, 120))).toMatchObject({ tag: 'end', commitLsn: 100n });
    expect(published.has(token((5n << 32n) + 7n, 120))).toMatchObject({ tag: 'end' });
    expect(published.has(token(8n, 120))).toBeUndefined();
    expect(published.has(token(7n, 90))).toBeUndefined();
  });

  test('when a checkpoint is at its position, whatever it wrote', () => {
    const published = new PublishedPosition();
    published.reported(checkpoint({ at: 100, reported: 130 }));
    expect(published.has(token(8n, 130))).toEqual({ tag: 'position', lsn: 130n });
    expect(published.has(token(8n, 131))).toBeUndefined();
  });

  test('not by what was said before init began anew', () => {
    const published = new PublishedPosition();
    published.reported(checkpoint({ at: 500 }));
    published.ended(end(7, 90));
    published.reported(checkpoint({ at: 80, era: 2 }));
    expect(published.has(token(7n, 100))).toBeUndefined();
    expect(published.lsn).toBe(80n);
  });
});

test('whoever waits is answered when the commit is published and never before, in any order of arrival', () => {
  /** Transaction n commits at 10 n; some have no END. */
  const arrivals = fc.array(
    fc.record({ what: fc.constantFrom('wait', 'end', 'checkpoint'), of: fc.integer({ min: 1, max: 12 }) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(arrivals, (steps) => {
      const published = new PublishedPosition();
      const waiting = new WaitingCommits();
      const answered = new Set<Waiter>();
      const asked: { waiter: Waiter; of: number }[] = [];
      const ended = new Set<number>();
      let reached = 0;
      const answer = (waiters: readonly Waiter[]) => {
        for (const waiter of waiters) {
          if (!published.has(waiter.token)) continue;
          answered.add(waiter);
          waiting.remove(waiter);
        }
      };
      for (const { what, of } of steps) {
        if (what === 'end') {
          ended.add(of);
          published.ended(end(of, of * 10));
          answer(waiting.ofXid(of));
        } else if (what === 'checkpoint') {
          reached = Math.max(reached, of * 10 + 5);
          published.reported(checkpoint({ at: of * 10, reported: of * 10 + 5 }));
          answer(waiting.upTo(lsn(BigInt(reached))));
        } else {
          const waiter: Waiter = {
            ...{ token: token(BigInt(of), of * 10 + 3), resolve: () => undefined, reject: () => undefined },
          };
          asked.push({ waiter, of });
          if (published.has(waiter.token)) answered.add(waiter);
          else waiting.add(waiter);
        }
        for (const one of asked) {
          expect(answered.has(one.waiter)).toBe(ended.has(one.of) || reached >= one.of * 10 + 3);
        }
        expect(waiting.size).toBe(asked.length - answered.size);
      }
    }),
  );
});
