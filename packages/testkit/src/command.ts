import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Identity } from './server.ts';
import type { Watchdog } from './watchdog.ts';

export interface CommandOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly identity?: Identity | undefined;
  readonly timeoutMs: number;
  readonly watchdog?: Watchdog | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with each piece of output as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** How a command ended: `code` is null when it could not be run or was ended by a signal or the time limit. */
export interface CommandResult {
  readonly code: number | null;
  /** Standard output and error together, the last 64 KiB. */
  readonly output: string;
}

const outputCharactersMax = 65_536;

/** Runs a command to its end. Never throws for what the command does; throws the signal's reason when aborted. */
export async function runCommand(options: CommandOptions): Promise<CommandResult> {
  const { command, args, cwd, env, identity, timeoutMs, watchdog, signal, onOutput } = options;
  signal?.throwIfAborted();
  const child = spawn(command, args, {
    env: env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(cwd === undefined ? {} : { cwd }),
    ...identity,
  });
  const { pid } = child;
  if (pid !== undefined) watchdog?.processStarted(pid, 'SIGKILL');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-outputCharactersMax);
      onOutput?.(text);
    });
  }
  const kill = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  const timer = setTimeout(kill, timeoutMs);
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      output += error.message;
      resolve(null);
    });
    child.once('close', (exitCode) => resolve(exitCode));
  });
  clearTimeout(timer);
  signal?.removeEventListener('abort', kill);
  if (pid !== undefined) watchdog?.processEnded(pid);
  signal?.throwIfAborted();
  return { code, output };
}

/** The path of a command that PATH finds, or undefined. */
export async function commandOnPath(
  name: string,
  path = process.env.PATH ?? '',
): Promise<string | undefined> {
  for (const directory of path.split(delimiter)) {
    if (directory === '') continue;
    const candidate = join(directory, name);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // not in this directory
    }
  }
  return undefined;
}
