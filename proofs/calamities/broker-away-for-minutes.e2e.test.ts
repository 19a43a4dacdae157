/**
 * Proves that a broker which is slow, and then away, for longer than a minute costs nothing but time, with a
 * `wal_sender_timeout` of 3 s. The one session lives on, however much waits, the relay does not grow, and everything arrives
 * once.
 */

import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import { parseAddress } from '@diptych/testkit/port';
import type { RelayProcess } from '@diptych/testkit/relay-process';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type OwnStack, startOwnStack } from './own-stack-for-tests.ts';
import { createShop, expectAllOnce, hasRole, keepWriting, Relays, slotNow } from './shop-for-tests.ts';

const slowForMs = 45_000;
const awayForMs = 95_000;
/** Each way: a commit takes about a second, far slower than what is written. */
const delayMs = 150;
const walSenderTimeoutMs = 3000;
const queueBytesMax = 1024 * 1024;
const filledRows = 5000;
/** A heap that is collected late. What waits while the broker is slow is 80 MB. */
const growthBytesMax = 64 * 1024 * 1024;

let own: OwnStack;
beforeAll(async () => {
  own = await startOwnStack();
}, 120_000);
afterAll(() => own?.stack.stop());

let shop: RelayUnderTest;
let relays: Relays;
let kafka: FaultProxy;
beforeEach(async () => {
  shop = await createShop({}, own.servers);
  await shop.initialise();
  relays = await Relays.of(shop);
  kafka = await FaultProxy.openKafka(present(parseAddress(own.stack.brokers[0] ?? ''), 'the broker'));
});
afterEach(async () => {
  await relays.close();
  await kafka.close();
  await shop.close();
});

async function startRelay(): Promise<RelayProcess> {
  const relay = await relays.add('patient', {
    settings: {
      DIPTYCH_KAFKA_BROKERS: `127.0.0.1:${kafka.port}`,
      DIPTYCH_TIMING_WAL_SENDER_TIMEOUT_MS: String(walSenderTimeoutMs),
      DIPTYCH_TIMING_STATUS_INTERVAL_MS: '500',
      DIPTYCH_LIMITS_BATCH_BYTES_MAX: String(queueBytesMax / 4),
      DIPTYCH_LIMITS_QUEUE_BYTES_MAX: String(queueBytesMax),
    },
  });
  relay.start();
  await hasRole(relay, 'active');
  await shop.sql.query('insert into carts (id) values (0)');
  await shop.caughtUp();
  return relay;
}

/** For so long, looking at `look` four times a second. */
async function during(forMs: number, look: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  await poll(
    async () => {
      await look();
      return performance.now() - startedAt > forMs || undefined;
    },
    { what: 'the time is over', timeoutMs: forMs + 60_000, intervalMs: 250 },
  );
}

/** So many rows at once, each of so many times 32 bytes. */
async function fill({ from, times }: { from: number; times: number }): Promise<void> {
  await shop.sql.query(`insert into carts (id, note)
    select -g, repeat(md5(g::text), ${times}) from generate_series(${from}, ${from} + ${filledRows - 1}) g`);
}

test('a slow broker costs neither the session nor memory', { timeout: 300_000 }, async () => {
  const relay = await startRelay();
  await fill({ from: 1, times: 100 });
  await shop.caughtUp();
  const load = keepWriting(shop.configuration.database.url);
  await relay.samplePeak();
  const peakBefore = relay.peakRssBytes;
  const { holder } = await slotNow(shop);
  kafka.slow(delayMs);
  await fill({ from: 1 + filledRows, times: 500 });
  await during(slowForMs, async () => expect((await slotNow(shop)).holder).toBe(holder));
  await relay.samplePeak();
  expect(relay.peakRssBytes - peakBefore).toBeLessThan(growthBytesMax);
  kafka.slow(0);
  const committed = await load.stop();
  await shop.caughtUp({ timeoutMs: 120_000 });
  expect((await slotNow(shop)).holder).toBe(holder);
  await expectAllOnce(shop, committed);
});

test('a broker that is away for more than a minute costs neither the session nor memory', {
  timeout: 300_000,
}, async () => {
  const relay = await startRelay();
  await fill({ from: 1, times: 100 });
  await shop.caughtUp();
  await relay.samplePeak();
  const peakBefore = relay.peakRssBytes;
  const { pid } = relay;
  await own.stack.kafka.stop();
  const { flushed, holder } = await slotNow(shop);
  const load = keepWriting(shop.configuration.database.url);
  await during(awayForMs, async () => expect(await slotNow(shop)).toMatchObject({ flushed, holder }));
  await relay.samplePeak();
  expect(relay.peakRssBytes - peakBefore).toBeLessThan(growthBytesMax);
  await own.stack.kafka.start();
  const committed = await load.stop();
  await shop.caughtUp({ timeoutMs: 120_000 });
  expect(relay.pid).toBe(pid);
  expect((await slotNow(shop)).holder).toBe(holder);
  await expectAllOnce(shop, committed);
});
