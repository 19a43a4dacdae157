/**
 * The promise that everything else stands on: whenever the relay is killed, both topics are complete, in order and
 * without a repeat after it was started again. The referee is the database, and a consumer that is not ours.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { compareReport } from '@diptych/compare-app/report';
import { testBrokers, testDatabase } from '@diptych/testkit/for-tests';
import kafkajs from 'kafkajs';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caughtUp } from './caught-up.ts';
import { firstShopper, randomShoppers } from './script.ts';
import { randomFrom } from './shopper.ts';
import { type System, startSystem, uniqueNames } from './system.ts';

const kills = 24;
const seed = Number(process.env.DIPTYCH_TEST_SEED ?? Date.now() % 1_000_000);

let system: System;
let maintenance: Awaited<ReturnType<typeof testDatabase>>;
beforeAll(async () => {
  maintenance = await testDatabase();
  const servers = { databaseUrl: maintenance.url, brokers: testBrokers() };
  system = await startSystem({ servers, names: uniqueNames(), say: () => {}, dropDatabases: true });
}, 240_000);
afterAll(async () => {
  await system.close();
  await maintenance.drop();
});

test(`a relay killed at ${kills} random moments leaves both topics complete and without a repeat (seed ${seed})`, {
  timeout: 240_000,
}, async () => {
  const random = randomFrom(seed);
  let shopping = true;
  const shoppers = (async () => {
    for (let round = 0; shopping; round += 1) {
      await randomShoppers({ cartUrl: system.cartUrl, count: 20, seed: seed + 1000 * round });
    }
  })();
  await firstShopper({ ...system, legacy: false });
  for (let kill = 0; kill < kills; kill += 1) {
    // Not a wait for anything: the random moment of the next kill, also before the relay streams again.
    await pause(random(1200));
    await system.relay.kill();
    system.relay.start();
  }
  shopping = false;
  await shoppers;
  await caughtUp({ databaseUrl: system.databaseUrl, slot: system.names.slot });

  const { prefix, domainPrefix } = system.names;
  const report = await compareReport({ brokers: system.brokers, prefix, domainPrefix });
  expect(report).toMatchObject({
    leaks: [],
    driftedCarts: [],
    unproven: [],
    incomplete: [],
    repeated: [],
    heldBack: 0,
  });

  const written = await outboxRows();
  expect(report.events).toBe(written.length);
  const topics = [`${domainPrefix}cart`, `${domainPrefix}es-cart`];
  const read = await readCommitted(topics, written.length);
  expect(read.map(({ id }) => id).toSorted()).toEqual(written.map(({ id }) => id).toSorted());
  expect(versionsByCart(read)).toEqual(versionsByCart(written));
  expect(written.length).toBeGreaterThan(kills);
});

interface Told {
  readonly id: string;
  readonly cart: string;
  readonly version: number;
}

async function outboxRows(): Promise<Told[]> {
  const client = new pg.Client({ connectionString: system.databaseUrl });
  await client.connect();
  const { rows } = await client.query<Told>(
    `select id::text, aggregatetype || ' ' || aggregateid as cart, aggregateversion::int as version from outbox
     order by 2, 3`,
  );
  await client.end();
  return rows;
}

/** Versions in the order in which they stand, cart by cart. */
function versionsByCart(told: readonly Told[]): Record<string, number[]> {
  const carts = Object.groupBy(told, ({ cart }) => cart);
  const entries = Object.entries(carts).map(
    ([cart, events = []]) => [cart, events.map(({ version }) => version)] as const,
  );
  return Object.fromEntries(entries.toSorted(([a], [b]) => a.localeCompare(b)));
}

/** Everything that kafkajs's read_committed consumer sees of the topics, in partition order, up to their ends. */
async function readCommitted(topics: string[], atLeast: number): Promise<Told[]> {
  const kafka = new kafkajs.Kafka({ brokers: [...system.brokers], logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `referee-${Date.now()}`, readUncommitted: false });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  const told: Told[] = [];
  const { promise: settled, resolve } = Promise.withResolvers<void>();
  let quiet: NodeJS.Timeout | undefined;
  await consumer.run({
    eachMessage: ({ topic, message }) => {
      const cart = `${topic.slice(system.names.domainPrefix.length)} ${String(message.key)}`;
      const header = (name: string) => String(message.headers?.[name]);
      told.push({ id: header('id'), cart, version: Number(header('aggregateVersion')) });
      clearTimeout(quiet);
      // Repeats would come after the last one that is owed, too: listen on for two quiet seconds.
      if (told.length >= atLeast) quiet = setTimeout(resolve, 2000);
      return Promise.resolve();
    },
  });
  await settled;
  await consumer.disconnect();
  return told;
}
