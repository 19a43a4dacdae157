/**
 * Proves that back-pressure is no fault: Kafka hangs for three times `wal_sender_timeout` while far more is written than
 * the queue takes. The one session lives on, because the timer reports also while the socket is paused; the server is
 * held back by TCP, so that neither side grows; and everything is published afterwards.
 */
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { brokerOf, createShop, hasRole, publishedIds, Relays, slotNow } from './shop-for-tests.ts';

const walSenderTimeoutMs = 3000;
const batchBytesMax = 256 * 1024;
const queueBytesMax = 1024 * 1024;
const transactions = 480;
const rowsInEach = 100;
const rowBytes = 1000;
const rows = transactions * rowsInEach;
/** What stands in sockets and in the server's own buffer besides the queue: loopback sockets grow to a few MiB. */
const onTheWayBytesMax = 12 * 1024 * 1024;
/** A heap that is collected late (some 20 MB), not what was written. */
const growthBytesMax = (rows * rowBytes) / 2 + queueBytesMax;

let shop: RelayUnderTest;
let relays: Relays;
let kafka: FaultProxy;
beforeEach(async () => {
  shop = await createShop();
  await shop.initialise();
  relays = await Relays.of(shop);
  kafka = await FaultProxy.openKafka(brokerOf(shop));
});
afterEach(async () => {
  await relays.close();
  await kafka.close();
  await shop.close();
});

interface Sender {
  /** Bytes of WAL that were sent since the outage began. */
  readonly sentBytes: number;
  /** Since the relay's last report reached the server. */
  readonly silentMs: number;
  /** Since the outage began. */
  readonly elapsedMs: number;
}

async function sender(since: { lsn: string; at: Date }): Promise<Sender> {
  const { rows: found } = await shop.sql.query<Sender>(
    `select pg_wal_lsn_diff(sent_lsn, $2)::float8 as "sentBytes",
       extract(epoch from clock_timestamp() - reply_time)::float8 * 1000 as "silentMs",
       extract(epoch from clock_timestamp() - $3)::float8 * 1000 as "elapsedMs"
     from pg_stat_replication where application_name = $1`,
    [`diptych ${shop.configuration.slot}`, since.lsn, since.at],
  );
  expect(found, 'the walsender is there').toHaveLength(1);
  return found[0] as Sender;
}

test('Kafka hanging for three times wal_sender_timeout costs neither the session nor a record, and nothing grows', {
  timeout: 240_000,
}, async () => {
  const relay = await relays.add('pressed', {
    settings: {
      DIPTYCH_KAFKA_BROKERS: `127.0.0.1:${kafka.port}`,
      DIPTYCH_TIMING_WAL_SENDER_TIMEOUT_MS: String(walSenderTimeoutMs),
      DIPTYCH_TIMING_STATUS_INTERVAL_MS: '500',
      DIPTYCH_TIMING_PUBLISH_TIMEOUT_MS: '120000',
      DIPTYCH_LIMITS_BATCH_BYTES_MAX: String(batchBytesMax),
      DIPTYCH_LIMITS_QUEUE_BYTES_MAX: String(queueBytesMax),
    },
  });
  relay.start();
  await hasRole(relay, 'active');
  await shop.sql.query('insert into carts (id) values (0)');
  await shop.caughtUp();
  const { holder } = await slotNow(shop);
  await relay.samplePeak();
  const peakBefore = relay.peakRssBytes;

  kafka.hold();
  const { rows: began } = await shop.sql.query<{ lsn: string; at: Date }>(
    'select pg_current_wal_insert_lsn() as lsn, clock_timestamp() as at',
  );
  const since = began[0] as { lsn: string; at: Date };
  // Transactions, because the server says of one how far it has read, not how far it has sent.
  await shop.sql.query(`do $$ begin for n in 0..${transactions - 1} loop
    insert into carts (id, note) select n * ${rowsInEach} + i, repeat('x', ${rowBytes})
      from generate_series(1, ${rowsInEach}) i;
    commit; end loop; end $$`);
  await poll(
    async () => {
      const { sentBytes, silentMs, elapsedMs } = await sender(since);
      expect(sentBytes).toBeLessThan(onTheWayBytesMax);
      expect(silentMs).toBeLessThan(walSenderTimeoutMs);
      return elapsedMs > 3 * walSenderTimeoutMs || undefined;
    },
    { what: 'the outage has lasted', timeoutMs: 60_000, intervalMs: 250 },
  );
  await relay.samplePeak();
  expect(relay.peakRssBytes - peakBefore).toBeLessThan(growthBytesMax);

  kafka.release();
  await shop.caughtUp({ timeoutMs: 120_000 });
  expect((await slotNow(shop)).holder).toBe(holder);
  expect(await publishedIds(shop)).toEqual(Array.from({ length: rows + 1 }, (_, id) => id));
});
