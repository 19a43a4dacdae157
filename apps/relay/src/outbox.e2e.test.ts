/** Three ways to emit and the options of the router, on real servers: what is in Kafka is what the settings say. */
import { createHash } from 'node:crypto';
import { cartContract } from '@diptych/contracts/cart-events';
import { schemaDirectory } from '@diptych/contracts/published';
import { identityHeader } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import { append } from '@diptych/outbox/append';
import type { Emission } from '@diptych/outbox/emission';
import { afterEach, expect, test } from 'vitest';
import { RelayUnderTest } from './relay-under-test.ts';

let relay: RelayUnderTest;
afterEach(() => relay?.close());

/** A relay that streams, with these outboxes and what `sql` makes. */
async function streaming(outboxes: readonly object[], sql: string) {
  relay = await RelayUnderTest.create({ DIPTYCH_OUTBOXES: JSON.stringify(outboxes) });
  await relay.sql.query(sql);
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  return running;
}

const text = ({ value }: IncomingRecord) => value?.toString() ?? null;

/** What Kafka has of a record besides its place: the id and the identity are another's in each event. */
const published = ({ key, headers, ...record }: IncomingRecord) => ({
  key: String(key),
  value: text({ key, headers, ...record }),
  headers: [...headers].filter(([name]) => name !== 'id' && name !== identityHeader),
});

/** Takes anything: the bytes are what this is about. */
const contract = {
  Noted: { typeversion: 4, schema: { '~standard': { validate: (value: unknown) => ({ value }) } } },
};

const emissions: readonly Emission[] = [
  { tag: 'table', table: 'outbox' },
  { tag: 'delete', table: 'outbox' },
  { tag: 'message', name: 'sold' },
];

test('a kept row, a row deleted at once and a message give the same topic, key, headers and value bytes, once each', async () => {
  const heads = emissions.map(({ tag }) => `heads_${tag}`);
  const placement = { 'table.fields.additional.placement': 'aggregatetype:header:about,headers:header:all' };
  const router = { router: placement, headers: ['traceparent', 'actor'] };
  await streaming(
    [
      { table: 'public.outbox', ...router },
      { message: 'sold', ...router },
    ],
    heads
      .map(
        (name) =>
          `create table ${name} (aggregatetype text, aggregateid text, version bigint, primary key (aggregatetype, aggregateid));`,
      )
      .join('\n'),
  );
  const payloads = [{ b: [1.5, null], a: 'Ünï\n"x"\\' }, 'text', 9007199254740993n, {}, [true]];
  for (const [index, emission] of emissions.entries()) {
    await relay.sql.query('begin');
    const appended = await append(relay.sql, {
      aggregate: { type: 'note', id: 'é 1' },
      events: payloads.map((payload) => ({ type: 'Noted' as const, payload })),
      ...{ contract, emission, heads: heads[index] ?? '' },
      telling: { actor: 'Ann "A"', traceparent: '00-a-b-01', reason: 'because' },
    });
    expect(appended).toMatchObject({ ok: true, version: 5n });
    await relay.sql.query('commit');
  }
  await relay.caughtUp();
  const records = await relay.records(relay.domainTopic('note'));
  const ways = emissions.map((_, index) => records.slice(index * 5, index * 5 + 5).map(published));
  expect(records).toHaveLength(15);
  expect(ways[0]?.[0]).toEqual({
    key: 'é 1',
    value: '{"a": "Ünï\\n\\"x\\"\\\\", "b": [1.5, null]}',
    headers: [
      ['eventType', 'Noted'],
      ['eventVersion', '4'],
      ['aggregateVersion', '1'],
      ['traceparent', '00-a-b-01'],
      ['actor', 'Ann "A"'],
      ['about', 'note'],
      ['all', expect.stringContaining('"reason": "because"')],
    ],
  });
  expect(ways[0]?.map(({ value }) => value)).toContain('9007199254740993');
  expect(ways[1]).toEqual(ways[0]);
  expect(ways[2]).toEqual(ways[0]);
  expect(new Set(records.map(({ headers }) => headers.get('id'))).size).toBe(15);
  const { rows } = await relay.sql.query('select count(*)::int as kept from outbox');
  expect(rows).toEqual([{ kept: 5 }]);
  const ends = await relay.records(relay.transactionTopic);
  expect(ends.map((end) => JSON.parse(String(end.value)).domain_event_count)).toEqual([5, 5, 5]);
});

