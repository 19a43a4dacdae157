import { Decoder } from '@diptych/pgoutput/decoder';
import { encode, relationForTests } from '@diptych/pgoutput/encode-for-tests';
import { AssertionError } from '@diptych/runtime/assert';
import { lsn } from '@diptych/wal/lsn';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Assembler } from './assembler.ts';
import type { TransactionItem } from './transaction.ts';

const relation = relationForTests();
const data = {
  insert: encode.insert(relation.oid, ['1', 'banana']),
  update: encode.update(relation.oid, { after: ['1', 'apple'] }),
  delete: encode.delete(relation.oid, { part: 'K', row: ['1', null] }),
  truncate: encode.truncate([relation.oid, relation.oid]),
  message: message(true),
};
const silent = {
  relation: encode.relation(relation),
  type: encode.type({ oid: 1, schema: 's', name: 'mood' }),
};
const loose = message(false);

function message(transactional: boolean): Buffer {
  return encode.message({ transactional, lsn: 7n, prefix: 'p', content: Buffer.from('c') });
}

function begin(commitLsn: bigint): Buffer {
  return encode.begin({ commitLsn, commitTimeUs: 1_000_000n, xid: 757 });
}

function commit(commitLsn: bigint): Buffer {
  return encode.commit({ commitLsn, commitEndLsn: commitLsn + 48n, commitTimeUs: 1_000_000n });
}

/** A session that has been told of the table. */
function session(assembler = new Assembler()): (bytes: Buffer) => TransactionItem | undefined {
  const decoder = new Decoder();
  const read = (bytes: Buffer) => assembler.read(decoder.decode(bytes));
  read(silent.relation);
  return read;
}

test('ordinals count every raw data message of a transaction, and nothing else', () => {
  const kind = fc.constantFrom(...Object.keys(data), ...Object.keys(silent), 'loose');
  fc.assert(
    fc.property(fc.array(fc.array(kind, { maxLength: 30 }), { maxLength: 5 }), (transactions) => {
      const read = session();
      for (const [index, kinds] of transactions.entries()) {
        const at = BigInt(index + 1) * 1000n;
        expect(read(begin(at))).toMatchObject({ tag: 'begin', transaction: { xid: 757, commitLsn: at } });
        let counted = 0;
        for (const name of kinds) {
          const item = read({ ...data, ...silent, loose }[name] ?? loose);
          if (name in data) counted += 1;
          const made = item && [item.tag, item.tag === 'change' ? item.ordinal : 'no ordinal'];
          const outcome = name === 'loose' ? ['message', 'no ordinal'] : undefined;
          expect(made).toEqual(name in data ? ['change', counted] : outcome);
        }
        expect(read(commit(at))).toMatchObject({ tag: 'end', rawMessages: counted, commitEndLsn: at + 48n });
      }
    }),
  );
});

test('a non-transactional message comes also outside a transaction', () => {
  expect(session()(loose)).toMatchObject({ tag: 'message', message: { prefix: 'p' } });
});

test('an origin belongs to its transaction only', () => {
  const read = session();
  read(begin(1000n));
  read(encode.origin({ lsn: 74_565n, name: 'elsewhere' }));
  expect(read(data.insert)).toMatchObject({ transaction: { origin: { name: 'elsewhere', lsn: 74_565n } } });
  read(commit(1000n));
  read(begin(2000n));
  expect(read(data.insert)).toMatchObject({ transaction: { origin: null } });
});

test('a transaction knows the end of the commit before it, the first of a session only when it is told', () => {
  const read = session(new Assembler({ previousCommitEndLsn: lsn(500n) }));
  expect(read(begin(1000n))).toMatchObject({ transaction: { previousCommitEndLsn: 500n } });
  read(commit(1000n));
  expect(read(begin(2000n))).toMatchObject({ transaction: { previousCommitEndLsn: 1048n } });
  expect(session()(begin(1000n))).toMatchObject({ transaction: { previousCommitEndLsn: null } });
});

test("a change carries its own position, or its commit's when none is told", () => {
  const assembler = new Assembler();
  const decoder = new Decoder();
  decoder.decode(silent.relation);
  assembler.read(decoder.decode(begin(1000n)));
  expect(assembler.read(decoder.decode(data.insert), { position: lsn(900n) })).toMatchObject({ lsn: 900n });
  expect(assembler.read(decoder.decode(data.insert))).toMatchObject({ lsn: 1000n });
});

test.each<[string, Buffer[]]>([
  ['a change outside a transaction', [data.insert]],
  ['a transactional message outside a transaction', [data.message]],
  ['an origin outside a transaction', [encode.origin({ lsn: 1n, name: 'o' })]],
  ['a commit outside a transaction', [commit(1000n)]],
  ['a begin inside a transaction', [begin(1000n), begin(2000n)]],
  ['a commit of another transaction', [begin(1000n), commit(2000n)]],
  ['an origin after a change', [begin(1000n), data.insert, encode.origin({ lsn: 1n, name: 'o' })]],
])('%s breaks the grammar', (_, messages) => {
  const read = session();
  expect(() => messages.forEach((bytes) => void read(bytes))).toThrow(AssertionError);
});
