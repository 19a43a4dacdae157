/** Each test is one calamity: whatever happens to consumer, database or topic, each checked-out cart is shipped once. */
import { testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  CartTopic,
  checkout,
  count,
  query,
  shippedCarts,
  startForTests,
  untilReadyz,
  untilShipped,
  untilTrue,
} from './for-tests.ts';
import type { ShippingService } from './server.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let topic: CartTopic;
let groupId: string;
let services: ShippingService[];

beforeEach(async () => {
  database = await testDatabase();
  groupId = testPrefix();
  topic = new CartTopic(`${groupId}.outbox.event.cart`);
  services = [];
});

afterEach(async () => {
  await Promise.all(services.map((service) => service.close()));
  await topic.close();
  await database.drop();
});

async function start(group = groupId): Promise<ShippingService> {
  const service = await startForTests({ databaseUrl: database.url, groupId: group, topic: topic.name });
  services.push(service);
  return service;
}

async function end(service: ShippingService): Promise<void> {
  services = services.filter((one) => one !== service);
  await service.close();
}

const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from + index);
const checkouts = (cartIds: readonly number[]) => cartIds.map((cartId) => ({ cartId }));

test('a checked-out cart is shipped and shown; what else happens to carts is passed over', async () => {
  await topic.create(1);
  const service = await start();
  const [cartId, totals] = [101, checkout(101).totals];
  await topic.publish([
    { cartId, type: 'CartOpened', payload: { cartId, actor: 'customer', totals } },
    { cartId },
    {
      cartId: 102,
      type: 'CartAbandoned',
      payload: { cartId: 102, actor: 'customer', totals, lines: [], discounts: [] },
    },
    { cartId: 103 },
  ]);
  await untilShipped(service.url, [101, 103]);
  await untilReadyz(service.url, { status: 200 });

  const shown = await fetch(`${service.url}/shipments/101`);
  expect(await shown.json()).toMatchObject({ cartId: 101, total: '3.90', lines: checkout(101).lines });
  const page = await fetch(`${service.url}/shipments?after=101&limit=1`);
  expect(await page.json()).toMatchObject({ shipments: [{ cartId: 103 }], next: 103 });
  const statuses = [
    '/shipments/102',
    '/shipments/abc',
    '/shipments?limit=0',
    '/shipments?page=2',
    '/healthz',
  ];
  const answers = await Promise.all(statuses.map((path) => fetch(`${service.url}${path}`)));
  expect(answers.map(({ status }) => status)).toEqual([404, 400, 400, 400, 200]);
  expect(await count(service, 'passed-over')).toBe(2);
});

test('restarting, and replaying the whole topic, ships nothing twice', async () => {
  await topic.create(1);
  await topic.publish(checkouts(range(101, 20)));
  const first = await start();
  await untilShipped(first.url, range(101, 20));
  await end(first);

  const restarted = await start();
  await topic.publish(checkouts([201]));
  await untilShipped(restarted.url, [...range(101, 20), 201]);
  expect([await count(restarted, 'handled'), await count(restarted, 'repeated')]).toEqual([1, 0]);
  await end(restarted);

  const replaying = await start(`${groupId}-anew`);
  await untilTrue('the topic is replayed', async () => (await count(replaying, 'repeated')) === 21);
  expect(await count(replaying, 'handled')).toBe(0);
  expect(await shippedCarts(replaying.url)).toEqual([...range(101, 20), 201]);
});

test('two consumers that get the same events at once ship each cart once', async () => {
  await topic.create(6);
  const carts = range(101, 200);
  await topic.publish(checkouts(carts));
  const [one, other] = await Promise.all([start(`${groupId}-one`), start(`${groupId}-other`)]);
  const handled = async (service: ShippingService) =>
    (await count(service, 'handled')) + (await count(service, 'repeated'));
  await untilTrue(
    'both got all events',
    async () => (await handled(one)) === 200 && (await handled(other)) === 200,
  );
  expect((await count(one, 'handled')) + (await count(other, 'handled'))).toBe(200);
  expect(await shippedCarts(one.url)).toEqual(carts);
});