const ordersTable = `
  create table orders (event uuid primary key, kind text, about text, what text not null, data text, version int,
    somebooltype boolean, createdat timestamp, price numeric, p int, is_deleted boolean default false);
`;

const orders = {
  table: 'public.orders',
  router: {
    'table.field.event.id': 'event',
    'table.field.event.key': 'about',
    'table.field.event.type': 'what',
    'table.field.event.payload': 'data',
    'table.field.event.timestamp': 'createdat',
    'table.fields.additional.placement':
      'version:envelope,somebooltype:envelope:someBoolType,createdat:envelope:at,price:envelope,what:header:eventType,is_deleted:header,p:partition',
    'table.expand.json.payload': 'true',
    'route.by.field': 'kind',
  },
};

test('column names, routing, envelope, header, partition and timestamp are as they are set', async () => {
  const replacement = `t.${Date.now().toString(36)}.$1`;
  const router = {
    ...orders.router,
    'route.topic.regex': 'User(.*)',
    'route.topic.replacement': replacement,
  };
  await streaming([{ ...orders, router }], ordersTable);
  const insert = 'insert into orders values (gen_random_uuid(), $1, $2, $3, $4, 1, true, $5, 1.10, $6)';
  const at = '2019-03-24 20:52:59.123456';
  await relay.sql.query(insert, ['UserEmail', '7', 'Changed', '{"email": "a@b",  "was": null}', at, 5]);
  await relay.sql.query(insert, ['UserEmail', '7', 'Cleared', null, null, null]);
  await relay.sql.query(`update orders set is_deleted = true`);
  await relay.sql.query('delete from orders');
  await relay.sql.query('truncate orders');
  await relay.sql.query(insert, ['UserEmail', '7', 'Changed', 'no JSON', at, 5]);
  await relay.caughtUp();
  const records = await relay.records(replacement.replace('$1', 'Email'));
  const rest = '"version":1,"someBoolType":true,"at":"2019-03-24T20:52:59.123456Z","price":"1.10"';
  const byTime = records.filter(({ timestampMs }) => timestampMs === 1_553_460_779_123);
  expect(byTime.map(({ partition, key }) => [partition, String(key)])).toEqual([
    [5, '7'],
    [5, '7'],
  ]);
  expect(byTime.map(text)).toEqual([`{"payload":{"email":"a@b"},${rest}}`, `{"payload":"no JSON",${rest}}`]);
  expect(byTime[0]?.headers.get('eventType')).toBe('Changed');
  expect(byTime[0]?.headers.get('is_deleted')).toBe('false');
  const [cleared, ...more] = records.filter((record) => !byTime.includes(record));
  expect(more).toEqual([]);
  expect(cleared && text(cleared)).toBe(
    '{"payload":null,"version":1,"someBoolType":true,"at":null,"price":"1.10"}',
  );
  expect(Math.abs(Date.now() - (cleared?.timestampMs ?? 0))).toBeLessThan(600_000);
});

test('an update where that is fatal stops the relay', async () => {
  const router = { ...orders.router, 'table.op.invalid.behavior': 'fatal' };
  const running = await streaming([{ ...orders, router }], ordersTable);
  const insert = `insert into orders (event, kind, about, what, p) values (gen_random_uuid(), 'User', '7', 'Changed', $1)`;
  await relay.sql.query(insert, [0]);
  await relay.sql.query('update orders set about = 8');
  await expect(running.ended).rejects.toMatchObject({ code: 'outbox-operation-invalid' });
});

test('a partition that the topic has not stops the relay, with what it needs', async () => {
  const running = await streaming([orders], ordersTable);
  const insert = `insert into orders (event, kind, about, what, p) values (gen_random_uuid(), 'User', '7', 'Changed', $1)`;
  await relay.sql.query(insert, [6]);
  await expect(running.ended).rejects.toMatchObject({
    code: 'kafka-refused',
    message: expect.stringContaining('partition 6'),
    remedy: expect.stringContaining('at least 7 partitions'),
  });
});

