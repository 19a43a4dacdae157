import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { nodeArguments } from './node-arguments.ts';

test('whoever runs the command and whoever starts it from code gives Node the same arguments', async () => {
  const main = await readFile(new URL('./main.ts', import.meta.url), 'utf8');
  expect(main.split('\n')[0]).toBe(`#!/usr/bin/env -S node ${nodeArguments.join(' ')}`);
});
