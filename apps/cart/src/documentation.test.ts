import { createLogger } from '@diptych/runtime/log';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CartService, startCart } from './server.ts';

let service: CartService;

// The documentation needs no database: nothing listens on port 1.
beforeAll(async () => {
  const log = createLogger('cart', { level: 'silent' });
  service = await startCart({
    databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
    host: '127.0.0.1',
    port: 0,
    log,
  });
});
afterAll(() => service?.close());

interface Operation {
  readonly parameters?: { readonly name: string; readonly in: string }[];
  readonly requestBody?: unknown;
  readonly responses: Record<string, { readonly content?: Record<string, unknown> }>;
}

test('the OpenAPI document lists every endpoint, its headers, its bodies and its problems', async () => {
  const response = await fetch(`${service.url}/openapi.json`);
  const document = (await response.json()) as {
    openapi: string;
    paths: Record<string, Record<string, Operation>>;
  };
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(document.openapi).toBe('3.1.0');
  const ofCarts = [
    'DELETE /carts/{id}',
    'DELETE /carts/{id}/items/{sku}',
    'GET /carts/{id}',
    'GET /carts/{id}/history',
    'POST /carts',
    'POST /carts/{id}/checkout',
    'POST /carts/{id}/discounts',
    'POST /carts/{id}/items',
    'POST /carts/{id}/revert',
    'PUT /carts/{id}/items/{sku}',
  ];
  const both = ofCarts.flatMap((operation) => [operation, operation.replace(' /', ' /es/')]);
  expect(operations.toSorted()).toEqual([...both, 'GET /products'].toSorted());
  const reading = document.paths['/es/carts/{id}']?.get;
  expect(reading?.parameters?.map(({ name }) => name)).toEqual(['at', 'id']);
  const adding = document.paths['/carts/{id}/items']?.post;
  expect(
    adding?.parameters?.filter((parameter) => parameter.in === 'header').map(({ name }) => name),
  ).toEqual(['diptych-actor', 'idempotency-key', 'traceparent', 'if-match']);
  expect(JSON.stringify(adding?.requestBody)).toContain('"maximum":999');
  expect(Object.keys(adding?.responses['4XX']?.content ?? {})).toEqual(['application/problem+json']);
});

test('there is a page to try it, without any request elsewhere', async () => {
  const response = await fetch(`${service.url}/docs`);
  expect(response.status).toBe(200);
  const page = await response.text();
  expect(page).toContain('swagger-ui');
  expect(page).not.toMatch(/(src|href)="https?:/);
});

test('without its database the service runs and says that it is not ready', async () => {
  expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  const response = await fetch(`${service.url}/readyz`);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('1');
});

test('a port that is taken is said, with a way out', async () => {
  const port = Number(new URL(service.url).port);
  const log = createLogger('cart', { level: 'silent' });
  const second = startCart({
    databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
    host: '127.0.0.1',
    port,
    log,
  });
  await expect(second).rejects.toMatchObject({
    code: 'port-taken',
    message: expect.stringContaining(`127.0.0.1:${port}`),
    remedy: expect.stringContaining('PORT'),
  });
});
