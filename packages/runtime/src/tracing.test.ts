import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createLogger } from './log.ts';
import { poll } from './poll.ts';
import { openTracer, parseTraceparent } from './tracing.ts';

const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const said: string[] = [];
const log = createLogger('test', { level: 'warn', destination: { write: (line) => void said.push(line) } });
const open = (environment: NodeJS.ProcessEnv) => openTracer({ service: 'shop', environment, log });

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server = undefined;
});

test.each([
  [{}],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4318', OTEL_SDK_DISABLED: 'true' }],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4318', OTEL_TRACES_EXPORTER: 'none' }],
])('without an endpoint no span is made, and what came is handed on: %o', async (environment) => {
  const tracer = await open(environment);
  expect(tracer.isOn).toBe(false);
  const span = tracer.start({ name: 'x', kind: 'server', parent });
  span.end();
  expect(span.traceparent).toBe(parent);
  await tracer.close();
});

test.each([
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['OTEL_TRACES_EXPORTER', 'zipkin'],
  ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4317'],
])('what is asked for and not done here is refused by its variable: %s=%s', async (variable, value) => {
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4318', [variable]: value };
  await expect(open(environment)).rejects.toMatchObject({
    code: 'configuration-invalid',
    message: expect.stringContaining(variable),
  });
});

test.each([
  [parent, true],
  ['01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00', true],
  ['ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', false],
  ['00-00000000000000000000000000000000-00f067aa0ba902b7-01', false],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01', false],
  ['00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01', false],
  ['', false],
])('a trace context counts when it is well-formed: %s', (text, isOne) => {
  expect(parseTraceparent(text) !== undefined).toBe(isOne);
});

test('a trace that was not to be recorded stays so, and one whose collector is away costs a line of the log', async () => {
  const requests: string[] = [];
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;
  const tracer = await open(process.env);
  try {
    const unsampled = tracer.start({ name: 'x', kind: 'server', parent: parent.replace(/01$/, '00') });
    unsampled.end();
    expect(unsampled.traceparent).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-00$/);
    const sampled = tracer.start({ name: 'x', kind: 'server', parent });
    sampled.end({ failed: 'Error' });
    expect(sampled.traceparent).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/);
    await poll(() => requests.includes('/v1/traces') || undefined, { what: 'an export', timeoutMs: 20_000 });
    await tracer.close();
    await poll(() => said.some((line) => line.includes('traces are not exported')) || undefined, {
      what: 'a line of the log',
      timeoutMs: 20_000,
    });
  } finally {
    delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
    await tracer.close();
  }
});
