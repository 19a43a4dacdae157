/** What configuration makes of change events: columns, keys, placeholders, messages, and values without a form. */
import { encode, relationForTests, type Sent } from '@diptych/pgoutput/encode-for-tests';
import type { PanelRecord } from '@diptych/transaction/panel-record';
import { lsn } from '@diptych/wal/lsn';
import { describe, expect, test } from 'vitest';
import { ColumnRules, type ColumnSettings, noColumnSettings } from './column-rules.ts';
import { conforms } from './conforms-for-tests.ts';
import { type Json, parseExactly } from './decode-for-tests.ts';
import { type PublishOptions, publishForTests } from './publish-for-tests.ts';
import { debeziumModes } from './value-modes.ts';

const text = (name: string, key = false) => ({ name, key, typeOid: 25, typeModifier: -1 });
const users = relationForTests({
  table: 'users',
  columns: [text('id', true), text('name'), text('mail'), { ...text('worth'), typeOid: 1700 }],
});
const { oid } = users;
const commit = { commitLsn: 4096n, commitTimeUs: 1_795_246_912_669_491n };

function publish(
  messages: readonly Buffer[],
  { relation = users, ...options }: PublishOptions & { readonly relation?: typeof users } = {},
): PanelRecord[] {
  const session = [
    encode.relation(relation),
    encode.begin({ ...commit, xid: 757 }),
    ...messages,
    encode.commit({ ...commit, commitEndLsn: 4200n }),
  ];
  const sent = session.map((bytes) => ({ lsn: lsn(900n), bytes: Buffer.from(bytes) }));
  return publishForTests(sent, options);
}

const eventOf = (record: PanelRecord | undefined) => JSON.parse(String(record?.value));
const withColumns = (settings: Partial<ColumnSettings>): PublishOptions => ({
  representation: { columns: new ColumnRules({ ...noColumnSettings, ...settings }) },
});
const insert = (...row: readonly Sent[]) => encode.insert(oid, row);
const ann = () => insert('7', 'Änn', 'ann@example.org', '1.50');

describe('columns', () => {
  test('are left out by name, never from a key', () => {
    const [record] = publish([ann()], withColumns({ exclude: ['public.users.id', '*.mail'] }));
    expect(eventOf(record).after).toEqual({ name: 'Änn', worth: '1.50' });
    expect(String(record?.key)).toBe('{"id":"7"}');
    const [only] = publish([ann()], withColumns({ include: ['public.users.name'] }));
    expect(eventOf(only).after).toEqual({ name: 'Änn' });
  });

  test('are masked, hashed with a salt and cut by characters, nulls stay nulls', () => {
    const rules = withColumns({
      mask: ['public.users.mail:3', 'public.users.worth'],
      hash: ['public.users.id'],
      salt: 'pepper',
      truncate: ['public.users.name:2'],
    });
    const [record, empty] = publish([ann(), insert('8', null, null, null)], rules);
    const hash = '1b44481921a511e3b17e3200b40be11bd079c687d6209960a30c19e45b192723';
    expect(eventOf(record).after).toEqual({ id: hash, name: 'Än', mail: '***', worth: '**********' });
    expect(String(record?.key)).toBe(`{"id":"${hash}"}`);
    expect(eventOf(empty).after).toMatchObject({ name: null, mail: null, worth: null });
  });

  test('of limited length have hashes that fit', () => {
    const [id, name, mail, worth] = users.columns;
    if (!id || !name || !mail || !worth) throw new Error('a column is missing');
    const columns = [
      id,
      { ...name, typeOid: 1043, typeModifier: 12 },
      { ...mail, typeOid: 1042, typeModifier: 104 },
      worth,
    ];
    const [record] = publish([ann()], { ...withColumns({ hash: ['*'] }), relation: { ...users, columns } });
    const lengths = Object.values(eventOf(record).after as Record<string, string>).map(
      ({ length }) => length,
    );
    expect(lengths).toEqual([64, 8, 64, 64]);
  });

  test('can be the key instead of the primary key, in the order of the table', () => {
    const chosen = withColumns({ key: ['*.mail', '*.name'] });
    expect(String(publish([ann()], chosen)[0]?.key)).toBe('{"name":"Änn","mail":"ann@example.org"}');
  });

  test('that are a chosen key are a key of an update only when the old ones come with it', () => {
    const chosen = withColumns({ key: ['*.mail'] });
    const after = ['7', 'B', 'b', '0'];
    const keyOnly = encode.update(oid, { before: { part: 'K', row: ['6', null, null, null] }, after });
    const toasted = encode.update(oid, { after: ['7', 'B', undefined, '0'] });
    for (const message of [encode.update(oid, { after }), keyOnly, toasted]) {
      for (const { failure } of publish([message], chosen).filter(({ topic }) => topic !== 'p.transaction'))
        expect(failure).toMatchObject({
          code: 'value-not-representable',
          message: 'column public.users.mail: a key column that is not part of the replica identity',
          remedy: expect.stringContaining('`alter table "public"."users" replica identity full`'),
        });
    }
    const whole = (row: Sent[], to: Sent[]) =>
      publish([encode.update(oid, { before: { part: 'O', row }, after: to })], chosen).map(({ key }) =>
        String(key),
      );
    expect(whole(['7', 'A', 'a', '0'], after).slice(0, 3)).toEqual([
      '{"mail":"a"}',
      '{"mail":"a"}',
      '{"mail":"b"}',
    ]);
    expect(whole(['7', 'A', 'a', '0'], ['7', 'B', undefined, '0'])[0]).toBe('{"mail":"a"}');
  });

  test('that are a chosen key and do not come with a delete make a failure, not a key of nulls', () => {
    const gone = encode.delete(oid, { part: 'K', row: ['7', null, null, null] });
    const [record, tombstone] = publish([gone], withColumns({ key: ['*.mail'] }));
    expect(record?.failure).toMatchObject({
      code: 'value-not-representable',
      message: 'column public.users.mail: a key column that is not part of the replica identity',
    });
    expect(tombstone?.failure?.code).toBe('value-not-representable');
  });
});

