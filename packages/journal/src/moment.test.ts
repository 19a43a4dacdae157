import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTime, parseMoment } from './moment.ts';

describe('a moment', () => {
  test('is a version, a time or a commit token, told by its form', () => {
    expect(parseMoment('3')).toEqual({ tag: 'version', version: 3n });
    expect(parseMoment('757@16/B374D848')).toEqual({
      tag: 'commit',
      commit: { xid: 757n, lsn: 0x16b374d848n },
    });
    expect(parseMoment('1970-01-01T01:00:00.0000019+01:00')).toEqual({ tag: 'time', timeUs: 1n });
    expect(parseMoment('2026-11-21T12:00:00Z')).toEqual({ tag: 'time', timeUs: 1_795_262_400_000_000n });
  });

  test.each([
    '',
    'now',
    '-1',
    '1.5',
    '9223372036854775808',
    '2026-11-21',
    '2026-02-30T00:00:00Z',
    '2026-11-21T12:00:00',
    '757@',
    '757@16',
    '757@16/b374d848',
    '18446744073709551616@0/1',
    '757@0/123456789',
  ])('is not written "%s"', (text) => {
    expect(parseMoment(text)).toBeUndefined();
  });

  test('of a time is written as it was read, to the microsecond', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_000_000n }), (timeUs) => {
        expect(parseMoment(formatTime(timeUs))).toEqual({ tag: 'time', timeUs });
      }),
    );
  });
});
