/** The code of docs/projections.md, run; and what the runner does by itself. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cartContract } from '@diptych/contracts/cart-events';
import { listParked, release } from '@diptych/inbox/parked-events';
import { createPublisher } from '@diptych/kafka/create-publisher';
import { ensureTopics } from '@diptych/kafka/topics';
import { createLogger } from '@diptych/runtime/log';
import { poll } from '@diptych/runtime/poll';
import { testBrokers, testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fingerprint } from '../fingerprint.ts';
import { findGeneration } from '../generations.ts';
import type { Projection } from '../projection.ts';
import { connectionsOf, Projections } from '../projections.ts';
import { readStatus } from '../status.ts';
import { actors, followActors } from './actors-for-tests.ts';

const brokers = [...testBrokers()];
let database: Awaited<ReturnType<typeof testDatabase>>;
let pools: pg.Pool[];
let running: Projections<typeof cartContract>[];
let topic: string;
let publisher: ReturnType<typeof createPublisher>;

beforeEach(async () => {
  database = await testDatabase();
  [pools, running] = [[], []];
  topic = `${testPrefix()}.cart`;
  const options = { brokers, clientId: topic, transactionalId: topic };
  publisher = createPublisher('platformatic', {
    ...{ ...options, transactionTimeoutMs: 30_000, requestTimeoutMs: 10_000 },
  });
  await ensureTopics({ brokers, specs: [{ name: topic, partitions: 3, config: {} }] });
  await publisher.fence();
});
afterEach(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await publisher.close();
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});

/** A process of its own has a pool of its own. */
function openPool(): pg.Pool {
  const pool = new pg.Pool({ connectionString: database.url, max: connectionsOf(1) });
  pools.push(pool);
  return pool;
}

function follow(
  pool: pg.Pool,
  projection?: Projection<typeof cartContract>,
): Projections<typeof cartContract> {
  const one = projection
    ? new Projections({
        ...{ pool, brokers, topics: [topic], group: 'actors', contracts: cartContract },
        ...{ projections: [projection], log: createLogger('actors', { level: 'silent' }) },
      })
    : followActors({ pool, brokers, topics: [topic] });
  running.push(one);
  return one;
}

/** Carts that somebody opened. */
async function open(actor: string, cartIds: readonly number[]): Promise<void> {
  const [version] = cartContract.CartOpened.versions;
  await publisher.publish(
    cartIds.map((cartId) => ({
      topic,
      key: Buffer.from(String(cartId)),
      value: Buffer.from(JSON.stringify({ ...(version?.example as object), cartId, actor })),
      headers: [
        ['id', randomUUID()],
        ['eventType', 'CartOpened'],
        ['eventVersion', '1'],
        ['aggregateVersion', '1'],
      ] as const,
      timestampMs: 1_795_246_912_669,
    })),
  );
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

async function until<T>(what: string, ask: () => Promise<T>, wanted: T): Promise<void> {
  await poll(
    async () => (JSON.stringify(await ask().catch(() => null)) === JSON.stringify(wanted) ? true : undefined),
    { what, timeoutMs: 90_000 },
  );
}

test('the code of docs/projections.md is the code that runs here', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/projections.md'), 'utf8');
  const code = readFileSync(join(import.meta.dirname, 'actors-for-tests.ts'), 'utf8');
  expect(page).toContain(`\`\`\`ts\n${code}\`\`\``);
});

test('it is rebuilt on demand, given up, and by itself in a newer version; what it cannot apply keeps the old one live', {
  timeout: 240_000,
}, async () => {
  const pool = openPool();
  const events = async () =>
    (await pool.query('select actor, events::int from projections.actors order by 1')).rows;
  const first = follow(pool);
  const second = follow(openPool());
  await open('ann', range(1, 300));
  await until('all are counted', events, [{ actor: 'ann', events: 300 }]);
  const live = await findGeneration(pool, { projection: 'actors', state: 'live' });
  if (!live) throw new Error('none is live');
  const before = await fingerprint(pool, live);

  expect(await first.rebuild('nobody')).toEqual({ ok: false, reason: 'unknown' });
  const begun = await Promise.all([first.rebuild('actors'), second.rebuild('actors')]);
  expect(begun.filter(({ ok }) => ok)).toHaveLength(1);
  expect(begun.filter(({ ok }) => !ok)).toEqual([{ ok: false, reason: 'under-way' }]);
  const generationNow = async () => (await readStatus(pool, first))[0]?.generation;
  const rebuilt = begun.flatMap((one) => (one.ok ? [one.generation] : []))[0];
  await until('it is live', generationNow, rebuilt?.generation);
  if (!rebuilt) throw new Error('none was begun');
  expect(await fingerprint(pool, rebuilt)).toBe(before);
  expect(await first.cancel('actors')).toBe(false);

  // A newer service: it cannot apply one event, until it is mended.
  let isMended = false;
  const newer: Projection<typeof cartContract> = {
    ...actors,
    version: 2,
    schema: 'create table actors (actor text primary key, carts bigint not null, last text not null)',
    apply: async ({ aggregateId, payload: { actor, cartId } }, tx) => {
      if (cartId === 7 && !isMended) throw new Error('seven is too much');
      await tx.query(
        `insert into actors as before values ($1, 1, $2)
         on conflict (actor) do update set carts = before.carts + 1`,
        [actor, aggregateId],
      );
    },
  };
  const third = follow(openPool(), newer);
  const rebuild = async () => (await readStatus(pool, third))[0]?.rebuild;
  const parkedNow = async () => (await rebuild())?.parked;
  await until('it waits for a decision', parkedNow, 1);
  await open('bob', range(301, 10));
  await until('the old one goes on', events, [
    { actor: 'ann', events: 300 },
    { actor: 'bob', events: 10 },
  ]);
  expect(await second.cancel('actors')).toBe(true);
  await until('it begins anew', parkedNow, 1);
  expect(await generationNow()).toBe(rebuilt.generation);

  isMended = true;
  const building = await findGeneration(pool, { projection: 'actors', state: 'building' });
  const [parked] = await listParked(pool, { group: building?.group ?? '', limit: 10 });
  if (!parked || !building) throw new Error('nothing is parked');
  await release(pool, { group: building.group, id: parked.id });
  await until('the newer one is live', generationNow, building.generation);
  const carts = async () =>
    (await pool.query('select actor, carts::int from projections.actors order by 1')).rows;
  expect(await carts()).toEqual([
    { actor: 'ann', carts: 300 },
    { actor: 'bob', carts: 10 },
  ]);
  const kept = async () =>
    (await pool.query('select count(*)::int as n from projection_generations')).rows[0]?.n;
  await until('what was replaced is dropped', kept, 1);
  await open('cid', [400]);
  await until('it goes on', async () => (await carts()).length, 3);
});
