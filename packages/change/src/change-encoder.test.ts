import { encode, relationForTests, type Sent } from '@diptych/pgoutput/encode-for-tests';
import type { Relation } from '@diptych/pgoutput/relation';
import type { PanelRecord } from '@diptych/transaction/panel-record';
import { lsn } from '@diptych/wal/lsn';
import { describe, expect, test } from 'vitest';
import { type PublishOptions, publishForTests } from './publish-for-tests.ts';

const items = relationForTests();
const fullItems = relationForTests({
  replicaIdentity: 'full',
  columns: items.columns.map((column) => ({ ...column, key: true })),
});
const { oid } = items;
const commitLsn = 0x16b374d8n;
const commitTimeUs = 1_795_246_912_669_491n;

/** One transaction with these messages; its last record is END. */
function publish(
  messages: readonly Buffer[],
  { relations = [items], ...options }: PublishOptions & { relations?: readonly Relation[] } = {},
): PanelRecord[] {
  const session = [
    ...relations.map(encode.relation),
    encode.begin({ commitLsn, commitTimeUs, xid: 4_000_000_757 }),
    ...messages,
    encode.commit({ commitLsn, commitEndLsn: commitLsn + 48n, commitTimeUs }),
  ];
  return publishForTests(
    session.map((bytes) => ({ lsn: lsn(900n), bytes })),
    options,
  );
}

/** The change events' records, without END, in the form in which tests state them. */
function told(messages: readonly Buffer[], options: Parameters<typeof publish>[1] = {}): unknown[] {
  return publish(messages, options)
    .filter(({ topic }) => topic !== 'p.transaction')
    .map(({ key, value, headers, part, spread }) => {
      const { op, before, after, unchanged } = JSON.parse(String(value)) ?? {};
      const event = value === null ? 'tombstone' : { op, before, after, ...(unchanged ? { unchanged } : {}) };
      return {
        key: key && JSON.parse(String(key)),
        event,
        ...(headers.length > 0 ? { headers } : {}),
        part,
        ...(spread ? { spread } : {}),
      };
    });
}

const update = (before: readonly Sent[] | null, after: readonly Sent[], part: 'K' | 'O' = 'K') =>
  encode.update(oid, before ? { before: { part, row: before }, after } : { after });

test("an insert is Debezium's envelope, field for field and in its order", () => {
  const [record] = publish([encode.insert(oid, ['9007199254740993', 'ba"na\nna – žš'])]);
  expect(record).toMatchObject({ topic: 'p.public.cart_items', headers: [], part: 0 });
  expect(String(record?.key)).toBe('{"id":9007199254740993}');
  expect(String(record?.value)).toBe(
    '{"before":null,"after":{"id":9007199254740993,"name":"ba\\"na\\nna – žš"},"source":{"version":"0.1.0",' +
      '"connector":"postgresql","name":"p","ts_ms":1795246912669,"snapshot":"false","db":"shop",' +
      '"sequence":"[\\"16\\",\\"900\\"]","ts_us":1795246912669491,"ts_ns":1795246912669491000,"schema":"public",' +
      '"table":"cart_items","txId":4000000757,"lsn":900,"xmin":null,"origin":null,"origin_lsn":null},' +
      '"transaction":{"id":"4000000757:380859608","total_order":1,"data_collection_order":1},"op":"c",' +
      '"ts_ms":1795246912700,"ts_us":1795246912700000,"ts_ns":1795246912700000000}',
  );
});

test('the first transaction that is known of has no commit before it', () => {
  const [record] = publish([encode.insert(oid, ['1', null])], { previousCommitEndLsn: null });
  expect(JSON.parse(String(record?.value)).source.sequence).toBe('[null,"900"]');
});

test('the origin of a replayed transaction is in the source', () => {
  const [record] = publish([
    encode.origin({ lsn: 74_565n, name: 'other "side"' }),
    encode.insert(oid, ['1', null]),
  ]);
  expect(JSON.parse(String(record?.value)).source).toMatchObject({
    origin: 'other "side"',
    origin_lsn: 74_565,
  });
});

