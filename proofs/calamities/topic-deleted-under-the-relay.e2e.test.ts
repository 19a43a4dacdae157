/**
 * Proves what becomes of a topic that somebody deletes while the relay publishes to it: what stood in it is gone, by whoever
 * deleted it; the relay makes it anew, and everything that is committed afterwards is in it, once. It does not stop.
 */
import { withAdmin } from '@diptych/kafka/kafkajs-client';
import { askTopics } from '@diptych/kafka/topics';
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createShop, publishedIds } from './shop-for-tests.ts';

let shop: RelayUnderTest;
beforeEach(async () => {
  shop = await createShop();
  await shop.initialise();
});
afterEach(() => shop.close());

/** Gone, and seen to be gone. */
async function deleteTopic(topic: string): Promise<void> {
  const { brokers } = shop.configuration.kafka;
  const limits = { requestTimeoutMs: 10_000, limitMs: 30_000 };
  await withAdmin({ brokers, clientId: 'test', ...limits, what: 'deleting a topic' }, (admin) =>
    admin.deleteTopics({ topics: [topic] }),
  );
  await poll(async () => ((await askTopics({ brokers }, [topic])).has(topic) ? undefined : true), {
    what: `${topic} is gone`,
    timeoutMs: 30_000,
  });
}

/** A row and an event, in one transaction. */
async function write(id: number): Promise<void> {
  await shop.sql.query(`begin; insert into carts (id) values (${id});
    insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', '${id}', 'Opened', '{"id": ${id}}');
    commit`);
}

const eventIds = async () =>
  (await shop.records(shop.domainTopic('cart')))
    .map(({ value }) => Number(JSON.parse(String(value)).id))
    .toSorted((a, b) => a - b);
const endCount = async () => (await shop.records(shop.transactionTopic)).length;

test.each([
  { what: 'of a table', topic: () => shop.topicOf('carts'), left: { changes: 2, events: 3, ends: 3 } },
  { what: 'of events', topic: () => shop.domainTopic('cart'), left: { changes: 3, events: 2, ends: 3 } },
  { what: 'of transactions', topic: () => shop.transactionTopic, left: { changes: 3, events: 3, ends: 2 } },
])(
  'a topic $what that is deleted is made anew, and what is committed afterwards is there once',
  {
    timeout: 240_000,
  },
  async ({ topic, left }) => {
    const running = shop.start();
    await shop.active(running);
    await write(1);
    await shop.caughtUp();
    await deleteTopic(topic());
    await write(2);
    await write(3);
    // The client asks for the topic again and again, until the time of the Kafka transaction is over.
    await shop.caughtUp({ timeoutMs: 150_000 });
    await running.stop();
    const all = [1, 2, 3];
    expect(await publishedIds(shop)).toEqual(all.slice(-left.changes));
    expect(await eventIds()).toEqual(all.slice(-left.events));
    expect(await endCount()).toBe(left.ends);
  },
);
