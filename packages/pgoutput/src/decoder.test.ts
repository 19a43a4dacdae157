import { OperatingError } from '@diptych/runtime/failure';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Decoder } from './decoder.ts';
import { encode, relationForTests, type Sent } from './encode-for-tests.ts';
import type { Relation } from './relation.ts';
import type { Row } from './row.ts';

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const epochUs = 946_684_800_000_000n;
const timeUs = fc.oneof(
  fc.bigInt({ min: -(2n ** 50n), max: 2n ** 60n }),
  fc.bigInt({ min: epochUs - 3n, max: epochUs + 2n ** 53n }),
  fc.constantFrom(epochUs - 1n, epochUs, epochUs + 2n ** 52n - 1n, epochUs + 2n ** 52n),
);
/** Names and strings of the protocol end at a zero byte, so that none has one inside. */
const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'));
const sent = fc.oneof(text, fc.constant(null), fc.constant(undefined));

const relations: fc.Arbitrary<Relation> = fc.record({
  oid: uint32,
  schema: text.filter((name) => name !== ''),
  table: text,
  replicaIdentity: fc.constantFrom('default', 'nothing', 'full', 'index'),
  columns: fc.array(
    fc.record({
      name: text,
      key: fc.boolean(),
      typeOid: uint32,
      typeModifier: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    }),
    { maxLength: 40 },
  ),
});

const described = relations.chain((relation) => {
  const row = fc.array(sent, { minLength: relation.columns.length, maxLength: relation.columns.length });
  return fc.record({ relation: fc.constant(relation), one: row, other: row });
});

function texts(row: Row): Sent[] {
  return Array.from({ length: row.columns }, (_, column) => row.text(column));
}

/** A decoder that knows the tables. */
function decoderWith(...known: readonly Relation[]): Decoder {
  const decoder = new Decoder();
  for (const relation of known) decoder.decode(encode.relation(relation));
  return decoder;
}

describe('what the server writes is what is read', () => {
  test('begin and commit, with unsigned xids, 64-bit positions and µs since 1970', () => {
    const fields = fc.record({ commitLsn: uint64, commitEndLsn: uint64, commitTimeUs: timeUs, xid: uint32 });
    fc.assert(
      fc.property(fields, ({ commitLsn, commitEndLsn, commitTimeUs, xid }) => {
        const decoder = new Decoder();
        expect(decoder.decode(encode.begin({ commitLsn, commitTimeUs, xid }))).toEqual({
          tag: 'begin',
          commitLsn,
          commitTimeUs,
          xid,
        });
        expect(decoder.decode(encode.commit({ commitLsn, commitEndLsn, commitTimeUs }))).toEqual({
          tag: 'commit',
          commitLsn,
          commitEndLsn,
          commitTimeUs,
        });
      }),
    );
  });

  test('a commit time, byte by byte: 2000-01-01 is zero', () => {
    const bytes = Buffer.from('42 0000000016b374d8 0000000000000001 fffffffe'.replaceAll(' ', ''), 'hex');
    expect(new Decoder().decode(bytes)).toEqual({
      tag: 'begin',
      commitLsn: 0x16b374d8n,
      commitTimeUs: 946_684_800_000_001n,
      xid: 4_294_967_294,
    });
  });

  test('tables with any names, types and identities', () => {
    fc.assert(
      fc.property(relations, (relation) => {
        expect(new Decoder().decode(encode.relation(relation))).toEqual({ tag: 'relation', relation });
      }),
    );
  });

  test('rows of inserts, updates and deletes: values, nulls and unchanged values at their places', () => {
    fc.assert(
      fc.property(described, fc.constantFrom('K', 'O'), ({ relation, one, other }, part) => {
        const decoder = decoderWith(relation);
        const { oid } = relation;
        const tag = part === 'K' ? 'key' : 'row';
        const insert = decoder.decode(encode.insert(oid, one));
        expect(insert.tag === 'insert' && texts(insert.after)).toEqual(one);
        const plain = decoder.decode(encode.update(oid, { after: one }));
        expect(plain.tag === 'update' && [plain.before, texts(plain.after)]).toEqual([null, one]);
        const update = decoder.decode(encode.update(oid, { before: { part, row: one }, after: other }));
        expect(
          update.tag === 'update' &&
            update.before && [update.before.tag, texts(update.before.row), texts(update.after)],
        ).toEqual([tag, one, other]);
        const deleted = decoder.decode(encode.delete(oid, { part, row: one }));
        expect(deleted.tag === 'delete' && [deleted.before.tag, texts(deleted.before.row)]).toEqual([
          tag,
          one,
        ]);
      }),
    );
  });

  test('truncates of several tables with their options, origins, types and logical messages', () => {
    const one = relationForTests({ oid: 1 });
    const other = relationForTests({ oid: 4_000_000_000, table: 'carts' });
    const decoder = decoderWith(one, other);
    expect(decoder.decode(encode.truncate([1, 4_000_000_000], { cascade: true }))).toEqual({
      tag: 'truncate',
      relations: [one, other],
      cascade: true,
      restartIdentity: false,
    });
    expect(decoder.decode(encode.truncate([1], { restartIdentity: true }))).toMatchObject({
      cascade: false,
      restartIdentity: true,
    });
    expect(decoder.decode(encode.origin({ lsn: 0x12345n, name: 'östlich' }))).toEqual({
      tag: 'origin',
      lsn: 0x12345n,
      name: 'östlich',
    });
    expect(decoder.decode(encode.type({ oid: 17_000, schema: 'public', name: 'mood' }))).toEqual({
      tag: 'type',
      oid: 17_000,
      schema: 'public',
      name: 'mood',
    });
    fc.assert(
      fc.property(fc.boolean(), uint64, text, fc.uint8Array(), (transactional, lsn, prefix, bytes) => {
        const content = Buffer.from(bytes);
        expect(decoder.decode(encode.message({ transactional, lsn, prefix, content }))).toEqual({
          tag: 'message',
          transactional,
          lsn,
          prefix,
          content,
        });
      }),
    );
  });
});