describe('updates', () => {
  test('with the default identity have no row before', () => {
    expect(told([update(null, ['1', 'apple'])])).toEqual([
      { key: { id: 1 }, event: { op: 'u', before: null, after: { id: 1, name: 'apple' } }, part: 0 },
    ]);
  });

  test('with identity FULL have the whole row before', () => {
    expect(
      told([update(['1', 'banana'], ['1', null], 'O')], {
        relations: [fullItems],
        primaryKeys: () => ['id'],
      }),
    ).toEqual([
      {
        key: { id: 1 },
        event: { op: 'u', before: { id: 1, name: 'banana' }, after: { id: 1, name: null } },
        part: 0,
      },
    ]);
  });

  test('whose key was sent but is the same are plain updates', () => {
    expect(told([update(['1', null], ['1', 'apple'])])).toEqual([
      { key: { id: 1 }, event: { op: 'u', before: { id: 1 }, after: { id: 1, name: 'apple' } }, part: 0 },
    ]);
  });

  test('leave out an unchanged TOASTed value and name it, but not a null', () => {
    expect(told([update(null, ['1', undefined]), update(null, ['1', null])])).toEqual([
      { key: { id: 1 }, event: { op: 'u', before: null, after: { id: 1 }, unchanged: ['name'] }, part: 0 },
      { key: { id: 1 }, event: { op: 'u', before: null, after: { id: 1, name: null } }, part: 0 },
    ]);
  });

  test('take an unchanged TOASTed value from the row before when it is there', () => {
    expect(told([update(['1', 'long'], ['2', undefined], 'O')], { relations: [fullItems] })).toEqual([
      {
        key: null,
        event: { op: 'u', before: { id: 1, name: 'long' }, after: { id: 2, name: 'long' } },
        part: 0,
      },
    ]);
  });

  test('never take the nulls of a key before for values', () => {
    expect(told([update(['1', null], ['1', undefined])])).toEqual([
      {
        key: { id: 1 },
        event: { op: 'u', before: { id: 1 }, after: { id: 1 }, unchanged: ['name'] },
        part: 0,
      },
    ]);
  });

  test('with an unchanged TOASTed key take the key from the row before', () => {
    const table = relationForTests({ columns: items.columns.map((column) => ({ ...column, key: true })) });
    expect(told([update(['1', 'long'], ['1', undefined])], { relations: [table] })).toEqual([
      {
        key: { id: 1, name: 'long' },
        event: { op: 'u', before: { id: 1, name: 'long' }, after: { id: 1, name: 'long' } },
        part: 0,
      },
    ]);
  });
});

describe('a row that moves to another key', () => {
  const moved = [
    {
      key: { id: 1 },
      event: { op: 'd', before: { id: 1 }, after: null },
      headers: [['__debezium.newkey', '{"id":2}']],
      part: 0,
    },
    { key: { id: 1 }, event: 'tombstone', headers: [['__debezium.newkey', '{"id":2}']], part: 1 },
    {
      key: { id: 2 },
      event: { op: 'c', before: null, after: { id: 2, name: 'apple' } },
      headers: [['__debezium.oldkey', '{"id":1}']],
      part: 2,
    },
  ];

  test('is deleted under the old one and created under the new one', () => {
    expect(told([update(['1', null], ['2', 'apple'])])).toEqual(moved);
  });

  test('without tombstones is a delete and a create', () => {
    expect(told([update(['1', null], ['2', 'apple'])], { tombstones: false })).toEqual([
      moved[0],
      { ...moved[2], part: 1 },
    ]);
  });

  test('counts as two events of its transaction', () => {
    const records = publish([update(['1', null], ['2', 'apple'])]);
    const orders = records
      .slice(0, -1)
      .map(({ value }) => JSON.parse(String(value))?.transaction.total_order);
    expect(orders).toEqual([1, undefined, 2]);
    expect(JSON.parse(String(records.at(-1)?.value))).toMatchObject({ event_count: 2 });
  });
});

describe('deletes', () => {
  test('hold only the key of the row before, and a tombstone follows', () => {
    expect(told([encode.delete(oid, { part: 'K', row: ['1', null] })])).toEqual([
      { key: { id: 1 }, event: { op: 'd', before: { id: 1 }, after: null }, part: 0 },
      { key: { id: 1 }, event: 'tombstone', part: 1 },
    ]);
  });

  test('of a table without a key have neither key nor tombstone', () => {
    expect(
      told([encode.delete(oid, { part: 'O', row: ['1', 'banana'] })], { relations: [fullItems] }),
    ).toEqual([{ key: null, event: { op: 'd', before: { id: 1, name: 'banana' }, after: null }, part: 0 }]);
  });

  test('without tombstones are one record', () => {
    expect(told([encode.delete(oid, { part: 'K', row: ['1', null] })], { tombstones: false })).toHaveLength(
      1,
    );
  });
});