describe('an unchanged TOASTed value', () => {
  test('has a placeholder when there is one, and is not named then', () => {
    const event = eventOf(
      publish([encode.update(oid, { after: ['7', undefined, null, '1'] })], {
        representation: { placeholder: '__debezium_unavailable_value' },
      })[0],
    );
    expect(event.after).toEqual({ id: '7', name: '__debezium_unavailable_value', mail: null, worth: '1' });
    expect(event).not.toHaveProperty('unchanged');
  });
});

describe('a value without a form', () => {
  const options = { representation: { modes: debeziumModes } };

  test('makes a record that says which column and why, and holds the texts of the row', () => {
    const [record] = publish([insert('7', 'Änn', null, 'NaN')], options);
    expect(record?.failure).toMatchObject({
      code: 'value-not-representable',
      message: 'column public.users.worth: NaN or an infinity with decimals = precise',
    });
    expect(eventOf(record)).toEqual({
      op: 'c',
      before: null,
      after: { id: '7', name: 'Änn', mail: null, worth: 'NaN' },
    });
  });

  test('does not disturb the records around it, and is counted like them', () => {
    const records = publish(
      [insert('1', null, null, '1'), insert('2', null, null, 'NaN'), insert('3', null, null, '1')],
      options,
    );
    expect(records.map(({ failure }) => failure?.code)).toEqual([
      undefined,
      'value-not-representable',
      undefined,
      undefined,
    ]);
    expect(eventOf(records[2]).transaction.total_order).toBe(3);
    expect(String(records[2]?.key)).toBe('{"id":"3"}');
  });
});

