/** For tests: a cart service on a fresh, migrated database, and the shortest way to talk to both. */
import { createLogger } from '@diptych/runtime/log';
import { testDatabase } from '@diptych/testkit/for-tests';
import { Client, type QueryResultRow } from 'pg';
import { migrate } from './migrations.ts';
import { startCart } from './server.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body, or undefined when it is not JSON. */
  readonly body: unknown;
}

export interface Asked {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string | Uint8Array;
  readonly headers?: Record<string, string>;
}

export interface CartUnderTest {
  readonly url: string;
  readonly databaseUrl: string;
  /** Asks with `POST /carts`, for instance. */
  ask(request: string, asked?: Asked): Promise<Answer>;
  /** Opens a cart and returns its path, `/carts/101`. */
  open(): Promise<string>;
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Everything that the service has written, to compare before and after. */
  written(): Promise<unknown>;
  close(): Promise<void>;
}

/** Starts one. `route` puts something between service and database, given the real URL. */
export async function cartUnderTest({
  route = (url) => Promise.resolve(url),
  log = [],
}: {
  route?: (databaseUrl: string) => Promise<string>;
  log?: string[];
} = {}): Promise<CartUnderTest> {
  const database = await testDatabase();
  await migrate(database.url);
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const destination = { write: (line: string) => void log.push(line) };
  const logger = createLogger('cart', { destination, level: 'info' });
  const service = await startCart({
    databaseUrl: await route(database.url),
    host: '127.0.0.1',
    port: 0,
    log: logger,
  });
  const query = async <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
    (await client.query<Row>(text, [...values])).rows;
  const ask = (request: string, asked?: Asked) => askAt(service.url, { request, ...asked });
  return {
    url: service.url,
    databaseUrl: database.url,
    ask,
    query,
    open: async () => (await ask('POST /carts')).headers.get('location') ?? '',
    written: () =>
      query(`select (select json_agg(t order by t::text) from carts t) as carts,
        (select json_agg(t order by t::text) from cart_items t) as items,
        (select json_agg(t order by t::text) from cart_discounts t) as discounts,
        (select json_agg(t order by t::text) from outbox t) as outbox,
        (select json_agg(t order by t::text) from outbox_heads t) as heads,
        (select json_agg(t order by t::text) from idempotency_keys t) as keys`),
    close: async () => {
      await service.close();
      await client.end();
      await database.drop();
    },
  };
}

async function askAt(
  url: string,
  { request, body, raw, headers }: Asked & { request: string },
): Promise<Answer> {
  const [method = '', path = ''] = request.split(' ');
  const sent = body === undefined ? raw : JSON.stringify(body);
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(sent === undefined ? {} : { body: sent }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
}
