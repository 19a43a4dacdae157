import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { engineArguments, nodeArguments, shebang } from './node-arguments.ts';

test.each([
  ['./main.ts', nodeArguments],
  ['../../compare/src/main.ts', engineArguments],
])(
  'whoever runs %s and whoever starts it from code gives Node the same arguments and environment',
  async (file, given) => {
    const main = await readFile(new URL(file, import.meta.url), 'utf8');
    expect(main.split('\n')[0]).toBe(shebang(given));
  },
);
