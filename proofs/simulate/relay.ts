/** A relay's life: stands by until the slot is free, runs a session, begins anew; dies, hangs and is started again. */
import type { Kafka } from './kafka.ts';
import type { Mutant } from './mutants.ts';
import { timing } from './plan.ts';
import type { Postgres } from './postgres.ts';
import { Process } from './process.ts';
import { Session } from './session.ts';
import type { World } from './world.ts';

export interface RelayContext {
  readonly world: World;
  readonly postgres: Postgres;
  readonly kafka: Kafka;
  readonly rules: Mutant;
  readonly name: string;
}

export class Relay {
  readonly #context: RelayContext;
  #process: Process | null = null;
  #session: Session | null = null;
  #backOffMs: number = timing.backOffMinMs;
  #stopping = false;

  constructor(context: RelayContext) {
    this.#context = context;
  }

  start(): void {
    if (this.#process) return;
    this.#stopping = false;
    this.#process = new Process(this.#context.world, { upset: () => this.#upset() });
    this.#say('starts');
    this.#standBy(this.#process);
  }

  kill(downMs: number): void {
    if (!this.#process) return;
    this.#context.world.coverage.kills += 1;
    this.#say('killed');
    this.#exit(downMs);
  }

  hang(forMs: number): void {
    const { world } = this.#context;
    const process = this.#process;
    if (!process?.isRunning) return;
    world.coverage.hangs += 1;
    this.#say(`hangs for ${forMs.toFixed(0)} ms`);
    process.hang();
    world.agenda.after(forMs, () => process.resume());
  }

  cutOff(forMs: number): void {
    if (!this.#process) return;
    this.#context.world.coverage.cutOffs += 1;
    this.#say(`is off the network for ${forMs.toFixed(0)} ms`);
    this.#process.cutOff(forMs);
    this.#session?.cutOff(forMs);
  }

  /** SIGTERM; a hung process gets it when it goes on. */
  stop(downMs: number): void {
    const process = this.#process;
    process?.deliver(this, () => {
      this.#say('asked to stop');
      this.#stopping = true;
      this.#context.world.coverage.gracefulStops += 1;
      this.#context.world.agenda.after(downMs, () => this.start());
      if (this.#session) this.#session.stop();
      else this.#exit(downMs);
    });
  }

  /** No fault from here on: a hung process goes on, a dead one is started. */
  calm(): void {
    this.#process?.reconnect();
    this.#process?.resume();
    this.start();
  }

  #exit(downMs: number): void {
    this.#process?.kill();
    this.#session?.disconnect();
    this.#process = null;
    this.#session = null;
    this.#context.world.agenda.after(downMs, () => this.start());
  }

  /** Asks the catalogue on an ordinary connection; never touches the transactional id. */
  #standBy(process: Process): void {
    const { world, postgres } = this.#context;
    process.after(process.travelMs(world.latencyMs()), () => {
      if (this.#stopping) return;
      if (postgres.isDown) return this.#backOff(process);
      if (!postgres.isSlotHeld) {
        return process.after(process.travelMs(world.latencyMs()), () => this.#run(process));
      }
      process.after(timing.standbyPollMs * world.random.between(0.5, 1.5), () => this.#standBy(process));
    });
  }

  #run(process: Process): void {
    if (this.#stopping) return;
    this.#session = new Session({
      ...this.#context,
      process,
      die: () => this.kill(this.#context.world.random.between(1, 200)),
      onOver: (outcome) => {
        this.#session = null;
        if (outcome === 'stopped' || this.#stopping) return this.#exit(0);
        this.#backOff(process);
      },
    });
    this.#session.start();
  }

  #upset(): void {
    const { random } = this.#context.world;
    const forMs = random.between(1, random.chance(0.5) ? 2500 : 200);
    if (random.chance(0.4)) this.hang(forMs);
    else this.cutOff(forMs);
  }

  #backOff(process: Process): void {
    const { world } = this.#context;
    process.after(this.#backOffMs * world.random.between(0.5, 1.5), () => this.#standBy(process));
    this.#backOffMs = Math.min(this.#backOffMs * 2, timing.backOffMaxMs);
  }

  #say(what: string): void {
    this.#context.world.say(() => `${this.#context.name}: ${what}`);
  }
}
