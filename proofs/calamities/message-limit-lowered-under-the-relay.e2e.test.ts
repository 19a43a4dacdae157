/**
 * Proves that a limit which somebody lowers while the relay runs costs no record: it had decided by the old limit what is too
 * large, Kafka refuses, and the next session decides by the new one. An event is parked with its reason, and its key waits; a
 * row stops the relay after everything before it, and is published as soon as the limit is raised again.
 */
import { withAdmin } from '@diptych/kafka/kafkajs-client';
import { ParkedTopic } from '@diptych/relay-app/parking/parked-topic';
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import type { Admin } from 'kafkajs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createShop, publishedIds } from './shop-for-tests.ts';

const loweredBytes = 4000;
const raisedBytes = 1_000_000;
const largeBytes = 20_000;
/** `ConfigResourceTypes.TOPIC` */
const topicResource = 2;
const setting = 'max.message.bytes';

let shop: RelayUnderTest;
beforeEach(async () => {
  // Nothing but Kafka's refusal tells the relay.
  shop = await createShop({ DIPTYCH_TIMING_PUBLICATION_CHECK_INTERVAL_MS: '3600000' });
  await shop.initialise();
});
afterEach(() => shop.close());

/** Until the broker says so itself. */
async function limit(topic: string, bytes: number): Promise<void> {
  const { brokers } = shop.configuration.kafka;
  const limits = { requestTimeoutMs: 10_000, limitMs: 30_000 };
  const resource = { type: topicResource, name: topic };
  const limited = async (admin: Admin) => {
    const { resources } = await admin.describeConfigs({
      resources: [{ ...resource, configNames: [setting] }],
      includeSynonyms: false,
    });
    return resources[0]?.configEntries[0]?.configValue === String(bytes) || undefined;
  };
  await withAdmin({ brokers, clientId: 'test', ...limits, what: 'changing a limit' }, async (admin) => {
    const configEntries = [{ name: setting, value: String(bytes) }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
    await poll(() => limited(admin), { what: `${setting} is ${bytes}`, timeoutMs: 20_000 });
  });
}

const tell = (key: string, text: string, bytes = 0) =>
  shop.sql.query(
    `insert into outbox (aggregatetype, aggregateid, type, payload)
     values ('cart', $1, 'Told', jsonb_build_object('text', $2::text, 'fill', repeat('x', $3)))`,
    [key, text, bytes],
  );

test('an event that Kafka refuses since then is parked with what follows of its key, and others flow', {
  timeout: 120_000,
}, async () => {
  const running = shop.start();
  await shop.active(running);
  await tell('a', 'before', largeBytes);
  await shop.caughtUp();
  await limit(shop.domainTopic('cart'), loweredBytes);
  await tell('a', 'too large', largeBytes);
  await tell('a', 'behind it');
  await tell('b', 'another key');
  await shop.caughtUp({ timeoutMs: 60_000 });
  await running.stop();
  const events = await shop.records(shop.domainTopic('cart'));
  const texts = new Set(events.map(({ value }) => JSON.parse(String(value)).text));
  expect(events).toHaveLength(2);
  expect(texts).toEqual(new Set(['before', 'another key']));
  const parked = await Array.fromAsync(new ParkedTopic(shop.configuration).items());
  expect(parked).toMatchObject([
    { item: { tag: 'parked', reason: 'record-too-large' } },
    { item: { tag: 'parked', reason: 'behind-parked' } },
  ]);
});

test('a row that Kafka refuses since then stops the relay after what came before it, and is published once when it may', {
  timeout: 120_000,
}, async () => {
  const running = shop.start();
  await shop.active(running);
  const insert = (id: number, bytes: number) =>
    shop.sql.query('insert into carts (id, note) values ($1, repeat($2, $3))', [id, 'x', bytes]);
  await insert(1, largeBytes);
  await shop.caughtUp();
  await limit(shop.topicOf('carts'), loweredBytes);
  await insert(2, 0);
  await insert(3, largeBytes);
  await insert(4, 0);
  await expect(running.ended).rejects.toMatchObject({ code: 'record-too-large' });
  expect(await publishedIds(shop)).toEqual([1, 2]);
  await limit(shop.topicOf('carts'), raisedBytes);
  const again = shop.start();
  await shop.active(again);
  await shop.caughtUp({ timeoutMs: 60_000 });
  await again.stop();
  expect(await publishedIds(shop)).toEqual([1, 2, 3, 4]);
});
