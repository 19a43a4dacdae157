/** What is decided of a poisoned record while it is made, and what END says of its transaction. */
import type { Admission } from '@diptych/delivery/protocol';
import { MessageLimits } from '@diptych/kafka/message-limits';
import { encode, relationForTests } from '@diptych/pgoutput/encode-for-tests';
import { createLogger } from '@diptych/runtime/log';
import { formatLsnSortable, lsn } from '@diptych/wal/lsn';
import { expect, test } from 'vitest';
import { readConfiguration } from '../configuration.ts';
import { Panels, type PublishedRecord } from '../panels.ts';
import { ParkedKeys } from './parked-keys.ts';
import { comesAgain, parkedId, sha256 } from './parked-record.ts';
import { Poison } from './poison.ts';

const text = (name: string, key = false) => ({ name, key, typeOid: 25, typeModifier: -1 });
const carts = relationForTests({ oid: 1, table: 'carts', columns: [text('id', true), text('note')] });
const outbox = relationForTests({
  oid: 2,
  table: 'outbox',
  columns: ['id', 'aggregatetype', 'aggregateid', 'type', 'payload'].map((name) => text(name, name === 'id')),
});
const commitTimeUs = 1_795_246_912_669_491n;
const large = 'x'.repeat(3000);

interface Session {
  readonly keys?: ParkedKeys;
  readonly decided?: readonly string[];
  readonly repeated?: readonly string[];
  readonly environment?: Record<`DIPTYCH_${string}`, string>;
}

/** Reads transactions of rows, each an insert, as one session does; the records of each transaction, END last. */
function session({ keys = new ParkedKeys(10), decided = [], repeated = [], environment = {} }: Session = {}) {
  const configuration = readConfiguration({
    file: undefined,
    environment: { DIPTYCH_DATABASE_URL: 'postgres://h/d', DIPTYCH_KAFKA_BROKERS: 'h:1', ...environment },
  });
  const log = createLogger('poison', { level: 'silent' });
  const poison = new Poison({
    configuration,
    limits: new MessageLimits(new Map([['diptych.parked', 1_000_000]]), 2000),
    keys,
    decided: new Set(decided),
    repeated: new Set(repeated),
    parkedTopic: 'diptych.parked',
    log,
  });
  const panels = new Panels({
    configuration,
    poison,
    log,
    source: { systemId: '1', database: 'shop', timeline: 1, history: [] },
    described: { primaryKeys: new Map(), types: { rows: [], moneyDigits: 2, areTextsChecked: true } },
    changeTables: new Set(['public.carts']),
  });
  const read = (bytes: Buffer, admission: Admission): readonly PublishedRecord[] => {
    const events = panels.read({ bytes, start: 0, end: bytes.length, position: lsn(1n) }, () => admission);
    return events.flatMap((event) => ('records' in event ? event.records : []));
  };
  for (const relation of [carts, outbox]) read(encode.relation(relation), { tag: 'take' });
  return (commit: bigint, rows: readonly Buffer[], admission: Admission = { tag: 'take' }) => [
    ...read(encode.begin({ commitLsn: commit, commitTimeUs, xid: 757 }), admission),
    ...rows.flatMap((row) => read(row, admission)),
    ...read(encode.commit({ commitLsn: commit, commitEndLsn: commit + 48n, commitTimeUs }), admission),
  ];
}

const event = (key: string | null, payload: string, type: string | null = 'cart') =>
  encode.insert(outbox.oid, ['a', type, key, 'Noted', payload]);
const cart = (id: string, note: string) => encode.insert(carts.oid, [id, note]);

const fates = (records: readonly PublishedRecord[]) =>
  records
    .filter((record) => record.panel !== 'transaction')
    .map(({ panel, headers }) => (panel === 'parked' ? headers[1]?.[1] : panel));
const end = (records: readonly PublishedRecord[]): unknown => JSON.parse(String(records.at(-1)?.value));

test('behind a parked record its key waits, in later transactions too; other keys and other topics do not', () => {
  const read = session();
  expect(fates(read(10n, [event('1', '{}'), event('1', large), event('1', '{}'), event('2', '{}')]))).toEqual(
    ['domain', 'record-too-large', 'behind-parked', 'domain'],
  );
  expect(fates(read(70n, [event('1', '{}'), event('1', '{}', 'order')]))).toEqual([
    'behind-parked',
    'domain',
  ]);
});

test('a row without a key or a topic parks alone', () => {
  const read = session();
  expect(fates(read(10n, [event(null, '{}'), event('1', '{}', null), event('1', '{}')]))).toEqual([
    'outbox-row-malformed',
    'outbox-row-malformed',
    'domain',
  ]);
});

test('END counts what is published and what is parked, each once', () => {
  const read = session({ environment: { DIPTYCH_CHANGE_ON_POISON: 'park' } });
  const records = read(10n, [event('1', large), event('2', '{}'), cart('1', large), cart('2', 'small')]);
  expect(end(records)).toMatchObject({
    event_count: 1,
    data_collections: [{ data_collection: 'public.carts', event_count: 1 }],
    domain_event_count: 1,
    parked_count: 2,
  });
  expect(JSON.parse(String(records[3]?.value))).toMatchObject({ transaction: { total_order: 2 } });
});