describe('keys', () => {
  const key = (relation: Relation, primaryKeys?: () => readonly string[] | null) =>
    String(
      publish([encode.insert(oid, ['1', 'n'])], {
        relations: [relation],
        ...(primaryKeys ? { primaryKeys } : {}),
      })[0]?.key,
    );

  test('are the columns that the Relation message flags, whatever the catalogue says now', () => {
    expect(key(items, () => ['name'])).toBe('{"id":1}');
  });

  test("with identity FULL are the catalogue's primary key, in its order", () => {
    expect(key(fullItems, () => ['name', 'id'])).toBe('{"name":"n","id":1}');
  });

  test('of several columns are in the order of the primary key, if it is one of the same columns', () => {
    const both = { ...items, columns: items.columns.map((column) => ({ ...column, key: true })) };
    expect(key(both, () => ['name', 'id'])).toBe('{"name":"n","id":1}');
    expect(key(both, () => ['id', 'name'])).toBe('{"id":1,"name":"n"}');
    expect(key(both, () => ['name'])).toBe('{"id":1,"name":"n"}');
    expect(key(both, () => ['name', 'id', 'added_later'])).toBe('{"id":1,"name":"n"}');
    expect(key(both, () => null)).toBe('{"id":1,"name":"n"}');
  });

  test('are never taken from a row before that has another identity than its table says', () => {
    const ofPartition = () => [
      encode.delete(oid, { part: 'K', row: ['1', null] }),
      update(['1', null], ['1', 'a']),
    ];
    const asRoot = (primaryKeys: () => readonly string[]) =>
      publish(ofPartition(), { relations: [fullItems], primaryKeys });
    expect(asRoot(() => ['id']).map(({ key, failure }) => [String(key), failure])).toEqual([
      ['{"id":1}', undefined],
      ['{"id":1}', undefined],
      ['{"id":1}', undefined],
      [expect.any(String), undefined],
    ]);
    expect(JSON.parse(String(asRoot(() => ['id'])[0]?.value)).before).toEqual({ id: 1 });
    const codes = asRoot(() => ['name']).map(({ failure }) => failure?.code);
    expect(codes.slice(0, 3)).toEqual(Array(3).fill('value-not-representable'));
  });

  test('of which the table had not all columns at the time are none', () => {
    expect(key(fullItems, () => ['id', 'added_later'])).toBe('null');
  });
});

describe('truncates', () => {
  const carts = relationForTests({ oid: 7, table: 'carts' });
  const both = [encode.truncate([oid, 7])];

  test('are one record for each table, to every partition', () => {
    const event = { op: 't', before: null, after: null };
    expect(told(both, { relations: [items, carts] })).toEqual([
      { key: null, event, part: 0, spread: 'every' },
      { key: null, event, part: 1, spread: 'every' },
    ]);
  });

  test('leave out tables that are not published, and are none when switched off', () => {
    const records = publish([encode.truncate([oid, 7])], {
      relations: [items, carts],
      publishes: ({ table }) => table === 'carts',
    });
    expect(records.map(({ topic, part }) => [topic, part])).toEqual([
      ['p.public.carts', 0],
      ['p.transaction', 0],
    ]);
    expect(told([encode.truncate([oid, 7])], { relations: [items, carts], truncates: false })).toEqual([]);
  });
});

test('columns that differ only by case, hostile names and no columns at all just work', () => {
  const column = { key: false, typeOid: 25, typeModifier: -1 };
  const names = ['a', 'A', '"; drop', '__proto__', 'ž\u0001'];
  const hostile = relationForTests({ columns: names.map((name) => ({ ...column, name })) });
  const [record] = publish([encode.insert(oid, names)], { relations: [hostile] });
  expect(Object.entries(JSON.parse(String(record?.value)).after)).toEqual(names.map((name) => [name, name]));
  const bare = relationForTests({ columns: [] });
  expect(told([encode.insert(oid, [])], { relations: [bare] })).toEqual([
    { key: null, event: { op: 'c', before: null, after: {} }, part: 0 },
  ]);
});