describe('logical messages', () => {
  const message = (prefix: string, content = 'bar') =>
    encode.message({ transactional: true, lsn: 8n, prefix, content: Buffer.from(content) });
  const all = { include: [], exclude: [] };

  test('are no events unless asked for', () => {
    expect(publish([message('foo')])).toEqual([]);
  });

  test("are events as Debezium's, counted in their transaction", () => {
    const [record, row, end] = publish([message('foo'), ann()], { messages: all });
    expect(record).toMatchObject({ topic: 'p.message', headers: [], part: 0 });
    expect(String(record?.key)).toBe('{"prefix":"foo"}');
    expect(eventOf(record)).toEqual({
      op: 'm',
      ts_ms: 1_795_246_912_700,
      source: expect.objectContaining({ schema: '', table: '', txId: 757, lsn: 900 }),
      transaction: { id: '757:4096', total_order: 1, data_collection_order: 1 },
      message: { prefix: 'foo', content: 'YmFy' },
    });
    expect(eventOf(row).transaction).toMatchObject({ total_order: 2, data_collection_order: 1 });
    expect(eventOf(end).data_collections[0]).toEqual({
      data_collection: 'LOGICAL_DECODING_MESSAGE',
      event_count: 1,
    });
  });

  test.each([
    [{ include: ['ano*er_included'], exclude: [] }, ['another_included']],
    [{ include: [], exclude: ['excluded*'] }, ['another_included', 'prefix:excluded']],
    [{ include: [], exclude: ['*'] }, []],
  ])('are chosen by prefix: %o', (messages, expected) => {
    const sent = ['another_included', 'excluded_prefix', 'prefix:excluded', 'diptych.context'].map((prefix) =>
      message(prefix),
    );
    const events = publish(sent, { messages }).filter(({ topic }) => topic === 'p.message');
    expect(events.map((record) => eventOf(record).message.prefix)).toEqual(expected);
  });
});

describe('with schemas', () => {
  const options: PublishOptions = {
    representation: { schemas: 'inline', modes: debeziumModes },
    messages: { include: [], exclude: [] },
  };
  const schemaOf = (bytes: Buffer | null | undefined) => JSON.parse(String(bytes)).schema;

  test("key and value name Debezium's types, and only the key's columns are required", () => {
    const [record] = publish([ann()], options);
    expect(schemaOf(record?.key)).toEqual({
      type: 'struct',
      fields: [{ type: 'string', optional: false, field: 'id' }],
      optional: false,
      name: 'p.public.users.Key',
    });
    const { fields, name, version } = schemaOf(record?.value);
    expect({ name, version }).toEqual({ name: 'p.public.users.Envelope', version: 2 });
    expect(fields.map(({ field }: { field: string }) => field)).toEqual([
      'before',
      'after',
      'source',
      'transaction',
      'op',
      'ts_ms',
      'ts_us',
      'ts_ns',
      'unchanged',
    ]);
    expect(fields[1]).toMatchObject({ name: 'p.public.users.Value', optional: true });
    expect(fields[1].fields).toMatchObject([
      { field: 'id', optional: false },
      { field: 'name', type: 'string', optional: true },
      { field: 'mail', type: 'string', optional: true },
      { field: 'worth', name: 'io.debezium.data.VariableScaleDecimal', version: 1, optional: true },
    ]);
  });

  test('every record but a tombstone is as its schema says', () => {
    const message = encode.message({
      transactional: true,
      lsn: 8n,
      prefix: 'foo',
      content: Buffer.from('bar'),
    });
    const changes = [
      message,
      ann(),
      encode.update(oid, {
        before: { part: 'K', row: ['7', null, null, null] },
        after: ['8', undefined, null, '1'],
      }),
      encode.truncate([oid]),
    ];
    const bytes = publish(changes, options).flatMap(({ key, value }) => [key, value]);
    expect(bytes).toHaveLength(14);
    for (const one of bytes.filter((given) => given !== null)) {
      const { payload } = parseExactly(String(one)) as { payload: Json };
      conforms(schemaOf(one), payload);
    }
  });
});

test('a change that is too large keeps topics, keys and counts, and has no envelope: neither texts nor schemas', () => {
  const all = [ann(), encode.update(oid, { after: ['7', 'B', null, '1'] }), insert('8', 'x', 'y', '2')];
  const schemas = { representation: { schemas: 'inline' } } as const;
  const whole = publish(all, schemas);
  const [first, large, last, end] = publish(all, { ...schemas, isTooLarge: (ordinal) => ordinal === 2 });
  expect(large).toEqual({ ...whole[1], value: Buffer.alloc(0) });
  expect([first, last, end]).toEqual([whole[0], whole[2], whole[3]]);
  const gone = encode.delete(oid, { part: 'K', row: ['7', null, null, null] });
  const chosen = { ...withColumns({ key: ['*.mail'] }), isTooLarge: () => true };
  const [record] = publish([gone], chosen);
  expect(record).toMatchObject({ key: Buffer.alloc(0), value: Buffer.alloc(0) });
  expect(record?.failure?.code).toBe('value-not-representable');
});
