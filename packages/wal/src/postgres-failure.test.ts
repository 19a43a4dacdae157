import { expect, test } from 'vitest';
import { postgresFailure } from './postgres-failure.ts';

/** As `pg` throws it. */
const said = (message: string, fields: Record<string, string>) =>
  postgresFailure(Object.assign(new Error(message), fields), 'streaming from slot s').code;

const where = 'slot "s", output plugin "pgoutput", in the change callback, associated LSN 0/310A800';

test('a row that the walsender cannot make into text is told from other errors, by what PostgreSQL 18 says', () => {
  const one = 'invalid memory alloc request size 1200000003';
  const sum = 'string buffer exceeds maximum allowed length (1073741823 bytes)';
  const detail = 'Cannot enlarge string buffer containing 600000049 bytes by 600000000 more bytes.';
  expect(said(one, { code: 'XX000', where })).toBe('row-exceeds-server-limit');
  expect(said(sum, { code: '54000', where, detail })).toBe('row-exceeds-server-limit');
  expect(said('out of memory', { code: '54000', where, detail })).toBe('row-exceeds-server-limit');
});

test('a server that is short of memory, or fails elsewhere, may pass by itself', () => {
  expect(said('out of memory', { code: '53200', where })).toBe('replication-ended');
  expect(said('invalid memory alloc request size 1200000003', { code: 'XX000' })).toBe('replication-ended');
});

test.each([
  'Connection terminated unexpectedly',
  'Client has encountered a connection error and is not queryable',
  'write after end',
  'Cannot call write after a stream was destroyed',
])('a connection that is over is no answer of the server: %s', (message) => {
  expect(said(message, {})).toBe('postgres-unreachable');
});
