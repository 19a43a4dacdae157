/** The options of Debezium's Outbox Event Router, each with the meaning that it has there. */
import { Decoder } from '@diptych/pgoutput/decoder';
import { encode, relationForTests, type Sent } from '@diptych/pgoutput/encode-for-tests';
import { Assembler } from '@diptych/transaction/assembler';
import type { PanelRecord } from '@diptych/transaction/panel-record';
import { expect, test, vi } from 'vitest';
import { OutboxRouter, type OutboxRouterOptions } from './route.ts';
import { defaultRouting, parsePlacements, type RouterOptions } from './router-options.ts';
import { topicRoute } from './topic-route.ts';

const row: Record<string, Sent> = {
  id: '59a42efd-b015-44a9-9dde-cb36d9002425',
  aggregatetype: 'User',
  aggregateid: '10711fa5',
  type: 'UserCreated',
  payload: '{"email": "gh@mefi.in", "age": 12345678901234567890, "gone": null, "list": [null]}',
};
const typeOids: Record<string, number> = { at: 1114, at_zone: 1184, version: 23, isactive: 16 };

type Build = (oid: number, values: readonly Sent[]) => Buffer;

/** Routes one change of a table with these columns; the column values are numbers, booleans or texts by their type. */
function change(values: Record<string, Sent>, build: Build = encode.insert) {
  const columns = Object.keys(values).map((name) => ({
    ...{ name, key: false, typeOid: typeOids[name] ?? 25, typeModifier: -1 },
  }));
  const relation = relationForTests({ table: 'outbox', columns });
  const decoder = new Decoder();
  const assembler = new Assembler();
  decoder.decode(encode.relation(relation));
  assembler.read(decoder.decode(encode.begin({ commitLsn: 1000n, commitTimeUs: 0n, xid: 757 })));
  const item = assembler.read(decoder.decode(build(relation.oid, Object.values(values))));
  if (item?.tag !== 'change') throw new Error('no change');
  return item;
}

function router(set: Partial<RouterOptions>, more: Partial<OutboxRouterOptions> = {}) {
  return new OutboxRouter({
    topics: { of: (_source, topic) => topic },
    options: { ...defaultRouting(), ...set },
    columnJson: ({ typeOid }, one, column) =>
      typeOid === 23 ? String(one.text(column)) : JSON.stringify(one.text(column)),
    ...more,
  });
}

function route(set: Partial<RouterOptions>, values: Record<string, Sent> = row): PanelRecord {
  const routed = router(set).route(change(values));
  if (!routed) throw new Error('no event');
  return routed.record;
}

const text = ({ value }: PanelRecord) => value?.toString() ?? null;

test('every column may have another name', () => {
  const values = { event: 'e1', kind: 'User', about: '7', what: 'UserCreated', data: '{}' };
  const columns = { id: 'event', key: 'about', type: 'what', payload: 'data', timestamp: null };
  expect(route({ columns, routeBy: 'kind' }, values)).toMatchObject({
    topic: 'outbox.event.User',
    key: Buffer.from('7'),
    value: Buffer.from('{}'),
    headers: [
      ['id', 'e1'],
      ['eventType', 'UserCreated'],
    ],
  });
});

test('a row is routed by the column that is named, and its value replaced', () => {
  const topic = topicRoute({ regex: 'User(.*)', replacement: 'people.$1' });
  expect(route({ routeBy: 'type', topic }).topic).toBe('people.Created');
});

test('two values that are routed to one topic share it, and an aggregate type keeps its own', () => {
  const sources: string[] = [];
  const topics = { of: (source: string, topic: string) => (sources.push(source) > 0 ? topic : '') };
  const topic = topicRoute({ regex: '.*', replacement: 'people' });
  const routing = { options: { ...defaultRouting(), topic }, topics };
  new OutboxRouter(routing).route(change(row));
  new OutboxRouter(routing).route(change({ ...row, aggregatetype: 'Address' }));
  new OutboxRouter({ topics }).route(change(row));
  expect(sources).toEqual(['outbox topic "people"', 'outbox topic "people"', 'aggregate type "User"']);
});

test('further columns become headers, in place of one of the same name; null has none', () => {
  const placements = parsePlacements(
    'type:header:eventType, tenant:header, version:header:v, nothing:header',
  );
  const record = route({ placements }, { ...row, tenant: 'a "b"', version: '3', nothing: null });
  expect(record.headers).toEqual([
    ['id', row.id],
    ['eventType', 'UserCreated'],
    ['tenant', 'a "b"'],
    ['v', '3'],
  ]);
});

test('further columns in an envelope have their types, and the payload is a text in it', () => {
  const placements = parsePlacements('type:envelope:eventType,version:envelope,nothing:envelope');
  const record = route({ placements }, { ...row, payload: '{"a": 1}', version: '3', nothing: null });
  expect(text(record)).toBe(
    '{"payload":"{\\"a\\": 1}","eventType":"UserCreated","version":3,"nothing":null}',
  );
});

