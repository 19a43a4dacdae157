/** Rebuilding by command while the carts are bought and read, with the service killed in the middle. */
import { fingerprint } from '@diptych/projection/fingerprint';
import { type Generation, readGenerations } from '@diptych/projection/generations';
import { testBrokers, testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import { freePorts } from '@diptych/testkit/port';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cartProjections } from './cart-projections.ts';
import { boughtEvents, boughtTotal, CartTopic, ServiceProcess, untilTrue } from './for-tests.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: pg.Pool;
let topic: CartTopic;
let processes: ServiceProcess[];
let url: string;
let settings: Record<string, string>;
let holder: pg.Client | undefined;

beforeEach(async () => {
  database = await testDatabase();
  pool = new pg.Pool({ connectionString: database.url });
  topic = new CartTopic(`${testPrefix()}.outbox.event.cart`);
  processes = [];
  const [port = 0] = await freePorts(1);
  url = `http://127.0.0.1:${port}`;
  settings = {
    PROJECTIONS_DATABASE_URL: database.url,
    KAFKA_BROKERS: testBrokers().join(','),
    KAFKA_TOPICS: topic.name,
    KAFKA_GROUP: topic.name,
    PORT: String(port),
  };
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') for (const { said } of processes) process.stderr.write(`${said}\n`);
  await Promise.all(processes.map((one) => one.end('SIGKILL')));
  await holder?.end();
  await topic.close();
  await pool.end();
  await database.drop();
});

function run(...args: readonly string[]): ServiceProcess {
  const one = new ServiceProcess(args, settings);
  processes.push(one);
  return one;
}

const rebuild = (name: string) => run('rebuild', name, '--url', url);

const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);

async function ask<T>(path: string): Promise<T> {
  const response = await fetch(`${url}${path}`);
  if (!response.ok) throw new Error(`${path} answers ${response.status}`);
  return (await response.json()) as T;
}

/** Of those that are bought: of the others it is seen how they get fuller and emptier. */
async function carts(): Promise<{ n: number; total: string }> {
  const { rows } = await pool.query<{ n: number; total: string }>(
    `select count(*)::int as n, coalesce(sum(total), 0)::text as total
     from projections.current_carts where status = 'checked-out'`,
  );
  return rows[0] ?? { n: 0, total: '0' };
}

const untilBought = (count: number) =>
  untilTrue(`${count} carts are bought`, async () => {
    const there = await carts().catch(() => ({ n: 0 }));
    return there.n === count;
  });

/** Reads over and over until it is stopped; whatever was less than the time before. */
function reader() {
  let isOver = false;
  const steps: string[] = [];
  let [reads, last] = [0, { n: 0, total: '0' }];
  const done = (async () => {
    while (!isOver) {
      const now = await carts();
      if (now.n < last.n || Number(now.total) < Number(last.total))
        steps.push(`${last.n} carts for ${last.total}, then ${now.n} for ${now.total}`);
      last = now;
      reads += 1;
    }
  })();
  done.catch(() => {});
  return {
    stop: async () => {
      isOver = true;
      await done;
      return { steps, reads };
    },
  };
}

async function generation(name: string, state: Generation['state']): Promise<Generation | undefined> {
  return (await readGenerations(pool)).find((one) => one.projection === name && one.state === state);
}

/**
 * Buys carts, ten at a time, until it is stopped; how many there are then. No faster than each generation keeps up with: of two
 * that get all the work that they can do, none catches up with the other.
 */
function shoppers(from: number) {
  let [isOver, next] = [false, from];
  const keptUp = async () => isOver || (await fewestSold().catch(() => 0)) >= next - 10;
  const done = (async () => {
    for (; !isOver; next += 10) {
      await topic.buy(range(next, 10));
      await untilTrue('what was bought before is shown', keptUp);
    }
  })();
  // Told by whoever stops it: a test that failed does not.
  done.catch(() => {});
  return {
    stop: async () => {
      isOver = true;
      await done;
      return next - 1;
    },
  };
}

