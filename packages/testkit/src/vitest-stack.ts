import type { TestProject } from 'vitest/node';
import type { StackKind } from './choose.ts';
import { sayTo } from './progress.ts';
import { offerServers, withdrawServers } from './servers.ts';
import { type Stack, startStack } from './stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    diptychStackKind: StackKind;
    diptychDatabaseUrl: string;
    diptychBrokers: readonly string[];
  }
}

/** One stack for all projects of the run: each project loads this file anew, so it is kept on the process. */
interface SharedStack {
  stack: Promise<Stack> | undefined;
  users: number;
}

const key = Symbol.for('diptych.testkit.stack');
const holder = globalThis as { [key]?: SharedStack };

/**
 * Vitest's globalSetup of the projects that need servers. Vitest calls it only for projects that have a test to run; the
 * first one starts the stack, the last one to end stops it.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  holder[key] ??= { stack: undefined, users: 0 };
  const shared = holder[key];
  shared.users += 1;
  shared.stack ??= startStack({ say: sayTo(process.stderr) });
  const stack = await shared.stack;
  project.provide('diptychStackKind', stack.kind);
  project.provide('diptychDatabaseUrl', stack.databaseUrl);
  project.provide('diptychBrokers', stack.brokers);
  offerServers(stack);
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.stack = undefined;
    withdrawServers();
    await stack.stop();
  };
}
