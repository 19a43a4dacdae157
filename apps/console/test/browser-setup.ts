/** Vitest's globalSetup of tests in a browser: the page as it is built, and a Chromium. */
import { fileURLToPath } from 'node:url';
import { sayTo } from '@diptych/testkit/progress';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';
import { findChromium } from './chromium-for-tests.ts';

declare module 'vitest' {
  interface ProvidedContext {
    chromiumPath: string;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  project.provide('chromiumPath', await findChromium(sayTo(process.stderr)));
  await build({ configFile: fileURLToPath(new URL('../vite.config.ts', import.meta.url)) });
}
