/** The relay as a process of its own, so that it can be killed like one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { nodeArguments } from '@diptych/relay-app/node-arguments';
import { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';
import { Watchdog } from '@diptych/testkit/watchdog';

const relayMain = fileURLToPath(import.meta.resolve('@diptych/relay-app/main'));

/** Settings of a relay, as its environment variables. */
export type RelaySettings = Readonly<Record<`DIPTYCH_${string}`, string>>;

const readyTimeoutMs = 60_000;
const stopTimeoutMs = 20_000;

export class RelayProcess {
  readonly #settings: RelaySettings;
  readonly #watchdog = new Watchdog();
  readonly #unexpectedEnd = Promise.withResolvers<OperatingError>();
  #child: ChildProcess | null = null;
  /** The last lines of its log, for the error when it does not come up. */
  #log: string[] = [];

  constructor(settings: RelaySettings) {
    this.#settings = settings;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#settings.DIPTYCH_HTTP_PORT}`;
  }

  /** Resolves when the relay ends although nobody asked it to, with the end of its log. */
  get unexpectedEnd(): Promise<OperatingError> {
    return this.#unexpectedEnd.promise;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** `diptych init`: waits until it is done. Throws with its output when it refuses. */
  async initialise(): Promise<void> {
    const child = this.#spawn(['init']);
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw this.#ended(`diptych init failed (exit ${code})`);
  }

  /** `diptych run`: returns as soon as the process is there. */
  start(): void {
    const child = this.#spawn(['run']);
    this.#child = child;
    child.once('exit', (code, signal) => {
      if (this.#child === child)
        this.#unexpectedEnd.resolve(this.#ended(`the relay ended (${signal ?? `exit ${code}`})`));
    });
  }

  /** Waits until the relay streams or stands by. Throws with the end of its log when it does not come up. */
  async ready(): Promise<void> {
    const answers = poll(
      async () => ((await fetch(`${this.url}/readyz`).catch(() => null))?.ok ? true : undefined),
      {
        what: 'the relay is ready',
        timeoutMs: readyTimeoutMs,
      },
    );
    const ended = await Promise.race([answers, this.unexpectedEnd]);
    if (ended instanceof OperatingError) throw ended;
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM: it publishes and reports what it received. Killed when that takes longer than 20 s. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    await this.#watchdog.finish();
  }

  #ended(what: string): OperatingError {
    return new OperatingError('relay-ended', `${what}:\n${this.#log.join('').trimEnd()}`, {
      remedy: 'The last lines of its log say why.',
    });
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
    const child = spawn(process.execPath, [...nodeArguments, relayMain, ...args], {
      env: { ...withoutSettings(process.env), ...this.#settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // Should we be killed, the relay must not live on without its servers.
    const { pid } = child;
    if (pid !== undefined) {
      this.#watchdog.processStarted(pid, 'SIGKILL');
      child.once('exit', () => this.#watchdog.processEnded(pid));
    }
    const keep = (chunk: Buffer) => {
      this.#log = [...this.#log, chunk.toString()].slice(-20);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    return child;
  }
}

/** The settings of the user's own relay are not this one's. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => !name.startsWith('DIPTYCH_') || name === 'DIPTYCH_LOG_LEVEL',
    ),
  );
}
