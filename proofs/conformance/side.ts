/** One of the readers of the WAL that are compared: a relay of ours, or a connector of Debezium's. */
import { poll } from '@diptych/runtime/poll';
import { type RelayOptions, RelayProcess } from '@diptych/testkit/relay-process';
import type { Connect, ConnectorConfiguration } from './connect.ts';

export interface Side {
  /** First part of its topics. */
  readonly prefix: string;
  /** Its replication slot. */
  readonly slot: string;
  /** Begins, or goes on where it was. */
  start(): Promise<void>;
  /** An orderly end. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Why it has ended although nobody asked it to; undefined while it is well. */
  failure(): Promise<string | undefined>;
  /** Nothing of it runs afterwards. */
  close(): Promise<void>;
}

export class DiptychSide implements Side {
  readonly prefix: string;
  readonly slot: string;
  readonly #relay: RelayProcess;
  #isInitialised = false;
  #wanted = false;

  constructor(options: RelayOptions) {
    this.prefix = options.settings.DIPTYCH_PREFIX ?? options.name;
    this.slot = options.settings.DIPTYCH_SLOT ?? options.name;
    this.#relay = new RelayProcess(options);
  }

  async start(): Promise<void> {
    if (!this.#isInitialised) await this.#relay.initialise();
    this.#isInitialised = true;
    this.#wanted = true;
    this.#relay.start();
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    await this.#relay.stop();
  }

  async kill(): Promise<void> {
    this.#wanted = false;
    await this.#relay.kill();
  }

  async failure(): Promise<string | undefined> {
    if (!this.#wanted || this.#relay.running || (await this.hasFinished())) return undefined;
    return await this.#relay.lastLine();
  }

  /** Whether it has ended by itself because there was nothing left to do (`snapshot.mode: initial_only`). */
  async hasFinished(): Promise<boolean> {
    if (this.#relay.running) return false;
    const exits = await this.#relay.unaskedExits();
    return exits.at(-1)?.code === 0;
  }

  /** A command of `diptych` with its settings. Throws OperatingError when it is refused. */
  command(...args: readonly string[]): Promise<void> {
    return this.#relay.command(...args);
  }

  close(): Promise<void> {
    return this.kill();
  }
}

const stateTimeoutMs = 180_000;

export class DebeziumSide implements Side {
  readonly prefix: string;
  /** The connector's name too. */
  readonly slot: string;
  readonly #connect: Connect;
  readonly #configuration: ConnectorConfiguration;
  #life: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: { name: string; connect: Connect; configuration: ConnectorConfiguration }) {
    this.prefix = options.configuration['topic.prefix'] ?? options.name;
    this.slot = options.name;
    this.#connect = options.connect;
    this.#configuration = options.configuration;
  }

  async start(): Promise<void> {
    if (this.#life === 'new') await this.#connect.put(this.slot, this.#configuration);
    else if (this.#life === 'stopped') await this.#connect.resumeConnector(this.slot);
    else await this.#connect.revive();
    this.#life = 'running';
    const begun = async () => ((await this.#connect.state(this.slot)).tag === 'pending' ? undefined : true);
    await poll(begun, { what: `connector ${this.slot} has begun`, timeoutMs: stateTimeoutMs });
  }

  async stop(): Promise<void> {
    await this.#connect.stopConnector(this.slot);
    this.#life = 'stopped';
  }

  /** The whole worker, and every connector with it: a connector is no process of its own. */
  kill(): Promise<void> {
    return this.#connect.kill();
  }

  async failure(): Promise<string | undefined> {
    if (this.#life !== 'running') return undefined;
    const state = await this.#connect.state(this.slot);
    return state.tag === 'failed' ? rootCause(state.trace) : undefined;
  }

  close(): Promise<void> {
    return this.#connect.remove(this.slot);
  }
}

/** The last `Caused by` of a Java stack trace, else its first line. */
export function rootCause(trace: string): string {
  const lines = trace.split('\n');
  return (lines.findLast((line) => line.startsWith('Caused by: ')) ?? lines[0] ?? '').trim();
}