test('one outbox stops the relay where others park', async () => {
  const strict = { table: 'public.strict', onPoison: 'stop' };
  const running = await streaming([strict], 'create table strict (like outbox including all)');
  const insert = (table: string) =>
    `insert into ${table} (id, aggregatetype, aggregateid, type, payload) values (gen_random_uuid(), $1, '7', 'A', '{}')`;
  await relay.sql.query(insert('outbox'), ['x'.repeat(300)]);
  await relay.sql.query("select pg_logical_emit_message(true, 'diptych.outbox:sold', 'no event')");
  await relay.caughtUp();
  expect(running.board.role).toBe('active');
  const parked = await relay.records(`${relay.configuration.prefix}.parked`);
  expect(parked.map(({ headers }) => headers.get('diptych-parked'))).toEqual([
    'topic-not-creatable',
    'outbox-row-malformed',
  ]);
  await relay.sql.query(insert('strict'), ['x'.repeat(300)]);
  await expect(running.ended).rejects.toMatchObject({ code: 'topic-not-creatable' });
});

test('a payload that its contract refuses is parked with its key; what is published has CloudEvents headers', async () => {
  const { CartOpened, CartAbandoned } = cartContract;
  await streaming(
    [
      {
        ...{ table: 'public.outbox', headers: ['traceparent', 'correlationId'] },
        contracts: { directory: schemaDirectory },
        cloudEvents: { source: '/shop', schemaBase: 'https://shop.example/' },
      },
      { message: 'whole', cloudEvents: { source: '/shop', mode: 'structured' } },
    ],
    '',
  );
  const insert = (type: string, key: string, payload: unknown) =>
    relay.sql.query(
      `insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)
       values (gen_random_uuid(), 'cart', $1, $2, $3, '{"correlationId": "visit-7"}')`,
      [key, type, JSON.stringify(payload)],
    );
  await insert('CartOpened', '101', CartOpened.versions[0]?.example);
  await insert('CartOpened', '102', { cartId: 'none' });
  await insert('CartAbandoned', '102', CartAbandoned.versions[0]?.example);
  await insert('CartGiftWrapped', '103', {});
  const head = {
    aggregatetype: 'whole',
    aggregateid: '7',
    aggregateversion: 1,
    type: 'Told',
    typeversion: 2,
  };
  const id = '59a42efd-b015-44a9-9dde-cb36d9002425';
  await relay.sql.query("select pg_logical_emit_message(true, 'diptych.outbox:whole', $1)", [
    `${JSON.stringify({ id, ...head, headers: null, occurredAt: '2026-01-01T00:00:00Z' })}\n{"n": 9007199254740993}`,
  ]);
  await relay.caughtUp();
  const [whole] = await relay.records(relay.domainTopic('whole'));
  expect(String(whole?.value)).toMatch(
    /^\{"specversion":"1.0","id":"59a42efd-[^}]*"type":"whole.Told.v2"[^}]*,"data":\{"n": 9007199254740993\}\}$/,
  );
  expect(whole?.headers.get('content-type')).toBe('application/cloudevents+json; charset=utf-8');
  const records = await relay.records(relay.domainTopic('cart'));
  expect(records.map(({ key }) => String(key))).toEqual(['101']);
  expect(Object.fromEntries(records[0]?.headers ?? [])).toMatchObject({
    ...{ ce_specversion: '1.0', ce_source: '/shop', ce_type: 'cart.CartOpened.v1', ce_subject: '101' },
    ...{
      ce_id: records[0]?.headers.get('id'),
      ce_correlationid: 'visit-7',
      'content-type': 'application/json',
    },
    ce_dataschema: 'https://shop.example/CartOpened.v1.json',
    ce_time: new Date(records[0]?.timestampMs ?? 0).toISOString(),
  });
  const parked = await relay.records(`${relay.configuration.prefix}.parked`);
  expect(parked.map(({ key, headers }) => `${String(key)} ${headers.get('diptych-parked')}`)).toEqual([
    '102 payload-refused',
    '102 behind-parked',
    '103 contract-unknown-version',
  ]);
});

test('where a refused payload stops the relay, nothing behind it is published', async () => {
  const running = await streaming(
    [{ table: 'public.outbox', onPoison: 'stop', contracts: { directory: schemaDirectory } }],
    '',
  );
  await relay.sql.query(`insert into outbox (id, aggregatetype, aggregateid, type, payload)
    values (gen_random_uuid(), 'cart', '101', 'CartOpened', '{}')`);
  await expect(running.ended).rejects.toMatchObject({ code: 'payload-refused' });
});

test('fields of payloads are hidden on both panels, in messages and snapshots; what cannot be masked is kept nowhere', async () => {
  relay = await RelayUnderTest.create({
    DIPTYCH_OUTBOX_PAYLOAD_DROP: 'cart:Opened:$.customer.iban',
    DIPTYCH_OUTBOX_PAYLOAD_HASH: '$..email',
    DIPTYCH_OUTBOX_PAYLOAD_HASH_SALT: 'pepper',
    DIPTYCH_CHANGE_EXCLUDE: 'drizzle.*',
    DIPTYCH_SNAPSHOT_TABLES: 'public.outbox',
    DIPTYCH_CHANGE_ON_POISON: 'park',
    DIPTYCH_SNAPSHOT_MODE: 'initial',
  });
  await relay.sql.query('alter table outbox alter payload type text, replica identity full');
  const insert = (type: string, key: string, payload: string) =>
    relay.sql.query(
      `insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', $1, $2, $3)`,
      [key, type, payload],
    );
  const payload = '{"n": 9007199254740993.10, "customer":{"email":"ann@secret", "iban": "DE-secret"} }';
  const hash = createHash('sha256').update('pepper').update('ann@secret').digest('hex');
  const hidden = `{"n": 9007199254740993.10, "customer":{"email":"${hash}"} }`;
  await insert('Opened', '100', payload);
  await relay.initialise();
  await relay.active(relay.start());
  await insert('Opened', '101', payload);
  await insert('Opened', '102', 'no JSON, secret');
  await relay.sql.query(`update outbox set aggregateversion = 2 where aggregateid = '101'`);
  await relay.sql.query(`delete from outbox where aggregateid = '101'`);
  const head = { id: '59a42efd-b015-44a9-9dde-cb36d9002425', aggregatetype: 'cart', aggregateid: '103' };
  await relay.sql.query("select pg_logical_emit_message(true, 'diptych.outbox:sold', $1)", [
    `${JSON.stringify({ ...head, type: 'Opened' })}\n${payload}`,
  ]);
  await relay.caughtUp();
  const events = await relay.records(relay.domainTopic('cart'));
  expect(events.map(({ key, value }) => `${String(key)} ${String(value)}`)).toEqual([
    `101 ${hidden}`,
    `103 ${hidden}`,
  ]);
  const changes = await relay.records(relay.topicOf('outbox'));
  const rows = changes.flatMap(({ value }) => {
    if (value === null) return [];
    const { op, before, after } = JSON.parse(String(value));
    return [[op, before?.payload ?? null, after?.payload ?? null]];
  });
  expect(new Set(rows.map((row) => JSON.stringify(row)))).toEqual(
    new Set(
      [
        ['c', null, hidden],
        ['d', hidden, null],
        ['r', null, hidden],
        ['u', hidden, hidden],
      ].map((row) => JSON.stringify(row)),
    ),
  );
  expect(rows).toHaveLength(4);
  const parked = await relay.records(`${relay.configuration.prefix}.parked`);
  expect(parked.map(({ headers }) => headers.get('diptych-parked'))).toEqual([
    'payload-not-maskable',
    'payload-not-maskable',
  ]);
  expect(parked.map(({ value }) => JSON.parse(String(value)).value)).toEqual([null, null]);
  for (const { value, headers } of [...events, ...changes, ...parked])
    expect(`${String(value)} ${JSON.stringify([...headers])}`).not.toContain('secret');
});
