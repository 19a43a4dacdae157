import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn, formatLsnSortable, lsn, parseLsn, parseLsnSortable } from './lsn.ts';
import { parseTimelineHistory, timelineOf } from './timeline.ts';

const position = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }).map(lsn);

test('both text forms of a position read back as the same position', () => {
  fc.assert(
    fc.property(position, (value) => {
      expect(parseLsn(formatLsn(value))).toBe(value);
      expect(parseLsnSortable(formatLsnSortable(value))).toBe(value);
    }),
  );
});

test('the sortable form compares as text as the positions do as numbers', () => {
  fc.assert(
    fc.property(position, position, (a, b) => {
      expect(formatLsnSortable(a) < formatLsnSortable(b)).toBe(a < b);
    }),
  );
});

test('the forms are those of PostgreSQL and of the wire', () => {
  expect(formatLsn(parseLsn('16/B374D848'))).toBe('16/B374D848');
  expect(parseLsn('0/0154ABC0')).toBe(0x154abc0n);
  expect(formatLsnSortable(parseLsn('16/B374D848'))).toBe('00000016B374D848');
});

test('what is not a position is refused', () => {
  for (const text of ['', '16', '16/', 'x/1', '123456789/0', '0/1 '])
    expect(() => parseLsn(text)).toThrow('not an LSN');
  expect(() => lsn(-1n)).toThrow('64 bits');
});

test('a position belongs to the timeline that was written when its record was', () => {
  const history = parseTimelineHistory('1\t0/5000000\tno recovery target\n2\t0/7000000\tpromoted\n');
  const of = (text: string) => timelineOf(parseLsn(text), { current: 3, history });
  expect([of('0/4FFFFFF'), of('0/5000000'), of('0/6FFFFFF'), of('0/7000000')]).toEqual([1, 2, 2, 3]);
});
