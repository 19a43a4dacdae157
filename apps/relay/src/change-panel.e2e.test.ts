/** The change panel with Debezium's defaults, on real servers: BEGIN, logical messages, types that come while streaming. */
import { parseIdentity } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RelayUnderTest } from './relay-under-test.ts';

let relay: RelayUnderTest;

beforeAll(async () => {
  relay = await RelayUnderTest.create({
    DIPTYCH_CHANGE_COMPAT: 'debezium',
    DIPTYCH_CHANGE_ON_POISON: 'park',
    DIPTYCH_CHANGE_COLUMNS_EXCLUDE: 'public.carts.note',
  });
  await relay.sql.query('create table sums (id int primary key, worth numeric)');
  await relay.initialise();
});

afterAll(() => relay.close());

const parsed = (record: IncomingRecord | undefined) => JSON.parse(String(record?.value));

async function records(topic: string): Promise<readonly IncomingRecord[]> {
  return await relay.records(`${relay.configuration.prefix}.${topic}`);
}

test('each transaction begins and ends in the transaction topic, and its messages count', async () => {
  const running = relay.start();
  await relay.sql.query(`begin; select pg_logical_emit_message(true, 'foo', 'bar'); insert into carts values (1);
    select pg_logical_emit_message(true, 'diptych.context', '{}'); commit`);
  await relay.caughtUp();
  await running.stop();
  const [begin, end] = await records('transaction');
  const { id } = parsed(begin);
  expect(parsed(begin)).toMatchObject({ status: 'BEGIN', event_count: null });
  expect(parseIdentity(begin?.headers.get('diptych-tx') ?? '')).toMatchObject({ ordinal: 0, part: 0 });
  expect(parsed(end)).toMatchObject({ status: 'END', id, event_count: 2 });
  const [message] = await records('message');
  expect(parsed(message)).toMatchObject({ op: 'm', transaction: { id, total_order: 1 } });
  const [cart] = await records('public.carts');
  expect(parsed(cart).after).toEqual({ id: 1, status: 'open' });
  expect(parsed(cart).transaction).toEqual({ id, total_order: 2, data_collection_order: 1 });
});

test('a message outside every transaction is there once, whenever the relay was stopped', async () => {
  for (const number of [1, 2, 3]) {
    await relay.sql.query(`select pg_logical_emit_message(false, 'loose', $1)`, [`${number}`]);
    const running = relay.start();
    await relay.sql.query(`select pg_logical_emit_message(false, 'loose', $1)`, [`${number}b`]);
    await relay.sql.query('update carts set status = status');
    await relay.caughtUp();
    await running.stop();
  }
  const loose = (await records('message')).map(parsed).filter(({ message }) => message.prefix === 'loose');
  const contents = loose.map(({ message }) => String(Buffer.from(message.content, 'base64')));
  expect(contents).toEqual(['1', '1b', '2', '2b', '3', '3b']);
  expect(loose[0]).toMatchObject({ transaction: null, source: { txId: null, schema: '', table: '' } });
});

test('a type that is made while the relay runs, altered and dropped, is known as of each change', async () => {
  const running = relay.start();
  await relay.sql.query(`create domain small as numeric(4, 1); create type mood as enum ('sad');
    alter table carts add worth small, add moods mood[]; insert into carts values (2, 'open', null, 1.5, '{sad}')`);
  await relay.sql.query(`alter type mood add value 'ok'`);
  await relay.sql.query(`insert into carts values (3, 'open', null, 2, '{ok,sad}')`);
  await relay.caughtUp();
  await running.stop();
  // Dropped before anybody read them: the stream still names what they were over.
  await relay.sql.query(`insert into carts values (4, 'open', null, 3, '{ok}')`);
  await relay.sql.query('alter table carts drop worth, drop moods; drop type mood; drop domain small');
  const again = relay.start();
  await relay.caughtUp();
  await again.stop();
  const after = (await records('public.carts'))
    .map((record) => parsed(record).after)
    .filter(({ id }) => id > 1);
  const sorted = after.toSorted((one, other) => one.id - other.id);
  expect(sorted.slice(0, 2)).toEqual([
    { id: 2, status: 'open', worth: 'Dw==', moods: ['sad'] },
    { id: 3, status: 'open', worth: 'FA==', moods: ['ok', 'sad'] },
  ]);
  expect(sorted[2]).toMatchObject({ id: 4, worth: { scale: 0, value: 'Aw==' } });
});

test('a value without a form is parked with its texts, its key waits behind it, and the rest goes on', async () => {
  const running = relay.start();
  await relay.sql.query(`insert into sums values (1, 1), (2, 'NaN'), (3, 3)`);
  await relay.sql.query(`begin; update sums set worth = 'Infinity' where id = 1; update sums set worth = 2 where id = 2;
    delete from sums where id = 3; insert into sums values (4, 4); commit`);
  await relay.caughtUp();
  await running.stop();
  const ops = (await records('public.sums')).map((record) => {
    const { op, before, after } = parsed(record) ?? { op: '-' };
    return `${op} ${(after ?? before)?.id ?? ''}`;
  });
  expect(ops.toSorted()).toEqual(['- ', 'c 1', 'c 3', 'c 4', 'd 3']);
  const parked = (await records('parked')).map(parsed);
  expect(parked.map(({ panel, reason, key }) => [panel, reason, key])).toEqual([
    ['change', 'value-not-representable', '{"id":2}'],
    ['change', 'value-not-representable', '{"id":1}'],
    ['change', 'behind-parked', '{"id":2}'],
  ]);
  expect(String(Buffer.from(parked[0].value, 'base64'))).toContain('"after":{"id":"2","worth":"NaN"}');
  const ends = (await records('transaction')).map(parsed).filter(({ status }) => status === 'END');
  expect(ends.slice(-2).map(({ event_count, parked_count }) => [event_count, parked_count])).toEqual([
    [2, 1],
    [2, 2],
  ]);
});
