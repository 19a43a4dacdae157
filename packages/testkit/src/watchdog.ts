import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `watchdog-child.ts` beside us, or what was built of it. */
const child = fileURLToPath(new URL(`./watchdog-child${extname(import.meta.url)}`, import.meta.url));

/** What the owner tells its watchdog, one line of JSON each. */
export type WatchdogOrder =
  | { readonly tag: 'process-started'; readonly pid: number; readonly signal: NodeJS.Signals }
  | { readonly tag: 'process-ended'; readonly pid: number }
  | { readonly tag: 'directory-created'; readonly path: string }
  | { readonly tag: 'finish' };

/**
 * A small process that outlives us just long enough: it holds the other end of a pipe, and when the pipe closes without
 * `finish` it ends the processes and removes the directories that it was told of. Start it before anything else.
 */
export class Watchdog {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = spawn(process.execPath, [child], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // A watchdog that died cannot be told anything; the servers are then only stopped by their owner.
    this.#child.on('error', () => undefined);
    this.#child.stdin?.on('error', () => undefined);
    this.#child.unref();
    if (this.#child.stdin instanceof Socket) this.#child.stdin.unref();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** `signal` is what ends this process at once and cleanly. Call it in the same tick as the spawn. */
  processStarted(pid: number, signal: NodeJS.Signals): void {
    this.#tell({ tag: 'process-started', pid, signal });
  }

  processEnded(pid: number): void {
    this.#tell({ tag: 'process-ended', pid });
  }

  directoryCreated(path: string): void {
    this.#tell({ tag: 'directory-created', path });
  }

  /** Nothing is left to watch, or what is left is meant to stay. Resolves when the watchdog has gone. */
  async finish(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined)
      return;
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.ref();
    this.#tell({ tag: 'finish' });
    await gone;
  }

  #tell(order: WatchdogOrder): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }
}
