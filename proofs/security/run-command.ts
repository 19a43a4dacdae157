/** A program of ours run to its end. */
import { execFile } from 'node:child_process';

export interface Ended {
  readonly exitCode: number;
  /** Standard output and standard error. */
  readonly text: string;
}

const timeoutMs = 120_000;

/** Never throws for how it ended; -1 is a process that was killed for taking too long. */
export function runCommand(
  main: string,
  { args, environment }: { args: readonly string[]; environment: Readonly<Record<string, string>> },
): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const options = {
    env: { ...process.env, ...environment },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  } as const;
  execFile(process.execPath, [main, ...args], options, (error, stdout, stderr) => {
    const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
    resolve({ exitCode, text: stdout + stderr });
  });
  return promise;
}
