/** What the server sends in great numbers, read from the socket without `pg`, at the pace of a backlog. */
import { Socket, type SocketConstructorOpts } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import { MessageFrames, type TakeMessage } from './message-frames.ts';
import { fullReadBytes, Pace } from './pace.ts';

/** As much as Node reads at once into memory of its own. */
const readBytes = 64 * 1024;

/** Sockets whose bytes are looked at only while they are handed out. */
const inPlace = new WeakSet<Duplex>();

/**
 * A socket for a connection whose messages are read by us. It reads into the same memory each time, where new memory for each read is the
 * collector's work. Paused, a socket of Node goes on reading until 64 KiB are buffered, each message by itself; this one
 * stops after one read. `ssl` is as `pg` was told, which calls it.
 */
export function messageSocket({ ssl }: { readonly ssl?: unknown } = {}): Socket {
  const options: SocketConstructorOpts & { readonly readableHighWaterMark: number } = {
    readableHighWaterMark: 1,
  };
  // TLS reads by itself.
  if (ssl) return new Socket(options);
  const memory = Buffer.allocUnsafeSlow(readBytes);
  const callback = (bytes: number): boolean => {
    const read = memory.subarray(0, bytes);
    // What `pg` reads it may keep.
    socket.emit('data', inPlace.has(socket) ? read : Buffer.from(read));
    return true;
  };
  const socket = new Socket({ ...options, onread: { buffer: memory, callback } });
  return socket;
}

/** Hands out the messages of one kind; all else, and what is not taken, goes on to `pg`. Made while the connection is silent. */
export class MessageStream {
  readonly #stream: Duplex;
  readonly #mayRest: boolean;
  readonly #pace = new Pace();
  /** By whoever has enough of it; a break is our own. */
  #paused = false;
  #onBreak = false;

  /**
   * `isEndless`: more always comes, and a rest lets it gather. Throws when the server is in the midst of saying something.
   */
  constructor(
    stream: Duplex,
    {
      tag,
      isEndless,
      take,
    }: { readonly tag: number; readonly isEndless: boolean; readonly take: TakeMessage },
  ) {
    this.#stream = stream;
    // Over a Unix socket a rest costs more than it saves; under TLS each message is a record, and a read of its own.
    this.#mayRest =
      isEndless && stream instanceof Socket && !('encrypted' in stream) && stream.remoteAddress !== undefined;
    const frames = new MessageFrames({ tag, take, onOther: this.#inPlaceOfTheirs() });
    stream.on('data', (chunk: Buffer) => {
      try {
        frames.read(chunk);
      } catch (error) {
        stream.destroy(error as Error);
      }
      this.#breakAfter(chunk.length);
    });
  }

  /** Answers with what `pg` reads by. */
  #inPlaceOfTheirs(): (chunk: Buffer) => unknown {
    const [theirs, ...others] = this.#stream.listeners('data') as ((chunk: Buffer) => unknown)[];
    // What the server says unasked may come at any time, also in two reads (long-messages.ts).
    const isBetween = theirs !== undefined && others.length === 0 && theirs(Buffer.alloc(0)) === 0;
    if (!isBetween) throw new Error('the connection is not between two messages');
    this.#stream.off('data', theirs);
    inPlace.add(this.#stream);
    // Each comes whole, so that nothing of one waits; what `pg` made of it may still point into it.
    return (message) => theirs(Buffer.from(message));
  }

  /** Stops reading from the socket: TCP holds the server back. What was read already is still handed out. */
  pause(): void {
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#onBreak) this.#stream.resume();
  }

  /** Reads on in the loop's next turn, or after a rest, where there is reason for either. */
  #breakAfter(bytes: number): void {
    if (this.#paused || this.#stream.destroyed) return;
    const restMs = this.#mayRest ? this.#pace.rest(bytes, performance.now()) : 0;
    // libuv would take up to 32 full reads in one turn: a tenth of a second in which Kafka's answers wait, and it for us.
    if (bytes >= fullReadBytes) return this.#break((goOn) => setImmediate(goOn));
    if (restMs > 0) this.#break((goOn) => setTimeout(goOn, restMs));
  }

  #break(until: (goOn: () => void) => void): void {
    this.#onBreak = true;
    this.#stream.pause();
    until(() => {
      this.#onBreak = false;
      if (!this.#paused) this.#stream.resume();
    });
  }
}
