/** Over a real socket: what arrives is the request with its parts, whatever is written around it. */
import { once } from 'node:events';
import { createServer, type Socket, connect as toPort } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GatheringSocket, gatheringSocket, type LongPart } from './gathered-request.ts';

const apiKey = 0;

/** A request as the client writes it: its size, which one it is, the rest of its head, its body. */
function requestOf(key: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4 + 2 + 9, 7);
  head.writeInt32BE(head.length - 4 + body.length, 0);
  head.writeInt16BE(key, 4);
  return Buffer.concat([head, body]);
}

function withParts(request: Buffer, body: Buffer, parts: readonly LongPart[]): Buffer {
  const pieces: Buffer[] = [request.subarray(0, request.length - body.length)];
  let from = 0;
  for (const { at, bytes } of parts) {
    pieces.push(body.subarray(from, at), bytes);
    from = at;
  }
  const whole = Buffer.concat([...pieces, body.subarray(from)]);
  whole.writeInt32BE(whole.length - 4, 0);
  return whole;
}

/** All that arrives when `write` has written to a socket. */
async function arrivedOf(write: (socket: Socket) => void): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const socket = toPort(port, '127.0.0.1');
  const [[other]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [
    [Socket],
    unknown,
  ];
  const arrived = other.toArray();
  write(socket);
  socket.end();
  const bytes = Buffer.concat(await arrived);
  server.close();
  return bytes;
}

const gathered = fc
  .array(fc.tuple(fc.nat(40), fc.uint8Array({ maxLength: 100_000 })), { maxLength: 5 })
  .map((pairs) =>
    pairs
      .toSorted(([one], [two]) => one - two)
      .map(([at, bytes]): LongPart => ({ at, bytes: Buffer.from(bytes) })),
  );

test('requests arrive whole and in order, others as they are', async () => {
  const plan = fc.array(fc.oneof(gathered, fc.constant(null)), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(plan, async (requests) => {
      const expected: Buffer[] = [];
      const arrived = await arrivedOf((socket) => {
        const gathering = gatheringSocket(socket, { apiKey });
        expect(gatheringSocket(socket, { apiKey })).toBe(gathering);
        for (const [index, parts] of requests.entries()) {
          const body = Buffer.alloc(40, index);
          const request = requestOf(parts ? apiKey : 26, body);
          expected.push(parts ? withParts(request, body, parts) : Buffer.from(request));
          if (parts) gathering.awaits(body, parts);
          socket.write(request);
        }
      });
      expect(arrived.equals(Buffer.concat(expected))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test('a request that is another than the one that was made is not sent', async () => {
  const arrived = await arrivedOf((socket) => {
    const gathering = new GatheringSocket(socket, { apiKey });
    gathering.awaits(Buffer.alloc(40, 1), [{ at: 4, bytes: Buffer.alloc(9) }]);
    expect(() => socket.write(requestOf(apiKey, Buffer.alloc(40, 2)))).toThrow('as it was made');
  });
  expect(arrived).toHaveLength(0);
});