test('what was decided before a restart is not decided again, whatever the limits and keys are now', () => {
  const rows = [event('1', '{}'), event('1', large), event('1', '{}'), event('1', '{}')];
  const first = session()(0x10n, rows);
  const parked = first
    .filter(({ panel }) => panel === 'parked')
    .map(({ headers }) => parkedId(headers[0]?.[1] ?? ''));
  expect(parked.map((id) => id.slice(-3))).toEqual(['2-0', '3-0', '4-0'].map((id) => id));
  // Of four messages three are in Kafka: the parked key is known from there, also to the first message.
  const keys = new ParkedKeys(10);
  const topic = 'outbox.event.cart';
  for (const id of parked.slice(0, 2))
    keys.add({ topic, key: Buffer.from('1'), id, offset: 0n, pending: null });
  const again = session({ keys, decided: parked.slice(0, 2) })(0x10n, rows, { tag: 'resume', seq: 3 });
  expect(fates(again)[3]).toBe('behind-parked');
  expect(end(again)).toEqual(end(first));
  expect(end(again)).toMatchObject({ domain_event_count: 1, parked_count: 3 });
});

test('what was parked after the checkpoint is parked again where it stood, and what stood before it is not', () => {
  const rows = [event('1', '{}'), event('1', '{}'), event('1', '{}')];
  const keys = new ParkedKeys(10);
  const repeated = [parkedId('1-0000000000000010-757-2-0-1')];
  const records = session({ keys, repeated })(0x10n, rows);
  expect(fates(records).slice(0, 3)).toEqual(['domain', 'behind-parked', 'behind-parked']);
  expect(end(records)).toMatchObject({ domain_event_count: 1, parked_count: 2 });
});

test('a checkpoint tells what comes again: what is behind it, and of a divided transaction its rest', () => {
  const source = { timeline: 1, history: [] };
  const progress = { lsn: lsn(10n), part: { lsn: lsn(20n), seq: 3 }, reportedLsn: lsn(15n) };
  const again = (commit: bigint, ordinal: number) =>
    comesAgain(`1-${formatLsnSortable(lsn(commit))}-757-${ordinal}-0-1`, { progress, source });
  expect([again(10n, 9), again(12n, 1), again(20n, 3), again(20n, 4), again(30n, 1)]).toEqual([
    false,
    false,
    false,
    true,
    true,
  ]);
});

test('what a promoted server never had does not come again, whatever stands there at its LSN', () => {
  const source = { timeline: 2, history: [{ timeline: 1, switchLsn: lsn(20n) }] };
  const progress = { lsn: lsn(10n), part: null, reportedLsn: lsn(15n) };
  const again = (timeline: number, commit: bigint) =>
    comesAgain(`${timeline}-${formatLsnSortable(lsn(commit))}-757-1-0-1`, { progress, source });
  expect([again(1, 19n), again(1, 20n), again(2, 20n)]).toEqual([true, false, true]);
});

test('a record that is parked twice waits once', () => {
  const keys = new ParkedKeys(10);
  const add = (id: string, offset: bigint) =>
    keys.add({ topic: 't', key: Buffer.from('1'), id, offset, pending: null });
  add('a', 1n);
  add('b', 2n);
  add('a', 3n);
  expect(keys.find('a')?.waiting.map(({ id, offset }) => [id, offset])).toEqual([
    ['a', 1n],
    ['b', 2n],
  ]);
});

test('with the policy stop a row that cannot be routed is thrown, and so is what is too large', () => {
  const read = session({ environment: { DIPTYCH_OUTBOX_ON_POISON: 'stop' } });
  expect(() => read(10n, [event('1', large)])).toThrow(expect.objectContaining({ code: 'record-too-large' }));
  const another = session({ environment: { DIPTYCH_OUTBOX_ON_POISON: 'stop' } });
  expect(() => another(70n, [event(null, '{}')])).toThrow(
    expect.objectContaining({ code: 'outbox-row-malformed' }),
  );
});

test('a row beyond rowBytesMax is kept by size and hash only, and its key waits; with the policy stop it is thrown', () => {
  const limit = { DIPTYCH_LIMITS_ROW_BYTES_MAX: '100' };
  const row = cart('1', 'x'.repeat(200));
  const read = session({ environment: { ...limit, DIPTYCH_CHANGE_ON_POISON: 'park' } });
  const records = read(10n, [
    row,
    cart('1', 'small'),
    cart('2', 'small'),
    event('3', `"${'y'.repeat(200)}"`),
  ]);
  expect(fates(records)).toEqual(['row-too-large', 'behind-parked', 'change', 'row-too-large']);
  const parked = (index: number): unknown => JSON.parse(String(records[index]?.value));
  const key = '{"id":"1"}';
  expect(parked(0)).toMatchObject({ key, bytes: row.length, sha256: sha256(row), value: null });
  // A payload of up to 256 KiB is kept as ever.
  const payload = Buffer.from(`"${'y'.repeat(200)}"`);
  expect(parked(3)).toMatchObject({ key: '3', bytes: payload.length, sha256: sha256(payload) });
  expect(end(records)).toMatchObject({ event_count: 1, domain_event_count: 0, parked_count: 3 });
  expect(() => session({ environment: limit })(10n, [row])).toThrow(
    expect.objectContaining({ code: 'row-too-large', retry: 'operator' }),
  );
});

test('a name that collides is parked, and the topic that has the name goes on', () => {
  const read = session();
  expect(
    fates(read(10n, [event('1', '{}', 'a.b'), event('2', '{}', 'a_b'), event('1', '{}', 'a.b')])),
  ).toEqual(['domain', 'topic-name-collision', 'domain']);
});

test('more keys than the bound, or far more records, are refused', () => {
  const keys = new ParkedKeys(2);
  const add = (id: string, key: string) =>
    keys.add({ id, topic: 't', key: Buffer.from(key), offset: null, pending: null });
  for (let index = 0; index < 39; index += 1) add(String(index), 'a');
  add('b', 'b');
  expect(() => add('c', 'c')).toThrow(expect.objectContaining({ code: 'parked-keys-exhausted' }));
  expect(() => add('d', 'a')).toThrow(expect.objectContaining({ code: 'parked-keys-exhausted' }));
});