test('a projection is rebuilt by command under load, killed in the middle, and no reader sees less than before', {
  timeout: 480_000,
}, async () => {
  await topic.create(3);
  for (let first = 1; first < 400; first += 100) await topic.buy(range(first, 100));
  const service = run();
  await untilBought(400);
  const shopping = shoppers(401);
  const reading = reader();

  // Who reads in a transaction keeps the view as it is: the rebuild comes to its end, and waits there.
  holder = new pg.Client({ connectionString: database.url });
  await holder.connect();
  await holder.query('begin');
  await holder.query('select count(*) from projections.current_carts');
  const command = rebuild('current_carts');
  await untilTrue('it is in the middle', async () => {
    const building = await generation('current_carts', 'building');
    if (!building) return false;
    const { rows } = await pool.query<{ n: number }>(
      'select coalesce(sum(next_offset), 0)::int as n from inbox_positions where consumer_group = $1',
      [building.group],
    );
    return (rows[0]?.n ?? 0) > 0;
  });
  const second = rebuild('current_carts');
  expect(await second.ended()).toBe(4);
  expect(second.said).toContain('It is being rebuilt already (projection-rebuild-refused)');
  expect(await service.end('SIGKILL')).toBe('SIGKILL');

  const before = await generation('current_carts', 'live');
  run();
  await untilTrue('it has caught up again, and waits for who reads', async () => {
    const status = await ask<{ rebuild: { passed: number; of: number } | null }>(
      '/projections/current_carts',
    ).catch(() => null);
    return status?.rebuild != null && status.rebuild.of - status.rebuild.passed < 100;
  });
  expect(await generation('current_carts', 'live')).toEqual(before);
  await holder.query('commit');
  expect(await command.ended()).toBe(0);
  expect(command.said).toMatch(/^current_carts is rebuilt: generation \d+ is live after [\d.]+ s\n$/);

  const count = await shopping.stop();
  await untilBought(count);
  const { steps, reads } = await reading.stop();
  expect(steps).toEqual([]);
  expect(reads).toBeGreaterThan(100);
  const live = await generation('current_carts', 'live');
  expect(live?.generation).toBeGreaterThan(before?.generation ?? Number.POSITIVE_INFINITY);
  expect((await carts()).total).toBe((count * Number(boughtTotal)).toFixed(2));

  // At the same position each rebuilt projection is equal to the one that it takes the place of.
  for (const { name } of cartProjections) await untilSold(name, count);
  const states = () => Promise.all(cartProjections.map(({ name }) => shown(name)));
  const [numbers, old] = [await Promise.all(cartProjections.map(({ name }) => number(name))), await states()];
  const commands = cartProjections.map(({ name }) => rebuild(name));
  expect(await Promise.all(commands.map((one) => one.ended()))).toEqual([0, 0, 0, 0]);
  expect(await states()).toEqual(old);
  const rebuilt = await Promise.all(cartProjections.map(({ name }) => number(name)));
  expect(rebuilt.every((one, index) => one > (numbers[index] ?? 0))).toBe(true);

  expect(await ask('/removed-before-checkout')).toMatchObject({
    products: [{ sku: 'apple', carts: count, pieces: count, worth: (count * 1.5).toFixed(2) }],
  });
  expect(await ask('/revenue/discounts')).toMatchObject({
    discounts: [{ code: 'two-bananas', carts: count }],
  });
  expect(await ask('/carts/1')).toMatchObject({
    cartId: 1,
    status: 'checked-out',
    totals: { total: boughtTotal },
  });
  await untilTrue('nothing is left of what was replaced', async () => {
    const { rows } = await pool.query<{ n: number }>(
      `select count(*)::int as n from pg_namespace where nspname like 'projection\\_%'`,
    );
    return rows[0]?.n === cartProjections.length && (await readGenerations(pool)).length === rows[0].n;
  });
});

async function number(name: string): Promise<number> {
  return (await ask<{ generation: number }>(`/projections/${name}`)).generation;
}

async function shown(name: string): Promise<string> {
  const live = await generation(name, 'live');
  if (!live) throw new Error(`${name} is not there`);
  return `${name}: ${await fingerprint(pool, live)}`;
}

/** Waits until a projection has had all events of so many bought carts. */
async function untilSold(name: string, count: number): Promise<void> {
  await untilTrue(`${name} has all of ${count} carts`, async () => {
    const live = await generation(name, 'live');
    return live !== undefined && (await sold(live)) === count;
  });
}

/** Of the generations of the carts, live or building, the one that is behind. */
async function fewestSold(): Promise<number> {
  const all = (await readGenerations(pool)).filter(
    ({ projection, state }) => projection === 'current_carts' && state !== 'retired',
  );
  return Math.min(...(await Promise.all(all.map(sold))));
}

/** Bought carts of which it has had all events. */
async function sold({ projection, generation: number }: Generation): Promise<number> {
  const heads = `projection_${projection}_${number}.aggregate_heads`;
  const { rows } = await pool.query<{ n: number }>(
    `select count(*)::int as n from ${heads} where version = ${boughtEvents}`,
  );
  return rows[0]?.n ?? 0;
}

test('the first question is answered when the topic comes to be; what cannot be asked is refused', {
  timeout: 240_000,
}, async () => {
  const service = run();
  const status = async (path: string, init?: RequestInit) =>
    (await fetch(`${url}${path}`, init).catch(() => null))?.status ?? 0;
  await untilTrue('it answers', async () => (await status('/healthz')) === 200);
  await untilTrue('it waits for the topic', async () => (await status('/readyz')) === 503);
  await topic.create(1);
  await topic.buy([101]);
  await untilTrue('it follows', async () => (await status('/readyz')) === 200);
  await untilBought(1);
  expect(await status('/abandoned-carts?olderThan=2h')).toBe(200);
  expect(
    await Promise.all(
      [
        '/abandoned-carts?olderThan=2',
        '/carts?limit=0',
        '/carts?kind=cart',
        '/carts/102',
        '/projections/none',
      ].map((path) => status(path)),
    ),
  ).toEqual([400, 400, 400, 404, 404]);
  expect(await status('/projections/none/rebuild', { method: 'POST' })).toBe(404);
  expect(await status('/projections/revenue/rebuild', { method: 'DELETE' })).toBe(404);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics.match(/^diptych_inbox_consuming\{group="[^"]+"\} 1$/gm)).toHaveLength(
    cartProjections.length,
  );
  const { group } = await ask<{ group: string }>('/projections/revenue');
  const command = run('inbox', group, 'parked', '--json');
  expect([await command.ended(), command.said]).toEqual([0, '[]\n']);
  expect(await service.end('SIGTERM')).toBe(0);
});
