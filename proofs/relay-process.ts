/** A relay as a process, for those who kill it: by its id, also when whoever started it dies first. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { nodeArguments as usualArguments } from '@diptych/relay-app/node-arguments';
import { present } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type { Watchdog } from '@diptych/testkit/watchdog';

const relayMain = fileURLToPath(import.meta.resolve('@diptych/relay-app/main'));

/** After SIGTERM: a relay publishes and reports what it received. */
const stopTimeoutMs = 20_000;

/** Settings of a relay, as its environment variables. */
export type RelaySettings = Readonly<Record<`DIPTYCH_${string}`, string>>;

export interface RelayOptions {
  readonly name: string;
  readonly settings: RelaySettings;
  /** Its log is appended there, over all its lives. */
  readonly logFile: string;
  readonly watchdog: Watchdog;
  /** Arguments of Node itself, besides those that a relay is always started with. */
  readonly nodeArguments?: readonly string[];
}

/** How a life ended that nobody had asked to end. */
export interface UnaskedExit {
  readonly relay: string;
  readonly code: number | null;
  readonly lastLine: string;
}

export class RelayProcess {
  readonly name: string;
  readonly #options: RelayOptions;
  readonly #unasked: Promise<UnaskedExit>[] = [];
  #child: ChildProcess | null = null;
  #peakRssBytes = Number.NaN;

  constructor(options: RelayOptions) {
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

  /** `diptych init`: waits until it is done. Throws with the end of its log when it refuses. */
  initialise(): Promise<void> {
    return this.command('init');
  }

  /** A command with the relay's settings; waits until it is done. Throws with the end of the log when it refuses. */
  async command(...args: readonly string[]): Promise<void> {
    const child = this.#spawn(...args);
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code === 0) return;
    throw new OperatingError(
      'server-not-started',
      `diptych ${args[0]} failed (exit ${code})\n${await this.lastLine()}`,
      {
        remedy: `Its log says why: ${this.#options.logFile}`,
      },
    );
  }

  /** `diptych run`: returns as soon as the process is there. */
  start(): void {
    const child = this.#spawn('run');
    this.#child = child;
    child.once('exit', (code) => {
      // Whoever ends it forgets it first.
      if (this.#child !== child) return;
      const life = this.lastLine().then((lastLine) => ({ relay: this.name, code, lastLine }));
      this.#unasked.push(life);
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

  /** What it answers at `/status`; null while it does not, or not within 200 ms. */
  async status(): Promise<{ role: string; publishedLsn: string } | null> {
    try {
      const answer = await fetch(`${this.#url}/status`, { signal: AbortSignal.timeout(200) });
      return (await answer.json()) as { role: string; publishedLsn: string };
    } catch {
      return null;
    }
  }

  /** Records that this life committed to Kafka, over all panels; null while it does not answer. */
  async recordsPublished(): Promise<number | null> {
    try {
      const answer = await fetch(`${this.#url}/metrics`, { signal: AbortSignal.timeout(1000) });
      const counts = (await answer.text()).matchAll(/^diptych_records_published_total\{.*\} (\d+)/gm);
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    } catch {
      return null;
    }
  }

  /** Rows that were read of the tables that a snapshot is reading; null while it does not answer. */
  async snapshotRows(): Promise<number | null> {
    try {
      const answer = await fetch(`${this.#url}/metrics`, { signal: AbortSignal.timeout(1000) });
      return Number(/^diptych_snapshot_rows (\d+)/m.exec(await answer.text())?.[1] ?? 0);
    } catch {
      return null;
    }
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

  get #url(): string {
    return `http://127.0.0.1:${this.#options.settings.DIPTYCH_HTTP_PORT}`;
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
      await appendFile(this.#options.logFile, `{"proof":"${this.name} ended by ${signal}"}\n`);
    }
    return { exitedAtMs: Date.now() };
  }

  #spawn(...args: readonly string[]): ChildProcess {
    const { settings, logFile, watchdog, nodeArguments = [] } = this.#options;
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, [...usualArguments, ...nodeArguments, relayMain, ...args], {
      env: { ...process.env, ...settings },
      stdio: ['ignore', log, log],
      // Ctrl-C goes to us, and we end it.
      detached: true,
    });
    closeSync(log);
    const pid = present(child.pid, 'the process of a relay');
    watchdog.processStarted(pid, 'SIGKILL');
    child.once('exit', () => watchdog.processEnded(pid));
    return child;
  }
}
