/**
 * The replication connection: what each side sends arrives in order or not at all. It may be cut without either side
 * knowing; then each learns of it in its own time.
 */
import type { Lsn } from '@diptych/wal/lsn';
import type { StreamEvent } from './wal.ts';
import type { World } from './world.ts';

export interface StatusUpdate {
  readonly received: Lsn;
  readonly flushed: Lsn;
}

/** What the sockets hold of what the relay has not read: the server waits then. */
const unreadChunksMax = 4;

export interface ClientEnd {
  /** Runs `work` when the process can: not while it hangs, never after its death. */
  readonly deliver: (source: object, work: () => void) => void;
  /** Runs `work` in a later turn of the process, before anything else arrives. */
  readonly defer: (work: () => void) => void;
  readonly onChunk: (events: readonly StreamEvent[]) => void;
  readonly onClose: () => void;
}

export interface ServerEnd {
  readonly onStatus: (status: StatusUpdate) => void;
  readonly onRead: () => void;
  readonly onClose: () => void;
}

export class ReplicationLink {
  readonly #world: World;
  readonly #client: ClientEnd;
  #server: ServerEnd | null = null;
  #severed = false;
  #clientClosed = false;
  #unread = 0;
  #toClientAtMs = 0;
  #toServerAtMs = 0;
  /** Arrived, but the relay does not read now. */
  #buffer: (readonly StreamEvent[])[] = [];
  #paused = true;

  constructor(world: World, client: ClientEnd) {
    this.#world = world;
    this.#client = client;
  }

  accept(server: ServerEnd): void {
    this.#server = server;
  }

  get full(): boolean {
    return this.#unread >= unreadChunksMax;
  }

  /** Server to client. */
  send(events: readonly StreamEvent[]): void {
    this.#unread += 1;
    this.#toClientAtMs = Math.max(this.#toClientAtMs, this.#world.nowMs + this.#world.latencyMs());
    this.#world.agenda.at(this.#toClientAtMs, () => {
      if (this.#severed) return;
      this.#client.deliver(this, () => {
        if (this.#clientClosed) return;
        if (this.#paused) this.#buffer.push(events);
        else this.#read(events);
      });
    });
  }

  pause(): void {
    this.#paused = true;
  }

  /** As a socket does: whoever pauses it in the same turn is heard. */
  resume(): void {
    this.#paused = false;
    this.#client.defer(() => this.#drain());
  }

  /** What came in one read with the server's grant. */
  readWithGrant(): void {
    const events = this.#buffer.shift();
    if (events) this.#read(events);
  }

  #drain(): void {
    while (!this.#paused && !this.#clientClosed) {
      const events = this.#buffer.shift();
      if (!events) return;
      this.#read(events);
    }
  }

  #read(events: readonly StreamEvent[]): void {
    this.#unread -= 1;
    this.#client.onChunk(events);
    if (!this.#severed) this.#server?.onRead();
  }

  /** Client to server. */
  report(status: StatusUpdate): void {
    if (this.#clientClosed) return;
    this.#toServerAtMs = Math.max(this.#toServerAtMs, this.#world.nowMs + this.#world.latencyMs());
    this.#world.agenda.at(this.#toServerAtMs, () => {
      if (!this.#severed) this.#server?.onStatus(status);
    });
  }

  /** The server hangs up; the client learns it behind all that was sent, or at once when the kernel resets. */
  closeFromServer(): void {
    this.#server = null;
    if (this.#severed) return; // it learns of the cut, in its own time
    const orderly = this.#world.random.chance(0.5);
    const atMs = orderly ? Math.max(this.#toClientAtMs, this.#world.nowMs) : this.#world.nowMs;
    this.#world.agenda.at(atMs + this.#world.latencyMs(), () => this.#clientLearns());
  }

  /** The relay hangs up, or its process is gone: what it sent before still arrives. */
  closeFromClient(): void {
    if (this.#clientClosed) return;
    this.#clientClosed = true;
    const atMs = Math.max(this.#toServerAtMs, this.#world.nowMs) + this.#world.latencyMs();
    this.#world.agenda.at(atMs, () => {
      if (!this.#severed) this.#serverLearns();
    });
  }

  /** The network drops everything from now on, also what is under way. */
  cut({ clientNoticesMs, serverNoticesMs }: { clientNoticesMs: number; serverNoticesMs: number }): void {
    this.#severed = true;
    this.#world.agenda.after(clientNoticesMs, () => this.#clientLearns());
    this.#world.agenda.after(serverNoticesMs, () => this.#serverLearns());
  }

  #clientLearns(): void {
    this.#client.deliver(this, () => {
      if (this.#clientClosed) return;
      this.#clientClosed = true;
      this.#client.onClose();
    });
  }

  #serverLearns(): void {
    const server = this.#server;
    this.#server = null;
    server?.onClose();
  }
}
