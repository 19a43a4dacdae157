import { describe, expect, test } from 'vitest';
import { describeError, isDatabaseAway } from './database.ts';

const failing = (message: string, code?: string) =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

describe('an error says that the database is away', () => {
  test.each([
    ['nobody listens', failing('connect', 'ECONNREFUSED')],
    ['no address of the host answers', new AggregateError([failing('connect', 'ECONNREFUSED')])],
    ['the connection broke', failing('Connection terminated unexpectedly')],
    ['no connection was free in time', failing('timeout exceeded when trying to connect')],
    ['the network swallows packets', failing('Query read timeout')],
    ['it is shutting down', failing('terminating connection', '57P01')],
    ['it is starting', failing('starting up', '57P03')],
    ['a statement took too long', failing('canceling statement', '57014')],
    ['two transactions met', failing('deadlock detected', '40P01')],
    ['it has no connection left', failing('too many clients', '53300')],
    ['it is a standby still', failing('read-only transaction', '25006')],
  ])('when %s', (_when, error) => {
    expect(isDatabaseAway(error)).toBe(true);
    expect(isDatabaseAway(new Error('Failed query', { cause: error }))).toBe(true);
  });

  test.each([
    ['a constraint is broken', failing('violates check constraint', '23514')],
    ['a statement is wrong', failing('syntax error', '42601')],
    ['a number is out of range', failing('out of range', '22003')],
    ['we are wrong', new TypeError('undefined is not a function')],
    ['something else was thrown', 'timeout'],
  ])('but not when %s', (_when, error) => {
    expect(isDatabaseAway(error)).toBe(false);
  });
});

test('of an error only its root is told, without the statement and the row that drizzle and the server quote', () => {
  const root = Object.assign(failing('violates check constraint "c"', '23514'), {
    detail: 'Failing row (secret)',
  });
  const told = describeError(new Error('Failed query: insert … params: secret', { cause: root }));
  expect(told).toMatchObject({ code: '23514', reason: 'violates check constraint "c"' });
  expect(JSON.stringify(told)).not.toContain('secret');
});
