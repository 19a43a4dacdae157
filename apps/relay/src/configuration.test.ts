import { OperatingError } from '@diptych/runtime/failure';
import { expect, test } from 'vitest';
import { readConfiguration } from './configuration.ts';
import { exitCodes, explain } from './exit-code.ts';

const read = (settings: Readonly<Record<`DIPTYCH_${string}`, string>>) =>
  readConfiguration({
    file: undefined,
    environment: {
      DIPTYCH_DATABASE_URL: 'postgres://h/d',
      DIPTYCH_KAFKA_BROKERS: 'h:1',
      ...settings,
    },
  });

function refusalOf(settings: Readonly<Record<`DIPTYCH_${string}`, string>>): OperatingError {
  try {
    read(settings);
  } catch (error) {
    if (error instanceof OperatingError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('a queue that does not hold a batch is refused, whichever of the two was set', () => {
  const refused = {
    code: 'configuration-invalid',
    message:
      'limits.queueBytesMax (DIPTYCH_LIMITS_QUEUE_BYTES_MAX): has to be at least limits.batchBytesMax (16777216)',
  };
  expect(refusalOf({ DIPTYCH_LIMITS_BATCH_BYTES_MAX: '16777216' })).toMatchObject(refused);
  expect(refusalOf({ DIPTYCH_LIMITS_QUEUE_BYTES_MAX: '1000' }).message).toContain('(4194304)');
  expect(explain(refusalOf({ DIPTYCH_LIMITS_BATCH_BYTES_MAX: '16777216' })).exitCode).toBe(exitCodes.badUse);
  const same = { DIPTYCH_LIMITS_BATCH_BYTES_MAX: '9000', DIPTYCH_LIMITS_QUEUE_BYTES_MAX: '9000' };
  expect(read(same).limits).toMatchObject({ batchBytesMax: 9000, queueBytesMax: 9000 });
});

test('a position that is reported too seldom for wal_sender_timeout is refused', () => {
  expect(refusalOf({ DIPTYCH_TIMING_STATUS_INTERVAL_MS: '60000' })).toMatchObject({
    code: 'configuration-invalid',
    message:
      'timing.statusIntervalMs (DIPTYCH_TIMING_STATUS_INTERVAL_MS): may be a third of timing.walSenderTimeoutMs (10000) at most',
  });
  expect(refusalOf({ DIPTYCH_TIMING_WAL_SENDER_TIMEOUT_MS: '2999' }).message).toContain('(2999)');
  expect(read({ DIPTYCH_TIMING_WAL_SENDER_TIMEOUT_MS: '3000' }).timing.statusIntervalMs).toBe(1000);
});

test('one publication for both panels is refused', () => {
  expect(refusalOf({ DIPTYCH_CHANGE_PUBLICATION: 'diptych_outbox' }).message).toBe(
    'change.publication (DIPTYCH_CHANGE_PUBLICATION): has to be another one than outbox.publication (diptych_outbox)',
  );
});

test('all that contradict each other are named at once', () => {
  const { message } = refusalOf({
    DIPTYCH_LIMITS_QUEUE_BYTES_MAX: '1',
    DIPTYCH_TIMING_STATUS_INTERVAL_MS: '60000',
  });
  expect(message).toContain('limits.queueBytesMax');
  expect(message).toContain('timing.statusIntervalMs');
});