test('a table described anew is another relation for the changes that follow it', () => {
  const before = relationForTests();
  const decoder = decoderWith(before);
  const after = relationForTests({ columns: [{ name: 'id', key: true, typeOid: 23, typeModifier: -1 }] });
  decoder.decode(encode.relation(after));
  expect(decoder.decode(encode.insert(before.oid, ['1']))).toMatchObject({ relation: after });
});

test('an empty schema is pg_catalog', () => {
  const relation = relationForTests({ schema: 'pg_catalog', table: 'pg_class' });
  expect(encode.relation(relation).includes('pg_catalog')).toBe(false);
  expect(new Decoder().decode(encode.relation(relation))).toEqual({ tag: 'relation', relation });
});

test('a row is not copied', () => {
  const bytes = encode.insert(16_385, ['1', 'banana']);
  const message = decoderWith(relationForTests()).decode(bytes);
  expect(message.tag === 'insert' && message.after.bytes).toBe(bytes);
});

describe('a malformed message is refused with its tag and position', () => {
  const relation = relationForTests();
  const messages: Record<string, Buffer> = {
    begin: encode.begin({ commitLsn: 1n, commitTimeUs: 2n, xid: 3 }),
    commit: encode.commit({ commitLsn: 1n, commitEndLsn: 2n, commitTimeUs: 3n }),
    origin: encode.origin({ lsn: 1n, name: 'elsewhere' }),
    relation: encode.relation(relation),
    type: encode.type({ oid: 1, schema: 'public', name: 'mood' }),
    insert: encode.insert(relation.oid, ['1', 'banana']),
    update: encode.update(relation.oid, { before: { part: 'K', row: ['1', null] }, after: ['2', undefined] }),
    delete: encode.delete(relation.oid, { part: 'O', row: ['1', 'banana'] }),
    truncate: encode.truncate([relation.oid]),
    message: encode.message({ transactional: true, lsn: 1n, prefix: 'p', content: Buffer.from('c') }),
  };

  test.each(Object.entries(messages))('%s cut at any byte, or longer than it says', (_, bytes) => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(refusal(bytes.subarray(0, length)).code, `cut at ${length}`).toBe('wal-message-malformed');
    }
    expect(refusal(Buffer.concat([bytes, Buffer.of(0)])).message).toMatch(
      /^pgoutput message '.': 1 bytes are left over/,
    );
  });

  test('any bytes are either a message or refused, never another error', () => {
    const known = fc.constantFrom(...Object.values(messages));
    const damaged = fc.tuple(known, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([bytes, at, value]) => {
      const copy = Buffer.from(bytes);
      copy[at % copy.length] = value;
      return copy;
    });
    const noise = fc.uint8Array().map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(damaged, noise), (bytes) => {
        let outcome: unknown = 'decoded';
        try {
          decoderWith(relation).decode(bytes);
        } catch (error) {
          outcome = error instanceof OperatingError ? error.code : error;
        }
        expect(['decoded', 'wal-message-malformed']).toContain(outcome);
      }),
      { numRuns: 2000 },
    );
  });

  test('each kind of breach says what it is', () => {
    expect(refusal(Buffer.from('S')).message).toBe(
      "pgoutput message 'S': an unknown kind of message at byte 1",
    );
    expect(refusal(Buffer.of(0)).message).toMatch(/message 0x0: an unknown kind/);
    expect(refusal(encode.insert(99, [])).message).toMatch(/'I': relation 99 was not described at byte 5/);
    expect(refusal(encode.insert(relation.oid, ['1'])).message).toMatch(
      /1 values for the 2 columns of relation 16385/,
    );
    const endless = encode.insert(relation.oid, ['1', 'banana']);
    endless.fill(0xff, 9, 13);
    expect(refusal(endless).message).toMatch(/4294967295 bytes do not fit into \d+ at byte 13/);
    const binary = Buffer.from(messages.insert as Buffer);
    binary[binary.indexOf('t')] = 'b'.charCodeAt(0);
    expect(refusal(binary).message).toMatch(/a value that is not text at byte 9/);
  });

  function refusal(bytes: Buffer): OperatingError {
    try {
      decoderWith(relation).decode(bytes);
    } catch (error) {
      if (error instanceof OperatingError) return error;
      throw error;
    }
    throw new Error(`decoded: ${bytes.toString('hex')}`);
  }
});