test('a member that joins the group, and one that leaves it, lose no cart and ship none twice', async () => {
  await topic.create(6);
  const stays = await start();
  await topic.publish(checkouts(range(101, 50)));
  const joins = await start();
  await topic.publish(checkouts(range(151, 50)));
  await untilReadyz(joins.url, { status: 200 });
  await end(joins);
  await topic.publish(checkouts(range(201, 50)));
  await untilShipped(stays.url, range(101, 150));
  expect(await count(stays, 'repeated')).toBe(0);
});

test('while the database is away nothing is lost, the service says so, and it recovers by itself', async () => {
  await topic.create(1);
  const elsewhere = await testDatabase();
  const name = pg.escapeIdentifier(new URL(database.url).pathname.slice(1));
  const service = await start();
  await topic.publish(checkouts(range(101, 10)));
  await untilShipped(service.url, range(101, 10));

  await query(elsewhere.url, `alter database ${name} allow_connections false`);
  const sessions = `select pid from pg_stat_activity where datname = ${pg.escapeLiteral(name.slice(1, -1))}`;
  await query(elsewhere.url, `select pg_terminate_backend(pid, 5000) from (${sessions})`);
  await topic.publish(checkouts(range(111, 10)));
  await untilReadyz(service.url, { status: 503, detail: 'waiting: inbox-database-away' });
  const refused = await fetch(`${service.url}/shipments`);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  expect((await fetch(`${service.url}/healthz`)).status).toBe(200);

  await query(elsewhere.url, `alter database ${name} allow_connections true`);
  await untilShipped(service.url, range(101, 20));
  await untilReadyz(service.url, { status: 200 });
  expect([await count(service, 'handled'), await count(service, 'repeated')]).toEqual([20, 0]);
  await elsewhere.drop();
});

test('sessions that the server ends again and again lose no cart and ship none twice', async () => {
  await topic.create(1);
  const elsewhere = await testDatabase();
  const service = await start();
  await topic.publish(checkouts(range(101, 100)));
  const name = pg.escapeLiteral(new URL(database.url).pathname.slice(1));
  const consumers = `select pid from pg_stat_activity where datname = ${name} and application_name = 'diptych-shipping'`;
  let shipped = 0;
  await untilTrue('all are shipped', async () => {
    const [row] = await query<{ n: number }>(database.url, 'select count(*)::int as n from shipments').catch(
      () => [],
    );
    // Each time that it got on.
    if (row && row.n > shipped)
      await query(elsewhere.url, `select pg_terminate_backend(pid) from (${consumers})`);
    shipped = row?.n ?? shipped;
    return shipped >= 100;
  });
  await untilReadyz(service.url, { status: 200 });
  expect(await shippedCarts(service.url)).toEqual(range(101, 100));
  await elsewhere.drop();
});

test.each([
  { what: 'malformed', event: { payload: { cartId: 102 } }, reason: 'event-malformed' },
  { what: 'of an unknown version', event: { version: 2 }, reason: 'contract-unknown-version' },
])('an event that is $what is parked, and the other carts are shipped', async ({ event, reason }) => {
  await topic.create(1);
  await topic.publish([{ cartId: 101 }, { cartId: 102, ...event }, { cartId: 103 }]);
  const service = await start();
  await untilShipped(service.url, [101, 103]);
  await untilReadyz(service.url, { status: 200 });
  expect(await query(database.url, 'select reason from inbox_parked')).toEqual([{ reason }]);
});

test('a service that starts before its database and its topic waits for both, and then ships', async () => {
  const name = pg.escapeIdentifier(new URL(database.url).pathname.slice(1));
  const elsewhere = await testDatabase();
  await query(elsewhere.url, `alter database ${name} allow_connections false`);
  const service = await start();
  await untilReadyz(service.url, { status: 503, detail: 'waiting: inbox-database-away' });
  await query(elsewhere.url, `alter database ${name} allow_connections true`);
  await untilReadyz(service.url, { status: 503, detail: 'waiting: kafka' });
  await topic.create(6);
  await topic.publish(checkouts(range(101, 5)));
  await untilShipped(service.url, range(101, 5));
  await untilReadyz(service.url, { status: 200 });
  expect(await count(service, 'handled')).toBe(5);
  await elsewhere.drop();
});
