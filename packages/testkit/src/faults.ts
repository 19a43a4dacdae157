/** What a test breaks, by name: `stack.faults.kill('relay')`, `restart('kafka')`, `cut('postgres')`, `slow('kafka', 200)`. */
import { unreachable } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type { FaultProxy } from './fault-proxy.ts';
import type { RelayProcess } from './relay-process.ts';
import type { Servers } from './servers.ts';

/** The relay's connections to it. */
export type Link = 'postgres' | 'kafka';
export type Part = 'relay' | Link;

export interface FaultsOptions {
  readonly relay: RelayProcess;
  /** Null for servers that are not ours: the relay reaches them itself. */
  readonly links: Readonly<Record<Link, FaultProxy>> | null;
  readonly controls: Servers['controls'];
}

/**
 * Faults of one stack. Links are the relay's own: nobody else notices. Servers can be killed only where they are nobody
 * else's: `startDiptych({ servers: 'own' })`. A part that is to be touched and is not ours is an OperatingError,
 * `prerequisite-missing`.
 */
export class Faults {
  readonly #relay: RelayProcess;
  readonly #links: FaultsOptions['links'];
  readonly #controls: FaultsOptions['controls'];
  #down = new Set<Link>();

  constructor({ relay, links, controls }: FaultsOptions) {
    this.#relay = relay;
    this.#links = links;
    this.#controls = controls;
  }

  /** SIGKILL. Resolves when it has gone. */
  async kill(part: Part): Promise<void> {
    switch (part) {
      case 'relay':
        await this.#relay.kill();
        return;
      case 'postgres':
      case 'kafka': {
        const server = this.#server(part);
        this.#down.add(part);
        await server.kill();
        return;
      }
      default:
        unreachable(part);
    }
  }

  /** An orderly shutdown. Resolves when it is done. */
  async stop(part: Part): Promise<void> {
    switch (part) {
      case 'relay':
        await this.#relay.stop();
        return;
      case 'postgres':
      case 'kafka': {
        const server = this.#server(part);
        this.#down.add(part);
        await server.stop();
        return;
      }
      default:
        unreachable(part);
    }
  }

  /** What was killed or stopped comes back. Resolves when it answers: the relay, when it holds the slot or stands by. */
  async start(part: Part): Promise<void> {
    switch (part) {
      case 'relay':
        if (!this.#relay.running) this.#relay.start();
        await this.#relay.ready();
        return;
      case 'postgres':
      case 'kafka':
        await this.#server(part).start();
        this.#down.delete(part);
        return;
      default:
        unreachable(part);
    }
  }

  /** `stop` and `start`. */
  async restart(part: Part): Promise<void> {
    await this.stop(part);
    await this.start(part);
  }

  /** SIGSTOP: the relay holds what it holds, and does nothing. */
  freeze(_relay: 'relay'): void {
    this.#relay.freeze();
  }

  /** SIGCONT. */
  thaw(_relay: 'relay'): void {
    this.#relay.thaw();
  }

  /** Cuts the relay's connections to it now; it may connect again at once. */
  cut(link: Link): void {
    this.#link(link).cut();
  }

  /** Nothing passes between the relay and it, nothing is refused, until `release`. */
  hold(link: Link): void {
    this.#link(link).hold();
  }

  release(link: Link): void {
    this.#link(link).release();
  }

  /** Everything between the relay and it takes this much longer, each way. 0 ends it. */
  slow(link: Link, delayMs: number): void {
    this.#link(link).slow(delayMs);
  }

  /** Everything works again: links whole, servers up, the relay running. */
  async heal(): Promise<void> {
    this.#relay.thaw();
    for (const proxy of Object.values(this.#links ?? {})) {
      proxy.release();
      proxy.slow(0);
    }
    for (const part of this.#down) await this.start(part);
    await this.start('relay');
  }

  #link(link: Link): FaultProxy {
    if (this.#links) return this.#links[link];
    throw new OperatingError(
      'prerequisite-missing',
      `the link to ${link} is not ours: the servers are external`,
      {
        remedy: 'Use the embedded or the containers stack for this test.',
      },
    );
  }

  #server(server: Link): NonNullable<Servers['controls']>[Link] {
    if (this.#controls) return this.#controls[server];
    throw new OperatingError('prerequisite-missing', `${server} is not this test’s alone`, {
      remedy: 'Start the stack with `servers: "own"`, which takes some seconds; others must not notice.',
    });
  }
}
