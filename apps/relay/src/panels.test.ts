/** Raw messages in, records out: what the relay adds to each panel's records is the same whatever is configured. */
import { createHash } from 'node:crypto';
import { parseIdentity } from '@diptych/kafka/identity';
import { MessageLimits } from '@diptych/kafka/message-limits';
import { encode, relationForTests } from '@diptych/pgoutput/encode-for-tests';
import { createLogger } from '@diptych/runtime/log';
import { lsn } from '@diptych/wal/lsn';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readConfiguration } from './configuration.ts';
import { Panels, type PublishedRecord } from './panels.ts';
import { ParkedKeys } from './parking/parked-keys.ts';
import { Poison } from './parking/poison.ts';

const text = (name: string, key = false) => ({ name, key, typeOid: 25, typeModifier: -1 });
const carts = relationForTests({ oid: 1, table: 'carts', columns: [text('id', true)] });
const outbox = relationForTests({
  oid: 2,
  table: 'outbox',
  columns: ['id', 'aggregatetype', 'aggregateid', 'type', 'payload'].map((name) => text(name, name === 'id')),
});
const commitLsn = 0x16b374d848n;
const commitTimeUs = 1_795_246_912_669_491n;
const content = Buffer.from('content');
const event = (id: string) => [id, 'cart', '101', 'CartOpened', '{}'];

/** Six raw data messages; with the defaults the second, third and fifth make no record. */
const transaction = [
  encode.begin({ commitLsn, commitTimeUs, xid: 757 }),
  encode.relation(carts),
  encode.insert(carts.oid, ['1']),
  encode.message({ transactional: true, lsn: 7n, prefix: 'diptych.context', content }),
  encode.message({ transactional: false, lsn: 8n, prefix: 'noise', content }), // belongs to no transaction
  encode.relation(outbox),
  encode.delete(outbox.oid, { part: 'K', row: ['a', null, null, null, null] }),
  encode.insert(outbox.oid, event('b')),
  encode.message({ transactional: true, lsn: 9n, prefix: 'other', content }),
  encode.delete(carts.oid, { part: 'K', row: ['1'] }),
  encode.commit({ commitLsn, commitEndLsn: commitLsn + 48n, commitTimeUs }),
];

function recordsWith({
  environment = {},
  changeTables = [],
  messages = transaction,
  hasParked = false,
}: {
  environment?: Record<`DIPTYCH_${string}`, string>;
  changeTables?: string[];
  messages?: Buffer[];
  /** A record of some key is parked: each one that comes is looked at. */
  hasParked?: boolean;
} = {}): PublishedRecord[] {
  const configuration = readConfiguration({
    file: undefined,
    environment: { DIPTYCH_DATABASE_URL: 'postgres://h/d', DIPTYCH_KAFKA_BROKERS: 'h:1', ...environment },
  });
  const log = createLogger('panels', { level: 'silent' });
  const keys = new ParkedKeys(10);
  if (hasParked)
    keys.add({ topic: 'elsewhere', key: Buffer.from('k'), id: 'one', offset: 1n, pending: null });
  const panels = new Panels({
    configuration,
    log,
    poison: new Poison({
      configuration,
      limits: new MessageLimits(new Map(), 1_000_000),
      keys,
      decided: new Set(),
      repeated: new Set(),
      parkedTopic: 'diptych.parked',
      log,
    }),
    source: { systemId: '1', database: 'shop', timeline: 1, history: [] },
    described: { primaryKeys: new Map(), types: { rows: [], moneyDigits: 2, areTextsChecked: true } },
    changeTables: new Set(changeTables),
  });
  return messages.flatMap((bytes) => {
    // In the midst of others, as it comes from the socket, and gone after the call.
    const read = Buffer.concat([Buffer.alloc(7, 0x55), bytes, Buffer.alloc(3, 0x55)]);
    const message = { bytes: read, start: 7, end: 7 + bytes.length, position: lsn(commitLsn) };
    const events = panels.read(message, () => ({ tag: 'take' }));
    read.fill(0x21);
    return events.flatMap((event) => ('records' in event ? event.records : []));
  });
}

const placesOf = (records: readonly PublishedRecord[]) =>
  records.map(({ topic, headers }) => {
    const { ordinal, part } = parseIdentity(headers[0]?.[1] ?? '');
    return `${topic} ${ordinal}.${part}`;
  });

test('ordinals count every raw data message of the transaction, also those that make no record', () => {
  expect(placesOf(recordsWith())).toEqual([
    'diptych.public.carts 1.0',
    'outbox.event.cart 4.0',
    'diptych.public.carts 6.0',
    'diptych.public.carts 6.1',
    'diptych.transaction 7.0',
  ]);
});

