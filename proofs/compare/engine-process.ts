/** The engine as a process, for those who kill it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { engineArguments, nodeEnvironment } from '@diptych/relay-app/node-arguments';
import { OperatingError } from '@diptych/runtime/failure';
import type { Watchdog } from '@diptych/testkit/watchdog';

const engineMain = fileURLToPath(import.meta.resolve('@diptych/compare-app/main'));

/** How far it is, as it says every half second. */
export interface Progress {
  readonly transactions: number;
  readonly caughtUp: boolean;
  readonly lagMsMax: number;
}

export interface EngineSettings {
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly domainPrefix: string;
  readonly databaseUrl: string;
  readonly mappings: string;
  /** Under which it keeps its state. */
  readonly name: string;
  readonly watchdog: Watchdog;
}

const stderrCharactersMax = 2000;

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; 100 wherever Node runs. */
const ticksPerSecond = 100;

export class EngineProcess {
  readonly #child: ChildProcess;
  readonly #watchdog: Watchdog;
  #last: string | undefined;
  #stderr = '';
  #peakRssBytes = 0;
  #cpuSeconds = Number.NaN;
  #lagMsMax = 0;

  /** `once`: it ends when it has folded what is there, and answers. Else it follows until it is killed. */
  constructor(settings: EngineSettings, mode: '--once' | '--json') {
    const { brokers, prefix, domainPrefix, databaseUrl, mappings, name, watchdog } = settings;
    const options = {
      brokers: brokers.join(','),
      prefix,
      'domain-prefix': domainPrefix,
      database: databaseUrl,
      mappings,
      name,
    };
    const args = Object.entries(options).flatMap(([option, value]) => [`--${option}`, value]);
    this.#watchdog = watchdog;
    this.#child = spawn(process.execPath, [...engineArguments, engineMain, 'engine', ...args, mode], {
      env: { ...process.env, ...nodeEnvironment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const { pid, stdout, stderr } = this.#child;
    if (pid !== undefined) watchdog.processStarted(pid, 'SIGKILL');
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrCharactersMax);
    });
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#hear(line));
  }

  /** What it said last; null before its first word. */
  get progress(): Progress | null {
    return this.#last === undefined ? null : (JSON.parse(this.#last) as Progress);
  }

  /** The longest from a commit until it was folded, in ms, once it had caught up. */
  get lagMsMax(): number {
    return this.#lagMsMax;
  }

  /** What is behind until now does not count. */
  forgetLag(): void {
    this.#lagMsMax = 0;
  }

  /** The kernel's high-water mark, as it was looked at last. Linux only: else NaN, which no limit accepts. */
  get peakRssBytes(): number {
    return this.#peakRssBytes === 0 ? Number.NaN : this.#peakRssBytes;
  }

  /** Processor time that it took, as it was looked at last. Linux only: else NaN. */
  get cpuSeconds(): number {
    return this.#cpuSeconds;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async kill(): Promise<void> {
    await this.samplePeak();
    if (this.running) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await ended;
    }
    if (this.#child.pid !== undefined) this.#watchdog.processEnded(this.#child.pid);
  }

  /** Its answer, one line of JSON, after it has ended by itself. Throws OperatingError with what it said when it failed. */
  async answer(): Promise<unknown> {
    const peak = setInterval(() => void this.samplePeak(), 200);
    try {
      const [code] = (await once(this.#child, 'close')) as [number | null];
      if (code === 0 && this.#last !== undefined) return JSON.parse(this.#last);
      throw new OperatingError('server-not-started', `the engine ended with ${code}\n${this.#stderr}`, {
        remedy: 'What it said says why.',
      });
    } finally {
      clearInterval(peak);
      if (this.#child.pid !== undefined) this.#watchdog.processEnded(this.#child.pid);
    }
  }

  /** Looks at memory and processor time now: the kernel forgets them with the process. */
  async samplePeak(): Promise<void> {
    const text = await readFile(`/proc/${this.#child.pid}/status`, 'utf8').catch(() => '');
    const kibibytes = /^VmHWM:\s+(\d+) kB/m.exec(text)?.[1];
    if (kibibytes !== undefined) this.#peakRssBytes = Math.max(this.#peakRssBytes, Number(kibibytes) * 1024);
    const stat = await readFile(`/proc/${this.#child.pid}/stat`, 'utf8').catch(() => '');
    // Behind the command's name, which may hold anything: fields 14 and 15, in ticks.
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number);
    if (user !== undefined && system !== undefined) this.#cpuSeconds = (user + system) / ticksPerSecond;
  }

  #hear(line: string): void {
    this.#last = line;
    const { lagMsMax } = JSON.parse(line) as Partial<Progress>;
    this.#lagMsMax = Math.max(this.#lagMsMax, lagMsMax ?? 0);
  }
}
