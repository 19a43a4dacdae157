/** A database of the encoding SQL_ASCII takes whatever bytes somebody writes; JSON is UTF-8. */
import { testBrokers, testDatabase } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { RelayUnderTest } from '../relay-under-test.ts';

let relay: RelayUnderTest;
afterEach(() => relay?.close());

/** The database of a test, beside it one that checks no texts. */
async function uncheckedDatabase(): Promise<Awaited<ReturnType<typeof testDatabase>>> {
  const beside = await testDatabase();
  const client = new pg.Client({ connectionString: beside.url });
  await client.connect();
  const url = new URL(beside.url);
  const name = `${url.pathname.slice(1)}_ascii`;
  await client.query(`create database "${name}" encoding 'SQL_ASCII' locale 'C' template template0`);
  url.pathname = `/${name}`;
  const drop = async () => {
    await client.query(
      'select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = $1',
      [name],
    );
    await client.query(`drop database "${name}" with (force)`);
    await client.end();
    await beside.drop();
  };
  return { url: url.href, drop };
}

test('a text that is no UTF-8 is parked with its column, and what stands around it is published', async () => {
  relay = await RelayUnderTest.create(
    { DIPTYCH_CHANGE_ON_POISON: 'park' },
    { database: uncheckedDatabase, brokers: testBrokers() },
  );
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  await relay.sql.query(`insert into carts (id, note) values (1, 'žš'), (2, E'a\\xff'), (3, null)`);
  await relay.caughtUp();
  const published = await relay.records(relay.topicOf('carts'));
  expect(published.map(({ value }) => JSON.parse(String(value)).after)).toEqual([
    { id: 1, status: 'open', note: 'žš' },
    { id: 3, status: 'open', note: null },
  ]);
  const parked = await relay.records(`${relay.configuration.prefix}.parked`);
  expect(parked.map(({ key, headers }) => [String(key), headers.get('diptych-parked')])).toEqual([
    ['{"id":2}', 'value-not-representable'],
  ]);
  expect(parked[0]?.headers.get('diptych-parked-detail')).toContain('public.carts.note');
});
