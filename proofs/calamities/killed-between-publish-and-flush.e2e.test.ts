/**
 * Proves that the moment after Kafka's commit and before Postgres hears of it is harmless, and so is the moment before
 * Kafka's commit: the checkpoint decides, which is committed with the records.
 */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import type { RelayProcess } from '@diptych/testkit/relay-process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  brokerOf,
  createShop,
  expectAllOnce,
  hasRole,
  postgresOf,
  publishLast,
  Relays,
  slotNow,
  throughPort,
} from './shop-for-tests.ts';

let shop: RelayUnderTest;
let relays: Relays;
let links: { readonly kafka: FaultProxy; readonly postgres: FaultProxy };
let relay: RelayProcess;
beforeEach(async () => {
  shop = await createShop();
  await shop.initialise();
  relays = await Relays.of(shop);
  links = {
    kafka: await FaultProxy.openKafka(brokerOf(shop)),
    postgres: await FaultProxy.open(postgresOf(shop)),
  };
  const { url } = shop.configuration.database;
  relay = await relays.add('killed', {
    settings: {
      DIPTYCH_DATABASE_URL: throughPort(url, links.postgres.port),
      DIPTYCH_KAFKA_BROKERS: `127.0.0.1:${links.kafka.port}`,
    },
  });
  relay.start();
  await hasRole(relay, 'active');
  // The topic is made, and what follows is one Kafka transaction.
  await shop.sql.query('insert into carts (id) values (1)');
  await shop.caughtUp();
});
afterEach(async () => {
  await relays.close();
  await Promise.all([links.kafka.close(), links.postgres.close()]);
  await shop.close();
});

/** A row reaches the relay, which cannot publish it yet. */
async function receivesRow(id: number): Promise<void> {
  links.kafka.hold();
  await shop.sql.query('insert into carts (id) values ($1)', [id]);
  const { rows } = await shop.sql.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn');
  const sent = async () => {
    const { rowCount } = await shop.sql.query(
      `select from pg_stat_replication where application_name = $1 and sent_lsn >= $2`,
      [`diptych ${shop.configuration.slot}`, rows[0]?.lsn],
    );
    return rowCount === 1 || undefined;
  };
  await poll(sent, { what: 'the row is sent to the relay', timeoutMs: 30_000 });
  // What the server has sent stands in the relay when it has told it so: its report says what it received.
  const received = async () => {
    const { rowCount } = await shop.sql.query(
      `select from pg_stat_replication where application_name = $1 and write_lsn >= $2`,
      [`diptych ${shop.configuration.slot}`, rows[0]?.lsn],
    );
    return rowCount === 1 || undefined;
  };
  await poll(received, { what: 'the relay has received the row', timeoutMs: 30_000 });
}

const publishedRows = async () => (await shop.records(shop.topicOf('carts'))).length;

/** Killed; nothing of what the proxies still hold reaches anyone. Then it is started again and catches up. */
async function killAndRestart(): Promise<void> {
  await relay.kill();
  for (const link of [links.kafka, links.postgres]) {
    link.cut();
    link.release();
  }
  relay.start();
  await publishLast(shop);
}

test('killed after Kafka has committed and before Postgres knows, the relay repeats nothing', {
  timeout: 120_000,
}, async () => {
  await receivesRow(2);
  const { flushed } = await slotNow(shop);
  links.postgres.hold();
  links.kafka.release();
  await poll(async () => ((await publishedRows()) === 2 ? true : undefined), {
    what: 'Kafka has committed the row',
    timeoutMs: 30_000,
  });
  expect((await slotNow(shop)).flushed).toBe(flushed);
  await killAndRestart();
  await expectAllOnce(shop);
});

test('killed before Kafka has committed what Postgres has sent, the relay loses nothing', {
  timeout: 120_000,
}, async () => {
  await receivesRow(2);
  expect(await publishedRows()).toBe(1);
  await killAndRestart();
  await expectAllOnce(shop);
});