test('an expanded payload is JSON without blanks and with every digit, members that are null left out or kept', () => {
  const expanded = '{"email":"gh@mefi.in","age":12345678901234567890,"gone":null,"list":[null]}';
  expect(text(route({ expandJson: { nulls: 'keep' } }))).toBe(expanded);
  expect(text(route({ expandJson: { nulls: 'ignore' } }))).toBe(expanded.replace('"gone":null,', ''));
  const placements = parsePlacements('type:envelope:t');
  expect(text(route({ expandJson: { nulls: 'keep' }, placements }))).toBe(
    `{"payload":${expanded},"t":"UserCreated"}`,
  );
});

test.each(['no json', '{"half": ', '12'])('a payload %s is not expanded but stays as it is', (payload) => {
  expect(text(route({ expandJson: { nulls: 'keep' } }, { ...row, payload }))).toBe(payload);
});

test('a null payload in an envelope is a value; where empty ones are tombstones it is none, nor are blanks', () => {
  const placements = parsePlacements('type:envelope:t');
  expect(text(route({ placements }, { ...row, payload: null }))).toBe('{"payload":null,"t":"UserCreated"}');
  for (const payload of [null, '', ' \n']) {
    const record = route({ placements, tombstoneOnEmpty: true }, { ...row, payload });
    expect([record.value, String(record.key), record.headers.length]).toEqual([null, '10711fa5', 2]);
  }
  expect(text(route({ tombstoneOnEmpty: true }, { ...row, payload: '0' }))).toBe('0');
});

test.each([
  ['at', '2019-03-24 20:52:59', 1_553_460_779_000],
  ['at', '2019-03-24 20:52:59.123456', 1_553_460_779_123],
  ['at_zone', '2019-03-24 20:52:59.1+00', 1_553_460_779_100],
  ['at', null, undefined],
])('the column %s with %s is the timestamp %s', (timestamp, value, ms) => {
  const columns = { ...defaultRouting().columns, timestamp };
  expect(route({ columns }, { ...row, [timestamp]: value }).timestampMs).toBe(ms);
});

test('a partition is the column’s, else the key’s', () => {
  const placements = parsePlacements('p:partition');
  expect(route({ placements }, { ...row, p: '123' }).partition).toBe(123);
  expect(route({ placements }, { ...row, p: null }).partition).toBeUndefined();
});

test.each<[string, Partial<RouterOptions>, Record<string, Sent>, string]>([
  ['a partition below zero', { placements: parsePlacements('p:partition') }, { p: '-1' }, 'p is no number'],
  [
    'a time beyond time',
    { columns: { ...defaultRouting().columns, timestamp: 'at' } },
    { at: 'infinity' },
    'at is no time',
  ],
  [
    'a time that is a text',
    { columns: { ...defaultRouting().columns, timestamp: 'type' } },
    {},
    'type is of neither',
  ],
  [
    'a key column that is not there',
    { columns: { ...defaultRouting().columns, key: 'nokey' } },
    {},
    'nokey is missing',
  ],
  [
    'a further column that is not there',
    { placements: parsePlacements('more:header') },
    {},
    'more is missing',
  ],
])('%s makes the row malformed', (_what, set, values, message) => {
  expect(() => route(set, { ...row, ...values })).toThrow(
    expect.objectContaining({
      code: 'outbox-row-malformed',
      message: expect.stringContaining(`column ${message}`),
    }),
  );
});

test('a further column that is not there is left out where that is allowed', () => {
  const placements = parsePlacements('more:header,less:envelope,none:partition');
  const record = route({ placements, missingColumns: 'ignore' });
  expect([record.headers.length, text(record), record.partition]).toEqual([
    2,
    JSON.stringify({ payload: row.payload }),
    undefined,
  ]);
});

test('an update is no event: it is told, or stops the relay', () => {
  const updated = change(row, (oid, after) => encode.update(oid, { after }));
  const onUpdate = vi.fn<NonNullable<OutboxRouterOptions['onUpdate']>>();
  for (const level of ['warn', 'error'] as const) {
    expect(router({ onUpdate: level }, { onUpdate }).route(updated)).toBeNull();
    expect(onUpdate).toHaveBeenLastCalledWith({ level, change: updated });
  }
  expect(() => router({ onUpdate: 'fatal' }).route(updated)).toThrow(
    expect.objectContaining({ code: 'outbox-operation-invalid' }),
  );
});

test('a column of headers gives those that are named', () => {
  const values = { ...row, headers: '{"actor": "ann", "correlationId": "v7", "other": 1}' };
  const record = route({ headers: ['correlationId', 'actor', 'absent'] }, values);
  expect(record.headers.slice(2)).toEqual([
    ['correlationId', 'v7'],
    ['actor', 'ann'],
  ]);
});

test.each([
  ['type', 'header, envelope or partition'],
  [':header', 'is not column:placement'],
  ['a:b:c:d', 'is not column:placement'],
  ['type:body', 'header, envelope or partition'],
  ['type:header:diptych-tx', "relay's own"],
  ['type:envelope:payload', 'payload has its place'],
  ['a:header:x,b:header:x', 'two for header x'],
  ['a:partition,b:partition', 'two for partition'],
])('the placement %s is refused', (given, message) => {
  expect(() => parsePlacements(given)).toThrow(message);
});
