/** One trace over the whole way, by the programs as they are started: cart service, relay, shipping. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { migrate } from '@diptych/cart-app/migrations';
import { readToEnd } from '@diptych/kafka/partition-reader';
import { poll } from '@diptych/runtime/poll';
import { testBrokers, testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import { NodeProcess } from '@diptych/testkit/node-process';
import { freePorts } from '@diptych/testkit/port';
import { RelayProcess } from '@diptych/testkit/relay-process';
import { Watchdog } from '@diptych/testkit/watchdog';
import { Client } from 'pg';
import { expect, test, vi } from 'vitest';

const timeoutMs = 120_000;

interface ReceivedSpan {
  readonly service: string | undefined;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

/** Takes OTLP as JSON. https://opentelemetry.io/docs/specs/otlp/#otlphttp */
async function startCollector() {
  const spans: ReceivedSpan[] = [];
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { resourceSpans } = JSON.parse(await text(request)) as {
      resourceSpans: {
        resource: { attributes: { key: string; value: { stringValue?: string } }[] };
        scopeSpans: { spans: ReceivedSpan[] }[];
      }[];
    };
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue;
      spans.push(...scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service }))));
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  };
  const server = createServer((request, response) => void receive(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { spans, url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

test('a request’s trace goes on in the outbox row, the record and its reader, and each of the three programs has its span', {
  timeout: 4 * timeoutMs,
}, async () => {
  const collector = await startCollector();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
  const directory = await mkdtemp(join(tmpdir(), 'diptych-trace-'));
  const watchdog = new Watchdog();
  const [cartDatabase, shippingDatabase] = [await testDatabase(), await testDatabase()];
  await migrate(cartDatabase.url);
  const [cartPort = 0, shippingPort = 0, relayPort = 0] = await freePorts(3);
  const prefix = testPrefix();
  const brokers = testBrokers();
  const topic = `${prefix}.outbox.event.cart`;
  const service = (app: string, environment: Record<string, string>) =>
    new NodeProcess({
      ...{ name: app, main: fileURLToPath(import.meta.resolve(`@diptych/${app}/main`)), args: [], watchdog },
      ...{ environment, logFile: join(directory, `${app}.log`) },
    });
  const cart = service('cart-app', { DATABASE_URL: cartDatabase.url, PORT: String(cartPort) });
  const shipping = service('shipping-app', {
    ...{ SHIPPING_DATABASE_URL: shippingDatabase.url, KAFKA_BROKERS: brokers.join(','), KAFKA_TOPIC: topic },
    ...{ KAFKA_GROUP: prefix, PORT: String(shippingPort) },
  });
  const relay = new RelayProcess({
    ...{ name: 'relay', logFile: join(directory, 'relay.log'), watchdog },
    settings: {
      ...{ DIPTYCH_DATABASE_URL: cartDatabase.url, DIPTYCH_KAFKA_BROKERS: brokers.join(',') },
      ...{ DIPTYCH_SLOT: prefix, DIPTYCH_PREFIX: prefix, DIPTYCH_HTTP_PORT: String(relayPort) },
      DIPTYCH_OUTBOX_TOPIC_PREFIX: `${prefix}.outbox.event.`,
    },
  });
  const sql = new Client({ connectionString: cartDatabase.url });
  try {
    await sql.connect();
    await relay.initialise();
    for (const program of [relay, cart, shipping]) program.start();
    await relay.ready({ timeoutMs });
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, 'diptych-actor': 'ann' };
    const post = async (path: string, body?: object) => {
      const json = body && { body: JSON.stringify(body) };
      const sent = body ? { ...headers, 'content-type': 'application/json' } : headers;
      const response = await fetch(`http://127.0.0.1:${cartPort}${path}`, {
        ...{ method: 'POST', headers: sent },
        ...json,
      });
      expect(response.status, await response.clone().text()).toBeLessThan(300);
      return response;
    };
    const isUp = () =>
      fetch(`http://127.0.0.1:${cartPort}/readyz`).then(
        ({ ok }) => ok || undefined,
        () => undefined,
      );
    await poll(isUp, { what: 'the cart service is ready', timeoutMs });
    const path = (await post('/carts')).headers.get('location') ?? '';
    await post(`${path}/items`, { sku: 'banana', quantity: 1 });
    await post(`${path}/checkout`);

    const spanOf = (of: string, name: string) =>
      poll(
        () =>
          collector.spans.find((one) => one.service === of && one.name === name && one.traceId === traceId),
        { what: `the span ${name} of ${of}`, timeoutMs },
      );
    const asked = await spanOf('cart', 'POST /carts/:id/checkout');
    expect(asked.parentSpanId).toBe('00f067aa0ba902b7');
    const traceparent = `00-${traceId}-${asked.spanId}-01`;
    const { rows } = await sql.query<{ told: string }>(
      `select headers ->> 'traceparent' as told from outbox where type = 'CartCheckedOut'`,
    );
    expect(rows).toEqual([{ told: traceparent }]);
    const handled = await spanOf('shipping', 'process CartCheckedOut');
    expect(handled.parentSpanId).toBe(asked.spanId);
    const records = await Array.fromAsync(readToEnd({ brokers, topics: [topic] }));
    const checkout = records.find((record) => record.headers.get('eventType') === 'CartCheckedOut');
    expect(checkout?.headers.get('traceparent')).toBe(traceparent);
    const published = () =>
      collector.spans.find(
        ({ service: of, name, parentSpanId }) =>
          of === 'diptych-relay' && name === `publish ${topic}` && parentSpanId === asked.spanId,
      );
    expect(await poll(published, { what: 'the span of the relay', timeoutMs })).toMatchObject({ traceId });
  } finally {
    vi.unstubAllEnvs();
    await sql.end();
    for (const program of [shipping, cart, relay]) await program.stop();
    for (const database of [cartDatabase, shippingDatabase]) await database.drop();
    collector.close();
    await watchdog.finish();
    await rm(directory, { recursive: true, force: true });
  }
});
