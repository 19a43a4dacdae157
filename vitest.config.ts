import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const usesOwnServers = /from '\.\/(own-stack-for-tests|primary-and-standby)\.ts'/;

/** Calamities on servers of their own, which are embedded whatever stack is tested: CI has run them once by then. */
const calamitiesLeftOut =
  process.env.TESTED_OWN_SERVERS === 'yes'
    ? globSync('proofs/calamities/*.e2e.test.ts').filter((file) =>
        usesOwnServers.test(readFileSync(file, 'utf8')),
      )
    : [];

/** A test's suffix names the machine it needs (CONTRIBUTING.md): each suffix is a vitest project. */
const project = (name: string, include: string[], exclude: string[] = []) => ({
  test: { name, include, exclude: ['**/node_modules/**', ...exclude], retry: 0, testTimeout: 20_000 },
});

const served = (name: string, moreSetup: string[] = []) => ({
  test: {
    name,
    include: [`{packages,apps,proofs,docs}/**/*.${name}.test.ts`],
    exclude: ['**/node_modules/**', ...calamitiesLeftOut],
    // One stack for the whole run, started once; files take turns because two cores carry everything.
    globalSetup: ['packages/testkit/src/vitest-stack.ts', ...moreSetup],
    retry: 0,
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});

export default defineConfig({
  test: {
    projects: [
      project(
        'pure',
        ['{packages,apps,proofs,docs}/**/*.test.ts', '*.test.ts'],
        ['**/*.{pg,kafka,e2e,browser}.test.ts'],
      ),
      served('pg'),
      served('kafka'),
      served('e2e'),
      // A page in a real browser, as it is built: both are made ready once.
      served('browser', ['apps/console/test/browser-setup.ts']),
    ],
  },
});