test('no setting moves an ordinal', () => {
  const both = recordsWith({ changeTables: ['public.outbox'] });
  expect(placesOf(both)).toEqual([
    'diptych.public.carts 1.0',
    'diptych.public.outbox 3.0',
    'diptych.public.outbox 3.1',
    'outbox.event.cart 4.0',
    'diptych.public.outbox 4.1',
    'diptych.public.carts 6.0',
    'diptych.public.carts 6.1',
    'diptych.transaction 7.0',
  ]);
  const noOutbox = recordsWith({ environment: { DIPTYCH_OUTBOX_TABLES: 'public.other' } });
  expect(placesOf(noOutbox)).toEqual([
    'diptych.public.carts 1.0',
    'diptych.public.outbox 3.0',
    'diptych.public.outbox 3.1',
    'diptych.public.outbox 4.0',
    'diptych.public.carts 6.0',
    'diptych.public.carts 6.1',
    'diptych.transaction 7.0',
  ]);
});

const beat = (slot: string) =>
  encode.message({ transactional: true, lsn: 7n, prefix: 'diptych.heartbeat', content: Buffer.from(slot) });
const heartbeats = { DIPTYCH_HEARTBEAT_INTERVAL_MS: '1000' };

test('a heartbeat makes one record, which END does not count; one of nothing else has no END', () => {
  const [begin, ...rest] = transaction as [Buffer, ...Buffer[]];
  const alone = [begin, beat('diptych'), rest.at(-1) as Buffer];
  const [record, ...others] = recordsWith({ environment: heartbeats, messages: alone });
  expect(others).toEqual([]);
  expect(record).toMatchObject({
    topic: 'diptych.heartbeat',
    key: Buffer.from('diptych'),
    panel: 'heartbeat',
  });
  expect(JSON.parse(String(record?.value))).toEqual({
    ...{ slot: 'diptych', lsn: '16/B374D848', ts_ms: 1_795_246_912_669 },
  });
  const within = [begin, beat('diptych'), ...rest];
  expect(placesOf(recordsWith({ environment: heartbeats, messages: within }))).toEqual([
    'diptych.heartbeat 1.0',
    'diptych.public.carts 2.0',
    'outbox.event.cart 5.0',
    'diptych.public.carts 7.0',
    'diptych.public.carts 7.1',
    'diptych.transaction 8.0',
  ]);
  const end = (messages: Buffer[]) =>
    String(recordsWith({ environment: heartbeats, messages }).at(-1)?.value);
  expect(end(within)).toBe(end(transaction));
});

test('the heartbeat of another slot makes no record, nor does any while heartbeats are off', () => {
  const messages = [transaction[0] as Buffer, beat('other'), transaction.at(-1) as Buffer];
  expect(recordsWith({ environment: heartbeats, messages })).toEqual([]);
  expect(recordsWith({ messages: [messages[0] as Buffer, beat('diptych'), messages[2] as Buffer] })).toEqual(
    [],
  );
});

test('a BEGIN comes before the first record that END counts, so a heartbeat alone has none', () => {
  const environment = { ...heartbeats, DIPTYCH_CHANGE_COMPAT: 'debezium' };
  // Without the message in the midst of it: the server sends such ones between transactions.
  const [begin, ...rest] = transaction.toSpliced(4, 1) as [Buffer, ...Buffer[]];
  const alone = [begin, beat('diptych'), rest.at(-1) as Buffer];
  expect(placesOf(recordsWith({ environment, messages: alone }))).toEqual(['diptych.heartbeat 1.0']);
  expect(placesOf(recordsWith({ environment, messages: [begin, beat('diptych'), ...rest] }))).toEqual([
    'diptych.heartbeat 1.0',
    'diptych.transaction 0.0',
    'diptych.public.carts 2.0',
    'outbox.event.cart 5.0',
    'diptych.message 6.0',
    'diptych.public.carts 7.0',
    'diptych.public.carts 7.1',
    'diptych.transaction 8.0',
  ]);
});

