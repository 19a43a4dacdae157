import type { Transaction } from '@diptych/transaction/transaction';
import { lsn, xid } from '@diptych/wal/lsn';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SourceBlock } from './source-block.ts';

const options = { version: '1.0', prefix: 'böse "x"', database: 'shöp' };

const times = fc.oneof(
  fc.bigInt({ min: 1_700_000_000_000_000n, max: 1_700_000_000_009_999n }),
  fc.constantFrom(0n, 7n, 999n, 1000n, -5n, -1_700_000_000_000_000n, 2n ** 53n + 1n, 9_999_999_999_999_999n),
);
const positions = fc.oneof(
  fc.bigInt({ min: 1_000_000n, max: 9_999_999n }),
  fc.constantFrom(1n, 2n ** 53n, 2n ** 64n - 1n),
);
const transactions: fc.Arbitrary<Transaction> = fc.record({
  xid: fc.oneof(fc.integer({ min: 100, max: 999 }), fc.constantFrom(0, 2 ** 32 - 1)).map(xid),
  commitLsn: positions.map(lsn),
  commitTimeUs: times,
  previousCommitEndLsn: fc.option(positions.map(lsn), { freq: 8 }),
  origin: fc.option(fc.record({ name: fc.constantFrom('o', 'ö"'), lsn: positions.map(lsn) }), {
    freq: 2,
    nil: null,
  }),
});

const textOf = (block: SourceBlock, transaction: Transaction): string => {
  const { bytes, ...ends } = block.of(transaction, `${transaction.xid}:${transaction.commitLsn}`);
  expect(ends.transaction).toBe(transaction);
  const cuts = [0, ends.headEnd, ends.timesEnd, ends.xidEnd, ends.tailEnd];
  return cuts
    .slice(1)
    .map((end, index) => bytes.toString('utf8', cuts[index], end))
    .join(' | ');
};

test('whatever transaction came before, the parts are those of a new block', () => {
  fc.assert(
    fc.property(fc.array(transactions, { minLength: 1, maxLength: 12 }), (all) => {
      const block = new SourceBlock(options);
      for (const transaction of all)
        expect(textOf(block, transaction)).toBe(textOf(new SourceBlock(options), transaction));
    }),
    { numRuns: 2000 },
  );
});

test('a new block says what the transaction is', () => {
  const transaction = {
    ...{ xid: xid(812), commitLsn: lsn(77n), commitTimeUs: 1_700_000_000_000_123n },
    ...{ previousCommitEndLsn: lsn(66n), origin: null },
  };
  expect(textOf(new SourceBlock(options), transaction)).toBe(
    '"source":{"version":"1.0","connector":"postgresql","name":"böse \\"x\\"","ts_ms":1700000000000,"snapshot":"false",' +
      '"db":"shöp","sequence":"[\\"66\\",\\" | \\"]","ts_us":1700000000000123,"ts_ns":1700000000000123000, | ' +
      ',"txId":812,"lsn": | ,"xmin":null,"origin":null,"origin_lsn":null},"transaction":{"id":"812:77","total_order":',
  );
});
