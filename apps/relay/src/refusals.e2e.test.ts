/** What the relay must not paper over: each is refused with its code. Slots and publications that were lost: proofs/calamities. */
import { OperatingError } from '@diptych/runtime/failure';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RelayUnderTest, type RunningRelay } from './relay-under-test.ts';

let relay: RelayUnderTest;
beforeEach(async () => {
  relay = await RelayUnderTest.create();
});
afterEach(() => relay.close());

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing was refused',
    (error: unknown) => (error instanceof OperatingError ? error.code : String(error)),
  );

/** The relay has run, published one row, and stopped. */
async function hasRun(): Promise<void> {
  await relay.initialise();
  const running = relay.start();
  await publishRow(running, 1);
  await running.stop();
}

async function publishRow(running: RunningRelay, id: number): Promise<void> {
  await relay.active(running);
  await relay.sql.query('insert into carts (id) values ($1)', [id]);
  await relay.caughtUp();
}

const keys = async () =>
  (await relay.records(relay.topicOf('carts'))).map((record) => String(record.key)).toSorted();

test('without init there is no slot to stream from', async () => {
  expect(await codeOf(relay.start().ended)).toBe('slot-missing');
});

test('init is idempotent, and adds a table that came later', async () => {
  await relay.initialise();
  await relay.sql.query('create table later (id int primary key)');
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  await relay.sql.query('insert into later values (1)');
  await relay.caughtUp();
  expect(await relay.records(relay.topicOf('later'))).toHaveLength(1);
  await running.stop();
});

test('a table without usable replica identity is refused before anything is touched', async () => {
  await relay.sql.query('create table keyless (id int)');
  expect(await codeOf(relay.initialise())).toBe('replica-identity-unusable');
  const { rows } = await relay.sql.query(
    'select from pg_publication union all select from pg_replication_slots where database = current_database()',
  );
  expect(rows).toHaveLength(0);
  await relay.sql.query('insert into keyless values (1); update keyless set id = 2');
});

test('a table that is taken out of the publication is refused, a dropped one is not', async () => {
  await relay.sql.query('create table passing (id int primary key)');
  await hasRun();
  await relay.sql.query('drop table passing');
  const running = relay.start();
  await publishRow(running, 2);
  await running.stop();
  await relay.sql.query(`alter publication ${relay.configuration.change.publication} drop table carts`);
  expect(await codeOf(relay.start().ended)).toBe('publication-changed');
});

test.each([
  ['sends fewer operations', (name: string) => `alter publication ${name} set (publish = 'insert')`],
  [
    'shows partitions as their root',
    (name: string) => `alter publication ${name} set (publish_via_partition_root = true)`,
  ],
  ['has a row filter', (name: string) => `alter publication ${name} set table carts where (id < 0)`],
  [
    'lost a table and got it back',
    (name: string) => `alter publication ${name} drop table carts; alter publication ${name} add table carts`,
  ],
])('a publication that %s stops the relay while it streams', async (_what, change) => {
  await relay.close();
  relay = await RelayUnderTest.create({ DIPTYCH_TIMING_PUBLICATION_CHECK_INTERVAL_MS: '100' });
  await relay.initialise();
  const running = relay.start();
  await publishRow(running, 1);
  await relay.sql.query(change(relay.configuration.change.publication));
  expect(await codeOf(running.ended)).toBe('publication-changed');
});

test('an outbox row that cannot be routed stops the relay, and nothing of its transaction is published, with the policy stop', async () => {
  await relay.close();
  relay = await RelayUnderTest.create({ DIPTYCH_OUTBOX_ON_POISON: 'stop' });
  await relay.initialise();
  const running = relay.start();
  await publishRow(running, 1);
  await relay.sql.query('alter table outbox alter column aggregateid drop not null');
  await relay.sql.query(`begin; insert into carts (id) values (2);
    insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', null, 'Broken', '{}'); commit`);
  expect(await codeOf(running.ended)).toBe('outbox-row-malformed');
  expect(await keys()).toEqual(['{"id":1}']);
});

test('a record that no topic takes stops the relay before anything of its batch is sent', async () => {
  await relay.initialise();
  const running = relay.start();
  await publishRow(running, 1);
  await relay.sql.query(`insert into carts (id, note) values (2, repeat('x', 2000000))`);
  expect(await codeOf(running.ended)).toBe('record-too-large');
  expect(await keys()).toEqual(['{"id":1}']);
});
