import { Visibility } from '@diptych/snapshot/visibility';
import type { Window } from '@diptych/snapshot/window';
import type { Transaction } from '@diptych/transaction/transaction';
import { lsn, lsnZero, xid } from '@diptych/wal/lsn';
import { expect, test } from 'vitest';
import { StreamWatch } from './stream-watch.ts';

const transaction: Transaction = {
  xid: xid(105),
  commitLsn: lsn(10n),
  commitTimeUs: 0n,
  previousCommitEndLsn: null,
  origin: null,
};
const seesIt = new Visibility('110:110:');
const doesNot = new Visibility('100:110:105');
const window = { take: () => {} } as unknown as Window;

function ended(watch: StreamWatch): StreamWatch {
  watch.see({ tag: 'end', transaction, commitEndLsn: lsn(11n), rawMessages: 0 });
  return watch;
}

test('a transaction of which a part had come before the window, and that the read does not see, is unseen', () => {
  const watch = new StreamWatch();
  watch.see({ tag: 'begin', transaction });
  watch.open(window);
  expect(watch.hasUnseen(doesNot)).toBe(true);
  expect(ended(watch).hasUnseen(doesNot)).toBe(true);
  expect(watch.hasUnseen(seesIt)).toBe(false);
});

test('one that began in the window is known by its keys', () => {
  const watch = new StreamWatch();
  watch.open(window);
  watch.see({ tag: 'begin', transaction });
  expect(ended(watch).hasUnseen(doesNot)).toBe(false);
});

test('more commits than are kept, in a window or before, have to be waited for, as those before the session', () => {
  const watch = new StreamWatch();
  expect(watch.isUnsure).toBe(true);
  watch.settle();
  expect(watch.isUnsure).toBe(false);
  watch.open(window);
  for (let id = 0; id <= 20_000; id += 1)
    watch.see({
      tag: 'end',
      transaction: { ...transaction, xid: xid(id) },
      commitEndLsn: lsn(11n),
      rawMessages: 0,
    });
  watch.close();
  expect(watch.isUnsure).toBe(true);
});

test('a position inside a transaction is none', () => {
  const watch = new StreamWatch();
  watch.see({ tag: 'begin', transaction });
  watch.passed(lsn(50n));
  expect(watch.received).toBe(lsnZero);
  expect(ended(watch).received).toBe(lsn(11n));
});
