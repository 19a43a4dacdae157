import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { assert } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';
import type { Watchdog } from './watchdog.ts';

/** The user that a process runs as; undefined is ourselves. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** What fault tests do to a server. Its port and its data stay the same through all of it. */
export interface Control {
  /** Of the server's first process; undefined while it is not running, and for a container. */
  readonly pid: number | undefined;
  /** SIGKILL, as the kernel's out-of-memory killer would. Resolves when the process has gone. */
  kill(): Promise<void>;
  /** Postgres: immediate shutdown (no checkpoint, recovery at the next start). Kafka knows none: SIGKILL. */
  stopImmediately(): Promise<void>;
  /** An orderly shutdown. */
  stop(): Promise<void>;
  /** Starts it again and resolves when it answers. Throws OperatingError `server-not-started` with its last log lines. */
  start(): Promise<void>;
}

export interface ServerOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly identity?: Identity | undefined;
  readonly directory: string;
  readonly logFile: string;
  readonly signals: { readonly orderly: NodeJS.Signals; readonly immediate: NodeJS.Signals };
  /** Whether it answers, given what it has logged since this start. */
  readonly ready: (log: string) => Promise<boolean>;
  /** A log of a failed start after which trying again helps: what the last life left behind is still going away. */
  readonly passing?: RegExp;
  /** How long it may take until it answers. Default 60 s. */
  readonly startTimeoutMs?: number;
  readonly watchdog: Watchdog;
  readonly signal?: AbortSignal | undefined;
}

const startTimeoutMsDefault = 60_000;
const stopTimeoutMs = 30_000;
const logLinesMax = 20;

/** A server process of ours: started, ended in three ways, and started again on the same port and data. */
export class Server implements Control {
  readonly #options: ServerOptions;
  #child: ChildProcess | undefined;
  #logStart = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    const { name, ready, passing, signal, startTimeoutMs = startTimeoutMsDefault } = this.#options;
    assert(this.#child === undefined, `${name} is running already`);
    const deadline = performance.now() + startTimeoutMs;
    await this.#spawn();
    const answering = async (): Promise<true | undefined> => {
      // Asked before the log is read, so that the log of an ended server is whole.
      const ended = this.#child === undefined;
      const log = await this.#log();
      if (ended) {
        if (!passing?.test(log) || performance.now() > deadline) throw this.#notStarted(log, 'it ended');
        await this.#spawn();
        return undefined;
      }
      return (await ready(log)) ? true : undefined;
    };
    try {
      await poll(answering, {
        what: `${name} answers`,
        timeoutMs: startTimeoutMs,
        ...(signal && { signal }),
      });
    } catch (cause) {
      const log = await this.#log();
      await this.kill();
      signal?.throwIfAborted();
      if (cause instanceof OperatingError) throw cause;
      throw this.#notStarted(log, `it did not answer within ${startTimeoutMs / 1_000} s`, cause);
    }
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  stopImmediately(): Promise<void> {
    return this.#end(this.#options.signals.immediate);
  }

  stop(): Promise<void> {
    return this.#end(this.#options.signals.orderly);
  }

  async #spawn(): Promise<void> {
    const { name, command, args, env, identity, directory, logFile, signals, watchdog } = this.#options;
    const log = openSync(logFile, 'a');
    this.#logStart = (await stat(logFile)).size;
    const child = spawn(command, args, {
      cwd: directory,
      env: env ?? process.env,
      stdio: ['ignore', log, log],
      // A session of its own: Ctrl-C goes to us, and we decide what ends before the servers.
      detached: true,
      ...identity,
    });
    if (child.pid !== undefined) watchdog.processStarted(child.pid, signals.immediate);
    closeSync(log);
    const { pid } = child;
    if (pid === undefined) {
      const cause = await new Promise((resolve) => child.once('error', resolve));
      throw this.#notStarted('', `${basename(command)} cannot be run`, cause);
    }
    assert(this.#child === undefined, `${name} was started twice at once`);
    this.#child = child;
    child.once('exit', () => {
      watchdog.processEnded(pid);
      this.#child = undefined;
    });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await gone;
    clearTimeout(timer);
  }

  async #log(): Promise<string> {
    const bytes = await readFile(this.#options.logFile);
    return bytes.subarray(this.#logStart).toString('utf8');
  }

  #notStarted(log: string, why: string, cause?: unknown): OperatingError {
    const { name, logFile } = this.#options;
    const last = log.trimEnd().split('\n').slice(-logLinesMax).join('\n');
    return new OperatingError('server-not-started', `${name} was not started: ${why}\n${last}`.trimEnd(), {
      remedy: `The last lines of its log say why; with \`keep\` the whole log stays in ${logFile}.`,
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
