/**
 * A TCP proxy between the relays and one server. It cuts connections, holds bytes back, loses an answer; it never changes or
 * reorders what it lets through (but for the broker's own address). Both directions, all connections alike, but for `silence`.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { present } from '@diptych/runtime/assert';
import { correlationOf, Frames, redirect, requestOf } from './kafka-frames.ts';
import type { Address } from './port.ts';

/** Above it the sender is paused: a slow link is no buffer. */
const heldBytesMax = 1024 * 1024;

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Neither bytes nor an end pass any more. */
  isSilent: boolean;
}

/** What is done with the bytes of one connection. */
interface Passage {
  /** Bytes to the server. */
  up(chunk: Buffer): Buffer[];
  /** Bytes to the client; null when the connection is to be cut instead. */
  down(chunk: Buffer): Buffer[] | null;
}

const plain = (): Passage => ({ up: (chunk) => [chunk], down: (chunk) => [chunk] });

export class FaultProxy {
  readonly #target: Address;
  readonly #passage: (proxy: FaultProxy) => Passage;
  readonly #pairs = new Set<Pair>();
  readonly #server: Server;
  #delayMs = 0;
  #heldBytes = 0;
  #held: PromiseWithResolvers<void> | null = null;
  /** Of Kafka: the answer to the next request with this key is lost. */
  #losing: { readonly apiKey: number; readonly lost: PromiseWithResolvers<boolean> } | null = null;
  /** Of Kafka: everything is held from the next request with this key on. */
  #holdingAt: { readonly apiKey: number; readonly reached: PromiseWithResolvers<void> } | null = null;

  private constructor(target: Address, passage: (proxy: FaultProxy) => Passage) {
    this.#target = target;
    this.#passage = passage;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Of any protocol. */
  static async open(target: Address): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, plain);
    await proxy.#listen();
    return proxy;
  }

  /** Of a broker that advertises the target's own address: clients are led back here. */
  static async openKafka(target: Address): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, (self) => self.#kafkaPassage());
    await proxy.#listen(['127.0.0.1', 'localhost'].includes(target.host) ? '127.0.0.1' : '0.0.0.0');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return present(address !== null && typeof address === 'object' ? address.port : null, 'the port');
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** What came in and has not gone out, of all connections and both directions. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Cuts every connection now; the next ones are accepted. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** Every piece of data takes this much longer, each way. 0 ends it. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Nothing passes, nothing is refused, until `release`: what a network that drops packets looks like. */
  hold(): void {
    this.#held ??= Promise.withResolvers<void>();
  }

  /**
   * One connection goes silent for ever, known by the port from which the server sees it: what a firewall does that has
   * forgotten a flow. Neither side hears anything of the other, also not that it closed.
   */
  silence(portSeenByServer: number): void {
    const pair = [...this.#pairs].find(({ server }) => server.localPort === portSeenByServer);
    present(pair, `a connection from port ${portSeenByServer}`).isSilent = true;
  }

  /** Of Kafka: holds from the next request of this kind on, that one included. Resolves when it has come. */
  async holdAt(apiKey: number): Promise<void> {
    const reached = Promise.withResolvers<void>();
    this.#holdingAt = { apiKey, reached };
    await reached.promise;
  }

  release(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  /**
   * The server gets the next request of this kind and carries it out; its answer is lost with the connection. Answers
   * whether such a request came within the time.
   */
  async loseAnswer(apiKey: number, { timeoutMs }: { timeoutMs: number }): Promise<boolean> {
    const lost = Promise.withResolvers<boolean>();
    this.#losing = { apiKey, lost };
    const timer = setTimeout(() => lost.resolve(false), timeoutMs);
    const came = await lost.promise;
    clearTimeout(timer);
    this.#losing = null;
    return came;
  }

  async close(): Promise<void> {
    this.release();
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Of Kafka, clients are led to the broker's host: where that is not the loopback, the proxy is found there too. */
  async #listen(host = '127.0.0.1'): Promise<void> {
    this.#server.listen({ host, port: 0 });
    await once(this.#server, 'listening');
  }

  #accept(client: Socket): void {
    const server = connect(this.#target);
    const pair: Pair = { client, server, isSilent: false };
    this.#pairs.add(pair);
    const end = () => {
      if (pair.isSilent) return;
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.setNoDelay(true).on('error', end).on('close', end);
    const passage = this.#passage(this);
    const up = (chunk: Buffer) => (pair.isSilent ? [] : passage.up(chunk));
    const down = (chunk: Buffer) => (pair.isSilent ? [] : passage.down(chunk));
    this.#carry({ from: client, to: server, change: up, end });
    this.#carry({ from: server, to: client, change: down, end });
  }

  /** One direction: pieces one after the other, each after what holds it back. */
  #carry(direction: {
    from: Socket;
    to: Socket;
    change: (chunk: Buffer) => Buffer[] | null;
    end: () => void;
  }): void {
    const { from, to, change, end } = direction;
    let heldBytes = 0;
    let line = Promise.resolve();
    const pass = async (chunk: Buffer) => {
      if (this.#held) await this.#held.promise;
      if (this.#delayMs > 0) await sleep(this.#delayMs);
      const pieces = change(chunk);
      // Looking at a request may have begun a hold.
      if (this.#held) await this.#held.promise;
      heldBytes -= chunk.length;
      this.#heldBytes -= chunk.length;
      if (heldBytes < heldBytesMax && from.isPaused()) from.resume();
      if (pieces === null) return end();
      for (const piece of pieces) if (!to.destroyed && !to.write(piece)) await drained(to);
    };
    from.on('data', (chunk) => {
      heldBytes += chunk.length;
      this.#heldBytes += chunk.length;
      if (heldBytes >= heldBytesMax) from.pause();
      line = line.then(() => pass(chunk)).catch(end);
    });
    // A half-closed connection is a closed one: neither client uses the half.
    from.on('end', () => {
      line = line.then(end);
    });
  }

  #kafkaPassage(): Passage {
    const requests = new Frames();
    const answers = new Frames();
    const { host, port: from } = this.#target;
    let losing: { correlationId: number; lost: PromiseWithResolvers<boolean> } | null = null;
    return {
      up: (chunk) => {
        const frames = requests.push(chunk);
        for (const frame of frames) {
          const { apiKey, correlationId } = requestOf(frame);
          if (this.#holdingAt?.apiKey === apiKey) {
            this.hold();
            this.#holdingAt.reached.resolve();
            this.#holdingAt = null;
          }
          if (this.#losing?.apiKey !== apiKey) continue;
          losing = { correlationId, lost: this.#losing.lost };
          this.#losing = null;
        }
        return frames;
      },
      down: (chunk) => {
        const frames = answers.push(chunk);
        for (const frame of frames) {
          if (losing?.correlationId !== correlationOf(frame)) continue;
          losing.lost.resolve(true);
          return null;
        }
        return frames.map((frame) => redirect(frame, { host, from, to: this.port }));
      },
    };
  }
}

/** Until the socket takes more, or is closed. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
    if (socket.destroyed) done();
  });
}
