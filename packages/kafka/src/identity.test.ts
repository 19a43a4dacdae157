import { AssertionError } from '@diptych/runtime/assert';
import { lsn, xid } from '@diptych/wal/lsn';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIdentity, type Identity, identitiesOf, parseIdentity, transactionId } from './identity.ts';

const example: Identity = {
  timeline: 1,
  commitLsn: lsn(0x16b374d848n),
  xid: xid(757),
  ordinal: 3,
  part: 0,
  commitTimeUs: 1_795_246_912_669_491n,
};

const identities: fc.Arbitrary<Identity> = fc.record({
  timeline: fc.integer({ min: 1, max: 0xffff_ffff }),
  commitLsn: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(lsn),
  xid: fc.integer({ min: 0, max: 0xffff_ffff }).map(xid),
  ordinal: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  part: fc.nat(),
  commitTimeUs: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
});

test('an identity is one line of text, and the line is read back as that identity', () => {
  expect(formatIdentity(example)).toBe('1-00000016B374D848-757-3-0-1795246912669491');
  fc.assert(
    fc.property(identities, (id) => {
      expect(parseIdentity(formatIdentity(id))).toEqual(id);
    }),
  );
});

test('positions compare as text as they do as numbers', () => {
  const positions = fc.tuple(identities, identities);
  fc.assert(
    fc.property(positions, ([a, b]) => {
      const [first = '', second = ''] = [a, b].map((id) => formatIdentity(id).split('-')[1]);
      expect(first < second).toBe(a.commitLsn < b.commitLsn);
    }),
  );
});

test('the identities of one transaction are what each would be alone', () => {
  fc.assert(
    fc.property(identities, (id) => {
      expect(identitiesOf(id)(id.ordinal, id.part)).toBe(formatIdentity(id));
    }),
  );
});

test('the id of a transaction is its xid and the decimal commit LSN', () => {
  expect(transactionId(example)).toBe('757:97500059720');
});

test.each([
  '',
  '1-16B374D848-757-3-0-1795246912669491',
  '1-00000016b374d848-757-3-0-1795246912669491',
  '1-00000016B374D848-757-3-0',
  '1-00000016B374D848-757-3-0-1795246912669491 ',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
])('“%s” is not ours', (text) => {
  expect(() => parseIdentity(text)).toThrow(AssertionError);
});
