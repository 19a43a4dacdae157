/** `npm run pack -- --out <directory>`: the tarballs, to be looked at or published. */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packAll } from './tarballs.ts';

const { values } = parseArgs({ options: { out: { type: 'string', default: 'tarballs' } } });
const directory = resolve(values.out);
await mkdir(directory, { recursive: true });
for (const { name, file } of await packAll({ directory, signal: new AbortController().signal }))
  process.stdout.write(`${name} ${file}\n`);
