/**
 * A request whose long parts are written to the socket from where they stand. The client puts all of a request into one new
 * buffer before it writes (2.12.1, dist/network/connection.js, `send`): of four megabytes of record batches that was a copy, and
 * as much new memory each time. So the client is given the request without these parts, and they are put in on its way.
 */
import type { Socket } from 'node:net';
import { assert } from '@diptych/runtime/assert';

/** Bytes that stand in front of the request's byte `at`, counted without any of them. */
export interface LongPart {
  readonly at: number;
  readonly bytes: Buffer;
}

/** What the client makes of the body of a request, and what is missing in it. */
interface Gathered {
  readonly body: Buffer;
  readonly parts: readonly LongPart[];
}

type Write = (chunk: Buffer) => boolean;

/** Before a request's body: its size, and which one it is. */
const sizeBytes = 4;

/** Of one connection, and one kind of request. */
export class GatheringSocket {
  /** Requests are written in the order in which they are made. One that is not has no connection any more. */
  readonly #awaited: Gathered[] = [];
  readonly #socket: Socket;
  readonly #apiKey: number;
  readonly #write: Write;

  constructor(socket: Socket, { apiKey }: { readonly apiKey: number }) {
    this.#socket = socket;
    this.#apiKey = apiKey;
    const write = socket.write.bind(socket) as typeof socket.write;
    this.#write = write;
    const gathering = (chunk: Buffer, ...rest: [BufferEncoding?, (() => void)?]): boolean =>
      this.#isAwaited(chunk) ? this.#gather(chunk) : write(chunk, ...rest);
    socket.write = gathering as typeof socket.write;
  }

  /** The next request of the kind has this body, and these parts in their order. They stay as they are until it is answered. */
  awaits(body: Buffer, parts: readonly LongPart[]): void {
    this.#awaited.push({ body, parts });
  }

  #isAwaited(chunk: unknown): chunk is Buffer {
    return (
      this.#awaited.length > 0 &&
      Buffer.isBuffer(chunk) &&
      chunk.length > sizeBytes + 2 &&
      chunk.readInt32BE(0) === chunk.length - sizeBytes &&
      chunk.readInt16BE(sizeBytes) === this.#apiKey
    );
  }

  #gather(chunk: Buffer): boolean {
    const { body, parts } = this.#awaited.shift() as Gathered;
    const bodyAt = chunk.length - body.length;
    assert(bodyAt > 0 && body.equals(chunk.subarray(bodyAt)), 'a request is written as it was made');
    const partsBytes = parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
    chunk.writeInt32BE(chunk.length - sizeBytes + partsBytes, 0);
    let from = 0;
    // One call of the system for all of them.
    this.#socket.cork();
    for (const { at, bytes } of parts) {
      this.#write(chunk.subarray(from, bodyAt + at));
      this.#write(bytes);
      from = bodyAt + at;
    }
    const hasRoom = this.#write(chunk.subarray(from));
    this.#socket.uncork();
    return hasRoom;
  }
}

const known = new WeakMap<Socket, GatheringSocket>();

/** The one of a socket: a new connection has a new one. */
export function gatheringSocket(socket: Socket, options: { readonly apiKey: number }): GatheringSocket {
  const made = known.get(socket) ?? new GatheringSocket(socket, options);
  known.set(socket, made);
  return made;
}
