/** The quick start of a README: its files are written, its commands are run, in the order of the page. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '@diptych/runtime/assert';
import { runCommand } from '@diptych/testkit/command';
import { repository, type Workspace } from './workspaces.ts';

/** A machine that is busy takes a minute to start servers. */
const stepTimeoutMs = 300_000;

export type Step =
  | { readonly tag: 'install'; readonly libraries: readonly string[] }
  | { readonly tag: 'file'; readonly name: string; readonly text: string }
  | { readonly tag: 'run'; readonly script: string }
  /** ```sh background: in a terminal of its own. */
  | { readonly tag: 'background'; readonly script: string };

/** What stands under "Quick start". A file is a block of `ts` whose first line is a comment with its name. */
export async function quickStartOf({ folder, manifest }: Workspace): Promise<readonly Step[]> {
  const page = await readFile(join(repository, folder, 'README.md'), 'utf8');
  const part = present(
    /^## Quick start\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(page)?.[1],
    `${manifest.name}: quick start`,
  );
  return [...part.matchAll(/^```(ts|sh)( background)?\n([\s\S]*?)^```$/gm)].map(
    ([, language, background, text = '']): Step => {
      if (language === 'ts')
        return { tag: 'file', name: present(/^\/\/ (\S+)\n/.exec(text)?.[1], 'the file’s name'), text };
      if (background) return { tag: 'background', script: text };
      const installed = /^npm install (.*)\n$/.exec(text)?.[1];
      if (!installed) return { tag: 'run', script: text };
      return { tag: 'install', libraries: installed.split(' ').filter((word) => !word.startsWith('-')) };
    },
  );
}

/** What of others a quick start says is to be installed. */
export function librariesOf(steps: readonly Step[]): string[] {
  return steps
    .flatMap((step) => (step.tag === 'install' ? step.libraries : []))
    .filter((library) => !library.startsWith('@diptych/'));
}

export interface Outcome {
  /** Null: all of it ran to exit code 0. */
  readonly failure: string | null;
  readonly output: string;
}

export class Terminal {
  readonly #project: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #background: ChildProcess[] = [];

  constructor({ project, environment }: { project: string; environment: NodeJS.ProcessEnv }) {
    this.#project = project;
    this.#environment = environment;
  }

  /** Goes through the steps; what is installed is there already. Ends with the first that fails. */
  async follow(steps: readonly Step[], environment: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const env = { ...this.#environment, ...environment };
    let output = '';
    for (const step of steps) {
      if (step.tag === 'file') await writeFile(join(this.#project, step.name), step.text);
      if (step.tag === 'background') this.#spawn(step.script, env);
      if (step.tag !== 'run') continue;
      const args = ['-euo', 'pipefail', '-c', step.script];
      const done = await runCommand({
        command: 'bash',
        args,
        cwd: this.#project,
        env,
        timeoutMs: stepTimeoutMs,
      });
      output += done.output;
      if (done.code !== 0) return { failure: `${step.script.trim()} (exit ${done.code})`, output };
    }
    return { failure: null, output };
  }

  /** SIGTERM to all that runs in the background, and waits. */
  async close(): Promise<void> {
    for (const child of this.#background) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      process.kill(-child.pid, 'SIGTERM');
      await gone;
    }
  }

  #spawn(script: string, env: NodeJS.ProcessEnv): void {
    const log = openSync(join(this.#project, 'background.log'), 'a');
    const stdio = ['ignore', log, log] as const;
    // A group of its own: npx starts what it is asked to as a child of its child.
    this.#background.push(
      spawn('bash', ['-c', script], { cwd: this.#project, env, stdio: [...stdio], detached: true }),
    );
  }
}
