import { initialState } from '@diptych/delivery/state';
import { OperatingError } from '@diptych/runtime/failure';
import { lsn } from '@diptych/wal/lsn';
import { expect, test } from 'vitest';
import { ofOneRow } from './parking/poison.ts';
import { Parting } from './parting.ts';

const state = () =>
  initialState<string>(
    {
      ...{
        batchBytesMax: 100,
        pieceBytesMax: 0,
        queueBytesMax: 200,
        statusIntervalMs: 1,
        idleCheckpointIntervalMs: 1,
      },
      ...{ idleCheckpointBytes: 1, drainTimeoutMs: 10_000, publishTimeoutMs: 1 },
      delivery: 'exactly-once',
    },
    0,
  );
const open = { commitLsn: lsn(0x16b374d848n), admission: { tag: 'take' } as const, ordinal: 3 };
const failure = new OperatingError('row-too-large', 'large', { remedy: 'Make it smaller.' });

test('a failure waits until what came before is published, and is said once', () => {
  const parting = new Parting(failure, { open, nowMs: 0 });
  const before = state();
  before.queuedWhole = 1;
  expect(parting.ends(before, 1)).toBe(false);
  before.queuedWhole = 0;
  before.publishing = {
    progress: before.published,
    held: before.held,
    bytes: 1,
    records: [],
    hasStandalone: false,
    states: 0,
    isInDoubt: false,
  };
  expect(parting.ends(before, 2)).toBe(false);
  before.publishing = null;
  before.queuedBytes = 99; // the beginning of the transaction that cannot be
  expect(parting.ends(before, 3)).toBe(true);
  expect(parting.ends(before, 4)).toBe(false);
});

test('it does not wait for ever', () => {
  const parting = new Parting(failure, { open, nowMs: 0 });
  const stuck = state();
  stuck.queuedWhole = 1;
  expect(parting.ends(stuck, 10_000)).toBe(false);
  expect(parting.ends(stuck, 10_001)).toBe(true);
});

test('what is wrong with one transaction names it, and the way past it; what is not does not', () => {
  const { failure: named } = new Parting(failure, { open, nowMs: 0 });
  expect(named).toMatchObject({
    code: 'row-too-large',
    message: 'large; commit LSN of the transaction: 16/B374D848',
    remedy: expect.stringContaining('diptych skip --lsn 16/B374D848'),
  });
  expect(new Parting(failure, { open: null, nowMs: 0 }).failure).toBe(failure);
  for (const code of [...ofOneRow, 'outbox-operation-invalid'] as const) {
    const poison = new OperatingError(code, 'wrong', { remedy: 'Correct it.' });
    expect(new Parting(poison, { open, nowMs: 0 }).failure.message).toContain('16/B374D848');
  }
  const other = new OperatingError('slot-lost', 'lost', { remedy: 'x' });
  expect(new Parting(other, { open, nowMs: 0 }).failure).toBe(other);
});
