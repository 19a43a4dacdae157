import { Decoder } from '@diptych/pgoutput/decoder';
import { encode, relationForTests, type Sent } from '@diptych/pgoutput/encode-for-tests';
import { Assembler } from '@diptych/transaction/assembler';
import type { TransactionChange } from '@diptych/transaction/transaction';
import { expect, test } from 'vitest';
import { type DomainEvent, OutboxRouter, type UnroutableRow } from './route.ts';

const event = {
  id: '59a42efd-b015-44a9-9dde-cb36d9002425',
  aggregatetype: 'cart',
  aggregateid: '101',
  type: 'ItemAdded',
  payload: '{"sku": "banana", "price": "1.00", "big": 9007199254740993}',
  aggregateversion: '3',
  typeversion: '1',
  headers: '{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}',
} satisfies Record<string, Sent>;

/** Routes one message about an outbox table with these columns. */
function route(
  row: Record<string, Sent>,
  message?: (oid: number, values: readonly Sent[]) => Buffer,
): DomainEvent | null {
  return read(row, message, (router, change) => router.route(change));
}

/** What is left of a row that cannot be routed. */
function salvage(row: Record<string, Sent>): UnroutableRow {
  return read(row, undefined, (router, change) => router.salvage(change));
}

function read<T>(
  row: Record<string, Sent>,
  message: ((oid: number, values: readonly Sent[]) => Buffer) | undefined,
  use: (router: OutboxRouter, change: TransactionChange) => T,
): T {
  const columns = Object.keys(row).map((name) => ({ name, key: false, typeOid: 25, typeModifier: -1 }));
  const relation = relationForTests({ table: 'outbox', columns });
  const decoder = new Decoder();
  const assembler = new Assembler();
  decoder.decode(encode.relation(relation));
  assembler.read(decoder.decode(encode.begin({ commitLsn: 0x16b374d8n, commitTimeUs: 0n, xid: 757 })));
  const bytes = (message ?? encode.insert)(relation.oid, Object.values(row));
  const item = assembler.read(decoder.decode(bytes));
  if (item?.tag !== 'change') throw new Error('no change');
  const routed = use(new OutboxRouter({ topics: { of: (_, topic) => topic } }), item);
  bytes.fill(0xff); // the bytes are only lent
  return routed;
}

test('an inserted row is a domain event: topic by aggregate type, key its id, value the payload as stored', () => {
  const routed = route(event);
  expect(routed?.eventType).toBe('ItemAdded');
  expect(routed?.record).toEqual({
    topic: 'outbox.event.cart',
    key: Buffer.from('101'),
    value: Buffer.from(event.payload),
    headers: [
      ['id', event.id],
      ['eventType', 'ItemAdded'],
      ['eventVersion', '1'],
      ['aggregateVersion', '3'],
      ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ],
    part: 0,
  });
});

test('the order of columns does not matter, nor do columns that are not ours', () => {
  const shuffled = Object.fromEntries(Object.entries({ tenant: 'a', ...event, extra: null }).reverse());
  expect(route(shuffled)).toEqual(route(event));
});

test("a table with Debezium's columns only has the headers that it can have", () => {
  const { id, aggregatetype, aggregateid, type, payload } = event;
  expect(route({ id, aggregatetype, aggregateid, type, payload })?.record.headers).toEqual([
    ['id', id],
    ['eventType', 'ItemAdded'],
  ]);
});

test('without a traceparent there is no such header', () => {
  for (const headers of ['{}', '{"other": 1}', '{"traceparent": null}', null]) {
    expect(route({ ...event, headers })?.record.headers.map(([name]) => name)).not.toContain('traceparent');
  }
});

test('a null payload is a record without a value, under the key of its aggregate', () => {
  const record = route({ ...event, payload: null })?.record;
  expect([record?.value, String(record?.key)]).toEqual([null, '101']);
});

test('an empty payload is an empty value, not null', () => {
  expect(route({ ...event, payload: '' })?.record.value).toEqual(Buffer.alloc(0));
});

test('updates, deletes and truncates of an outbox table are no events', () => {
  expect(route(event, (oid, after) => encode.update(oid, { after }))).toBeNull();
  expect(route(event, (oid, row) => encode.delete(oid, { part: 'O', row }))).toBeNull();
  expect(route(event, (oid) => encode.truncate([oid]))).toBeNull();
});

test.each(['id', 'aggregatetype', 'aggregateid', 'type', 'payload'])(
  'a table without column %s is refused by name',
  (name) => {
    const { [name as keyof typeof event]: _, ...rest } = event;
    expect(() => route(rest)).toThrow(
      expect.objectContaining({
        code: 'outbox-row-malformed',
        message: `public.outbox: column ${name} is missing (transaction 757 at 0/16B374D8, change 1)`,
      }),
    );
  },
);

test.each([
  ['id', null, 'is null'],
  ['aggregatetype', null, 'is null'],
  ['aggregateid', null, 'is null'],
  ['type', null, 'is null'],
  ['headers', '{', 'is not JSON'],
  ['headers', '["secret"]', 'is not a JSON object'],
  ['headers', '{"traceparent": 5}', 'has a traceparent that is not text'],
])('a row whose %s is %s is refused, without showing its values', (name, value, what) => {
  expect(() => route({ ...event, [name]: value })).toThrow(
    expect.objectContaining({
      code: 'outbox-row-malformed',
      message: `public.outbox: column ${name} ${what} (transaction 757 at 0/16B374D8, change 1)`,
    }),
  );
});

test('of a row that cannot be routed all is kept that it tells', () => {
  expect(salvage({ ...event, aggregateid: null })).toEqual({
    topic: 'outbox.event.cart',
    key: null,
    value: Buffer.from(event.payload),
    headers: [
      ['id', event.id],
      ['eventType', 'ItemAdded'],
    ],
  });
  const { aggregatetype: _, ...untyped } = event;
  expect(salvage({ ...untyped, id: null, payload: null })).toEqual({
    topic: null,
    key: Buffer.from('101'),
    value: null,
    headers: [['eventType', 'ItemAdded']],
  });
});

test('an aggregate type that is far too long for a topic is kept as far as it tells which one it was', () => {
  expect(salvage({ ...event, aggregatetype: 'x'.repeat(1_000_000) }).topic).toHaveLength(300);
});
