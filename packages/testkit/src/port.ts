import { connect, createServer, type Server } from 'node:net';

/**
 * Ports are taken from below the ephemeral range (32768 and up on Linux, 49152 on macOS): no outgoing connection of this
 * machine can take the port of a server while a test has it stopped.
 */
const portMin = 20_000;
const portMax = 32_000;
const attemptsMax = 100;

/** Distinct ports that nothing listens on now. Throws an Error when a hundred random ports were all taken. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held: { port: number; server: Server }[] = [];
  try {
    for (let attempt = 0; held.length < count; attempt += 1) {
      if (attempt >= attemptsMax) throw new Error(`no free port found between ${portMin} and ${portMax}`);
      const port = portMin + Math.floor(Math.random() * (portMax - portMin));
      const server = await listening(port);
      if (server) held.push({ port, server });
    }
    return held.map(({ port }) => port);
  } finally {
    await Promise.all(held.map(({ server }) => new Promise((resolve) => server.close(resolve))));
  }
}

function listening(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    // All addresses: a container engine publishes there, and whoever holds one of them is in the way too.
    const server = createServer().once('error', () => resolve(undefined));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => resolve(server));
  });
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, the form of KAFKA_BROKERS; an IPv6 host stands in brackets. Undefined when it is not of that form. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host !== undefined && port > 0 && port < 65_536 ? { host, port } : undefined;
}

const apiVersions = 18;
const correlationId = 1;

/** An ApiVersions request, version 0, without a client id: https://kafka.apache.org/protocol#The_Messages_ApiVersions */
function apiVersionsRequest(): Buffer {
  const request = Buffer.alloc(14);
  request.writeInt32BE(10, 0);
  request.writeInt16BE(apiVersions, 4);
  request.writeInt16BE(0, 6);
  request.writeInt32BE(correlationId, 8);
  request.writeInt16BE(-1, 12);
  return request;
}

/** Whether a Kafka broker answers there in plain text within the time. Never throws. */
export function kafkaAnswers(
  { host, port }: Address,
  { timeoutMs }: { timeoutMs: number },
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let received = Buffer.alloc(0);
    const answer = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(timeoutMs, () => answer(false));
    socket.on('error', () => answer(false));
    socket.on('close', () => answer(false));
    socket.on('connect', () => socket.write(apiVersionsRequest()));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      // size, correlation id, error code
      if (received.length >= 10)
        answer(received.readInt32BE(4) === correlationId && received.readInt16BE(8) === 0);
    });
  });
}
