/** A process of a relay: what reaches it waits while it hangs and is lost when it is dead; it has its own clock. */
import type { World } from './world.ts';

interface Held {
  readonly source: object;
  readonly work: () => void;
}

export class Process {
  readonly #world: World;
  readonly #clockOffsetMs: number;
  readonly #clockRate: number;
  readonly #upset: () => void;
  #state: 'running' | 'hung' | 'dead' = 'running';
  #held: Held[] = [];
  #cutOffUntilMs = 0;
  #microtasks: (() => void)[] = [];

  /** `upset`: something may befall the process at any turn. */
  constructor(world: World, { upset }: { upset: () => void }) {
    this.#world = world;
    this.#upset = upset;
    this.#clockOffsetMs = world.random.between(0, 1_000_000);
    this.#clockRate = world.random.between(0.95, 1.05);
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  /** Monotonic, as `performance.now()`; no two processes agree. */
  nowMs(): number {
    return this.#clockOffsetMs + this.#world.nowMs * this.#clockRate;
  }

  cutOff(forMs: number): void {
    this.#cutOffUntilMs = this.#world.nowMs + forMs;
  }

  reconnect(): void {
    this.#cutOffUntilMs = 0;
  }

  /** How long something is under way that would take so long on a network that works. */
  travelMs(delayMs: number): number {
    const awayMs = this.#cutOffUntilMs - this.#world.nowMs;
    return awayMs > 0 ? awayMs + delayMs : delayMs;
  }

  /** Work of one source is done in order; between sources there is none. */
  deliver(source: object, work: () => void): void {
    if (this.#state === 'running' && this.#world.strikes(this.#world.plan.upsetPerTurn)) this.#upset();
    if (this.#state === 'running') this.#turn(work);
    else if (this.#state === 'hung') this.#held.push({ source, work });
  }

  /** After the work at hand, before any other: what follows a promise that it resolves. */
  defer(work: () => void): void {
    this.#microtasks.push(work);
  }

  after(delayMs: number, work: () => void): void {
    this.#world.agenda.after(delayMs, () => this.deliver(work, work));
  }

  hang(): void {
    if (this.#state === 'running') this.#state = 'hung';
  }

  /** All that came meanwhile is there at once. */
  resume(): void {
    if (this.#state !== 'hung') return;
    this.#state = 'running';
    while (this.#held.length > 0 && this.isRunning) {
      const any = this.#held[this.#world.random.whole(0, this.#held.length - 1)];
      const place = this.#held.findIndex((held) => held.source === any?.source);
      const [next] = this.#held.splice(place, 1);
      if (next) this.#turn(next.work);
    }
  }

  #turn(work: () => void): void {
    work();
    while (!this.isDead) {
      const microtask = this.#microtasks.shift();
      if (!microtask) return;
      microtask();
    }
  }

  kill(): void {
    this.#state = 'dead';
    this.#held = [];
    this.#microtasks = [];
  }
}