test('a logical message beyond rowBytesMax is set aside by its hash, inside a transaction and outside', () => {
  const large = (transactional: boolean) =>
    encode.message({ transactional, lsn: 8n, prefix: 'large', content: Buffer.alloc(200) });
  const inside = large(true);
  const outside = large(false);
  const records = recordsWith({
    environment: {
      DIPTYCH_CHANGE_MESSAGES: 'true',
      DIPTYCH_CHANGE_ON_POISON: 'park',
      DIPTYCH_LIMITS_ROW_BYTES_MAX: '100',
    },
    messages: [outside, transaction[0] as Buffer, inside, transaction.at(-1) as Buffer],
  });
  expect(records.map(({ panel }) => panel)).toEqual(['parked', 'parked', 'transaction']);
  for (const [index, raw] of [outside, inside].entries()) {
    expect(JSON.parse(String(records[index]?.value))).toMatchObject({
      ...{ key: '{"prefix":"large"}', bytes: raw.length, value: null },
      sha256: createHash('sha256').update(raw).digest('hex'),
    });
  }
  expect(JSON.parse(String(records.at(-1)?.value))).toMatchObject({ event_count: 0, parked_count: 1 });
});

test('every record has the identity as its first header and the commit time as its timestamp', () => {
  for (const { headers, timestampMs } of recordsWith()) {
    expect(headers[0]?.[0]).toBe('diptych-tx');
    expect(headers.filter(([name]) => name === 'diptych-tx')).toHaveLength(1);
    expect(headers[0]?.[1]).toMatch(/^1-00000016B374D848-757-\d-\d-1795246912669491$/);
    expect(timestampMs).toBe(1_795_246_912_669);
  }
});

test('the short way of a record makes what the long way makes', { timeout: 60_000 }, () => {
  const columns = [
    'id',
    'aggregatetype',
    'aggregateid',
    'type',
    'payload',
    'typeversion',
    'aggregateversion',
    'headers',
  ];
  const relations = [
    relationForTests({ oid: 3, table: 'items', columns: [text('id', true), text('name'), text('note')] }),
    relationForTests({ oid: 4, table: 'keyless', columns: [text('id'), text('name'), text('note')] }),
    relationForTests({ oid: 2, table: 'outbox', columns: columns.map((name) => text(name, name === 'id')) }),
  ];
  const value = fc.oneof(
    fc.constantFrom(null, '', 'a', '{}', 'Größe "1"\n'),
    fc.string({ unit: 'grapheme' }),
  );
  const id = fc.constantFrom('1', '2', 'ä');
  const of = (oid: number) => fc.tuple(id, value, value).map((row) => encode.insert(oid, row));
  const ordinary = ['cart', '101', 'ItemAdded', '{"sku":"apple"}', '1', '7', '{}'];
  const change = fc.oneof(
    of(3),
    of(4),
    // As most are, and so the likeliest of all.
    { weight: 4, arbitrary: fc.constantFrom('b', 'c').map((key) => encode.insert(2, [key, ...ordinary])) },
    fc.tuple(id, value).map(([key, name]) => encode.update(3, { after: [key, name, undefined] })),
    fc
      .tuple(id, id)
      .map(([old, key]) =>
        encode.update(3, { before: { part: 'K', row: [old, null, null] }, after: [key, 'a', 'b'] }),
      ),
    id.map((key) => encode.delete(3, { part: 'K', row: [key, null, null] })),
    fc
      .tuple(
        id,
        fc.constantFrom('cart', 'cart', 'order', 'Käufer'),
        fc.constantFrom('ItemAdded', 'CartOpened', 'Größe'),
        value,
        fc.option(fc.constantFrom('1', '2')),
      )
      .map(([key, type, event, payload, version]) =>
        encode.insert(2, [
          key,
          type,
          '101',
          event,
          payload,
          version,
          '7',
          version === '2' ? '{"traceparent":"00-1"}' : '{}',
        ]),
      ),
    fc.constant(encode.insert(3, ['1', 'x'.repeat(20_000), null])),
  );
  fc.assert(
    fc.property(
      fc.array(fc.array(change, { minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 5 }),
      (transactions) => {
        const messages = transactions.flatMap((changes, index) => {
          const at = commitLsn + BigInt(index) * 1000n;
          const head = encode.begin({ commitLsn: at, commitTimeUs, xid: 757 + index });
          const tail = encode.commit({ commitLsn: at, commitEndLsn: at + 48n, commitTimeUs });
          return [
            head,
            ...(index === 0 ? relations.map((one) => encode.relation(one)) : []),
            ...changes,
            tail,
          ];
        });
        const [short, long] = [false, true].map((isLong) =>
          recordsWith({ messages, hasParked: isLong }).map(
            ({ topic, key, value, headers, timestampMs, panel, bytes }) => ({
              ...{ topic, headers, timestampMs, panel, bytes, key: key?.toString() },
              // When it was made stands at its end, and is another one for each.
              value: value
                ?.toString()
                .replace(/"ts_ms":\d+,"ts_us":\d+,"ts_ns":\d+(,"unchanged":\[.*\])?\}$/, '$1'),
            }),
          ),
        );
        expect(short).toEqual(long);
      },
    ),
  );
});
