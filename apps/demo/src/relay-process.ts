/** The relay as a process of its own, so that it can be killed like one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { poll } from '@diptych/runtime/poll';

const relayMain = fileURLToPath(import.meta.resolve('@diptych/relay-app/main'));

/** Settings of a relay, as its environment variables. */
export type RelaySettings = Readonly<Record<`DIPTYCH_${string}`, string>>;

const readyTimeoutMs = 60_000;
const stopTimeoutMs = 20_000;

export class RelayProcess {
  readonly #settings: RelaySettings;
  #child: ChildProcess | null = null;
  /** The last lines of its log, for the error when it does not come up. */
  #log: string[] = [];

  constructor(settings: RelaySettings) {
    this.#settings = settings;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#settings.DIPTYCH_HTTP_PORT}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** `diptych init`: waits until it is done. Throws with its output when it refuses. */
  async initialise(): Promise<void> {
    const child = this.#spawn(['init']);
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`diptych init failed (exit ${code}):\n${this.#log.join('')}`);
  }

  /** `diptych run`: returns as soon as the process is there. */
  start(): void {
    this.#child = this.#spawn(['run']);
  }

  /** Waits until the relay streams or stands by. Throws with the end of its log when it does not come up. */
  async ready(): Promise<void> {
    await poll(
      async () => {
        if (this.#child?.exitCode !== null && this.#child?.exitCode !== undefined) {
          throw new Error(`the relay ended (exit ${this.#child.exitCode}):\n${this.#log.join('')}`);
        }
        const answer = await fetch(`${this.url}/readyz`).catch(() => null);
        return answer?.ok ? true : undefined;
      },
      { what: 'the relay is ready', timeoutMs: readyTimeoutMs, intervalMs: 50 },
    );
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM: it publishes and reports what it received. Killed when that takes longer than 20 s. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(late);
  }

  #spawn(args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, [relayMain, ...args], {
      env: { ...process.env, ...this.#settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer) => {
      this.#log = [...this.#log, chunk.toString()].slice(-20);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    return child;
  }
}
