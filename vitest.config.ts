import { defineConfig } from 'vitest/config';

/** A test's suffix names the machine it needs (CONTRIBUTING.md): each suffix is a vitest project. */
const project = (name: string, include: string[], exclude: string[] = []) => ({
  test: { name, include, exclude: ['**/node_modules/**', ...exclude], retry: 0, testTimeout: 20_000 },
});

const served = (name: string) => ({
  test: {
    name,
    include: [`{packages,apps,proofs,docs}/**/*.${name}.test.ts`],
    exclude: ['**/node_modules/**'],
    // One stack for the whole run, started once; files take turns because two cores carry everything.
    globalSetup: ['packages/testkit/src/vitest-stack.ts'],
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
    ],
  },
});
