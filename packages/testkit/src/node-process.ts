/** A program of ours as a process, for those who kill it: by its id, also when whoever started it dies first. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { present } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type { Watchdog } from './watchdog.ts';

/** After SIGTERM: what is under way may end. */
const stopTimeoutMs = 20_000;

export interface NodeProcessOptions {
  readonly name: string;
  /** The file that Node runs. */
  readonly main: string;
  /** What the program is told to do as long as it lives. */
  readonly args: readonly string[];
  /** Besides what it inherits. */
  readonly environment: Readonly<Record<string, string>>;
  /** Default: the environment of this process. */
  readonly inherited?: NodeJS.ProcessEnv;
  /** Its log is appended there, over all its lives. */
  readonly logFile: string;
  readonly watchdog: Watchdog;
  /** Arguments of Node itself. */
  readonly nodeArguments?: readonly string[];
}

/** How a life ended that nobody had asked to end. */
export interface UnaskedExit {
  readonly name: string;
  readonly code: number | null;
  readonly lastLine: string;
}

export class NodeProcess {
  readonly name: string;
  readonly #options: NodeProcessOptions;
  readonly #unasked: Promise<UnaskedExit>[] = [];
  readonly #firstUnasked = Promise.withResolvers<UnaskedExit>();
  #child: ChildProcess | null = null;
  #peakRssBytes = Number.NaN;

  constructor(options: NodeProcessOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined;
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The most memory that any life of it had resident, in bytes. Linux only: NaN elsewhere, which no limit accepts. */
  get peakRssBytes(): number {
    return this.#peakRssBytes;
  }

  /** The program with other arguments; waits until it is done. Throws with the end of the log when it refuses. */
  async command(...args: readonly string[]): Promise<void> {
    const child = this.#spawn(args);
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code === 0) return;
    throw new OperatingError(
      'server-not-started',
      `${this.name}: ${args.join(' ')} failed (exit ${code})\n${await this.lastLine()}`,
      { remedy: `Its log says why: ${this.#options.logFile}` },
    );
  }

  /** Returns as soon as the process is there. */
  start(): void {
    const child = this.#spawn(this.#options.args);
    this.#child = child;
    child.once('exit', (code) => {
      // Whoever ends it forgets it first.
      if (this.#child !== child) return;
      const life = this.lastLine().then((lastLine) => ({ name: this.name, code, lastLine }));
      this.#unasked.push(life);
      this.#firstUnasked.resolve(life);
    });
  }

  /** Resolves when the process has gone; `exitedAtMs` is when we saw it, on the clock of `Date.now`. */
  kill(): Promise<{ exitedAtMs: number }> {
    return this.#end('SIGKILL');
  }

  /** SIGTERM; killed when it takes longer than 20 s. */
  stop(): Promise<{ exitedAtMs: number }> {
    return this.#end('SIGTERM');
  }

  /** SIGSTOP: it holds what it holds, and does nothing. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** SIGCONT. */
  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Lives that ended by themselves: each is a finding, whatever the records say. */
  unaskedExits(): Promise<UnaskedExit[]> {
    return Promise.all(this.#unasked);
  }

  /** Resolves when a life ends by itself. */
  get unaskedExit(): Promise<UnaskedExit> {
    return this.#firstUnasked.promise;
  }

  /** Looks at the peak of its memory now: the kernel forgets it with the process. */
  async samplePeak(): Promise<void> {
    const text = await readFile(`/proc/${this.pid}/status`, 'utf8').catch(() => '');
    const kibibytes = /^VmHWM:\s+(\d+) kB/m.exec(text)?.[1];
    if (kibibytes === undefined) return;
    const before = Number.isNaN(this.#peakRssBytes) ? 0 : this.#peakRssBytes;
    this.#peakRssBytes = Math.max(before, Number(kibibytes) * 1024);
  }

  async lastLine(): Promise<string> {
    const text = await readFile(this.#options.logFile, 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-3).join('\n').slice(-2000);
  }

  async #end(signal: NodeJS.Signals): Promise<{ exitedAtMs: number }> {
    const child = this.#child;
    await this.samplePeak();
    this.#child = null;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      const late = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      await ended;
      clearTimeout(late);
      await appendFile(this.#options.logFile, `{"testkit":"${this.name} ended by ${signal}"}\n`);
    }
    return { exitedAtMs: Date.now() };
  }

  #spawn(args: readonly string[]): ChildProcess {
    const { main, environment, logFile, watchdog, nodeArguments = [] } = this.#options;
    const { inherited = process.env } = this.#options;
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, [...nodeArguments, main, ...args], {
      env: { ...inherited, ...environment },
      stdio: ['ignore', log, log],
      // Ctrl-C goes to us, and we end it.
      detached: true,
    });
    closeSync(log);
    const pid = present(child.pid, `the process of ${this.name}`);
    watchdog.processStarted(pid, 'SIGKILL');
    child.once('exit', () => watchdog.processEnded(pid));
    return child;
  }
}
