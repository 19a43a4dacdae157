import { defineConfig } from 'vitest/config';

/** Apart from `npm test`: this needs a container engine and nothing else, and brings its servers itself. */
export default defineConfig({
  test: {
    name: 'compose',
    include: ['docker/*.compose.test.ts'],
    retry: 0,
    // The images may have to be pulled first.
    hookTimeout: 600_000,
    testTimeout: 180_000,
  },
});
