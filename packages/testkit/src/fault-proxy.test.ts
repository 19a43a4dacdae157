import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { poll } from '@diptych/runtime/poll';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FaultProxy } from './fault-proxy.ts';
import { endTransaction, Frames, redirect } from './kafka-frames.ts';

let server: Server;
let port: number;
const received: Buffer[] = [];
const proxies: FaultProxy[] = [];
/** Sends each byte back. */
beforeEach(async () => {
  received.length = 0;
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received.push(chunk);
      socket.write(chunk);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address ? address.port : 0;
});
afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
  server.close();
});

async function through(
  proxy: FaultProxy,
): Promise<{ socket: Socket; got: () => string; closed: () => boolean }> {
  proxies.push(proxy);
  const socket = connect({ host: '127.0.0.1', port: proxy.port });
  const chunks: Buffer[] = [];
  let closed = false;
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {});
  socket.on('close', () => {
    closed = true;
  });
  await once(socket, 'connect');
  return { socket, got: () => Buffer.concat(chunks).toString('latin1'), closed: () => closed };
}

const until = (condition: () => boolean, what: string) =>
  poll(() => condition() || undefined, { what, timeoutMs: 5000, intervalMs: 5 });

const address = () => ({ host: '127.0.0.1', port });

/** A request or an answer as Kafka frames it. */
function frame({ apiKey = 0, correlationId }: { apiKey?: number; correlationId: number }): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeInt32BE(8, 0);
  bytes.writeInt16BE(apiKey, 4);
  bytes.writeInt32BE(correlationId, 8);
  return bytes;
}

test('bytes pass unchanged in both directions, also many of them', async () => {
  const { socket, got } = await through(await FaultProxy.open(address()));
  const text = 'banana'.repeat(500_000);
  socket.write(text);
  await until(() => got().length === text.length, 'all came back');
  expect(got()).toBe(text);
});

test('a cut closes what is open and refuses nothing new', async () => {
  const proxy = await FaultProxy.open(address());
  const first = await through(proxy);
  await until(() => proxy.connections === 1, 'accepted');
  proxy.cut();
  await until(first.closed, 'closed');
  const second = await through(proxy);
  second.socket.write('apple');
  await until(() => second.got() !== '', 'a new connection works');
  expect(second.got()).toBe('apple');
});

test('a held link passes nothing until it is released, and then everything in order', async () => {
  const proxy = await FaultProxy.open(address());
  const { socket, got } = await through(proxy);
  proxy.hold();
  for (const word of ['a', 'b', 'c']) socket.write(word);
  proxy.slow(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(received).toEqual([]);
  proxy.release();
  await until(() => got() === 'abc', 'all came in order');
});

test('a lost answer belongs to a request that the server got, and takes the connection with it', async () => {
  const seen: Buffer[] = [];
  server.close();
  server = createServer((socket) => {
    socket.on('error', () => {});
    const frames = new Frames();
    socket.on('data', (chunk) => {
      for (const request of frames.push(chunk)) {
        seen.push(request);
        const answer = Buffer.alloc(8);
        answer.writeInt32BE(4, 0);
        request.copy(answer, 4, 8, 12);
        socket.write(answer);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = server.address();
  port = typeof own === 'object' && own ? own.port : 0;
  const proxy = await FaultProxy.openKafka(address());
  const { socket, got, closed } = await through(proxy);
  const losing = proxy.loseAnswer(endTransaction, { timeoutMs: 5000 });
  socket.write(frame({ apiKey: 0, correlationId: 1 }));
  await until(() => got().length === 8, 'another answer passes');
  socket.write(frame({ apiKey: endTransaction, correlationId: 2 }));
  await expect(losing).resolves.toBe(true);
  await until(closed, 'closed');
  expect(seen.length).toBe(2);
  expect(got().length).toBe(8);
});

test('frames come whole, however the bytes were cut', () => {
  const bytes = Buffer.concat([
    frame({ correlationId: 1 }),
    frame({ correlationId: 2 }),
    frame({ correlationId: 3 }),
  ]);
  for (let size = 1; size <= bytes.length; size += 1) {
    const frames = new Frames();
    const whole: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) whole.push(...frames.push(bytes.subarray(at, at + size)));
    expect(Buffer.concat(whole)).toEqual(bytes);
    expect(whole.length).toBe(3);
  }
});

test("the broker's own address is led back to the proxy, wherever it stands; nothing else changes", () => {
  const address = (host: string, number: number) => {
    const bytes = Buffer.alloc(host.length + 5);
    bytes[0] = host.length + 1;
    bytes.write(host, 1);
    bytes.writeInt32BE(number, host.length + 1);
    return bytes;
  };
  const head = Buffer.from('0000');
  const before = Buffer.concat([
    head,
    address('127.0.0.1', 9092),
    address('127.0.0.1', 9093),
    address('127.0.0.1', 9092),
  ]);
  const after = Buffer.concat([
    head,
    address('127.0.0.1', 5),
    address('127.0.0.1', 9093),
    address('127.0.0.1', 5),
  ]);
  expect(redirect(before, { host: '127.0.0.1', from: 9092, to: 5 })).toEqual(after);
});

test('a connection that goes silent passes neither bytes nor an end; the others go on', async () => {
  const proxy = await FaultProxy.open(address());
  const seen: number[] = [];
  server.on('connection', (socket) => seen.push(socket.remotePort ?? 0));
  const silent = await through(proxy);
  silent.socket.write('a');
  await until(() => silent.got() === 'a', 'the first one is there');
  const other = await through(proxy);
  proxy.silence(seen[0] ?? 0);
  silent.socket.write('b');
  other.socket.write('c');
  await until(() => other.got() === 'c', 'the other one goes on');
  expect(Buffer.concat(received).toString()).toBe('ac');
  silent.socket.destroy();
  other.socket.write('d');
  await until(() => other.got() === 'cd', 'the other one goes on');
  expect(proxy.connections).toBe(2);
});
