import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts, kafkaAnswers, parseAddress } from './port.ts';

async function listening(port: number, onConnection: (socket: Socket) => void): Promise<void> {
  const server = createServer(onConnection);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  onTestFinished(async () => void server.close());
}

test('free ports are distinct and below those of outgoing connections', async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  for (const port of ports) expect(port).toBeLessThan(32_768);
});

test.each([
  ['localhost:9092', { host: 'localhost', port: 9092 }],
  [' 10.0.0.1:1 ', { host: '10.0.0.1', port: 1 }],
  ['[::1]:9092', { host: '::1', port: 9092 }],
  ['localhost', undefined],
  ['localhost:0', undefined],
  ['localhost:65536', undefined],
  ['kafka://localhost:9092', undefined],
  ['', undefined],
])('a broker address is host:port: %j', (text, expected) => {
  expect(parseAddress(text)).toEqual(expected);
});

test('what does not speak Kafka, or does not speak at all, or is not there, is not a broker', async () => {
  const [silent = 0, talking = 0, nobody = 0] = await freePorts(3);
  await listening(silent, () => undefined);
  await listening(talking, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  for (const port of [silent, talking, nobody]) {
    expect(await kafkaAnswers({ host: '127.0.0.1', port }, { timeoutMs: 200 })).toBe(false);
  }
});
