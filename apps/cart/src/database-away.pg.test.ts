import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { poll } from '@diptych/runtime/poll';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CartUnderTest, cartUnderTest } from './cart-under-test.ts';

/** A way to the database that can be cut and mended: to the service the same as a server that goes and comes back. */
class Road {
  #server: Server | undefined;
  #port = 0;
  #target: { host: string; port: number } | undefined;
  readonly #sockets = new Set<Socket>();

  /** Leads to the server of the URL, and returns the URL that goes this way. */
  async to(databaseUrl: string): Promise<string> {
    const url = new URL(databaseUrl);
    this.#target = { host: url.hostname, port: Number(url.port || 5432) };
    await this.mend();
    url.host = `127.0.0.1:${this.#port}`;
    return url.toString();
  }

  async mend(): Promise<void> {
    const target = this.#target;
    if (!target) throw new Error('the road leads nowhere yet');
    this.#server = createServer((inner) => {
      const outer = connect(target);
      for (const socket of [inner, outer]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
      }
      inner.pipe(outer);
      outer.pipe(inner);
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (typeof address === 'object' && address) this.#port = address.port;
  }

  cut(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

const road = new Road();
const log: string[] = [];
let cart: CartUnderTest;

beforeAll(async () => {
  cart = await cartUnderTest({ log, route: (databaseUrl) => road.to(databaseUrl) });
});
afterAll(async () => {
  await cart?.close();
  road.cut();
});

const servesAgain = () =>
  poll(async () => ((await cart.ask('GET /readyz')).status === 200 ? true : undefined), {
    what: 'the service is ready again',
    timeoutMs: 10_000,
  });

test('while the database is away the service answers 503 with Retry-After, stays healthy, and recovers by itself', async () => {
  const path = await cart.open();
  road.cut();
  const requests = ['GET /readyz', 'GET /products', `GET ${path}`, 'POST /carts', `POST ${path}/checkout`];
  for (const request of requests) {
    const answer = await cart.ask(request);
    expect(answer).toMatchObject({ status: 503, body: { code: 'database-away', status: 503 } });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.text).not.toMatch(/ECONN|127\.0\.0\.1|postgres:/);
  }
  expect((await cart.ask('GET /healthz')).status).toBe(200);

  await road.mend();
  await servesAgain();
  expect((await cart.ask(`POST ${path}/items`, { body: { sku: 'banana' } })).status).toBe(200);
  expect(log.join('')).toContain('the database is away');
});

test('connections that the server ends, idle or waiting for a lock, do not end the service', async () => {
  const path = await cart.open();
  // Somebody else holds the cart, so commands hang in the middle of their transaction.
  await cart.query('begin');
  await cart.query('select from carts where id = $1 for update', [Number(path.split('/')[2])]);
  const hanging = Array.from({ length: 3 }, () =>
    cart.ask(`POST ${path}/items`, { body: { sku: 'banana' } }),
  );
  await poll(
    async () => {
      // Inside a transaction the server shows the activity of its first look, until told to look again.
      await cart.query('select pg_stat_clear_snapshot()');
      const waiting = await cart.query(
        `select from pg_stat_activity where application_name = 'diptych-cart' and wait_event_type = 'Lock'
           and datname = current_database()`,
      );
      return waiting.length === 3 ? true : undefined;
    },
    { what: 'three commands wait for the cart', timeoutMs: 10_000 },
  );
  await cart.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'diptych-cart' and datname = current_database()`,
  );
  for (const answer of await Promise.all(hanging)) expect(answer.status).toBe(503);
  await cart.query('commit');

  await servesAgain();
  expect((await cart.ask(`GET ${path}`)).body).toMatchObject({ version: 1, items: [] });
  expect((await cart.ask(`POST ${path}/items`, { body: { sku: 'banana' } })).status).toBe(200);
});

test('a command that is cut off in the middle leaves neither rows nor events', async () => {
  const path = await cart.open();
  const before = await cart.written();
  // The lock is on the outbox: the command has changed its rows already when it hangs.
  await cart.query('begin');
  await cart.query('lock table outbox in exclusive mode');
  const hanging = cart.ask(`POST ${path}/items`, { body: { sku: 'banana' } });
  await poll(
    async () => {
      const waiting = await cart.query(
        `select from pg_locks where relation = 'outbox'::regclass and not granted`,
      );
      return waiting.length > 0 ? true : undefined;
    },
    { what: 'the command waits for the outbox', timeoutMs: 10_000 },
  );
  road.cut();
  expect((await hanging).status).toBe(503);
  await cart.query('commit');
  await road.mend();
  await servesAgain();
  expect(await cart.written()).toEqual(before);
});
