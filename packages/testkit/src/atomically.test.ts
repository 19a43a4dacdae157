import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { atomically } from './atomically.ts';

let directory: string;
let target: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'diptych-atomically-'));
  target = join(directory, 'target');
});
afterEach(() => rm(directory, { recursive: true }));

async function complete(): Promise<boolean> {
  return access(join(target, 'last')).then(
    () => true,
    () => false,
  );
}

function fillWith(text: string) {
  return async (part: string) => {
    await writeFile(join(part, 'first'), text);
    await writeFile(join(part, 'last'), text);
  };
}

test('of many who make a folder at once one wins whole, and nothing else is left', async () => {
  const writers = Array.from({ length: 10 }, (_, index) => String(index));
  await Promise.all(writers.map((text) => atomically({ target, complete }, fillWith(text))));
  expect(await readdir(directory)).toEqual(['target']);
  expect(await readFile(join(target, 'first'), 'utf8')).toBe(await readFile(join(target, 'last'), 'utf8'));
});

test('a folder that is whole already is left as it is', async () => {
  await atomically({ target, complete }, fillWith('earlier'));
  await atomically({ target, complete }, fillWith('later'));
  expect(await readFile(join(target, 'first'), 'utf8')).toBe('earlier');
});

test('a broken folder in the place is replaced', async () => {
  await mkdir(target);
  await writeFile(join(target, 'first'), 'broken');
  await atomically({ target, complete }, fillWith('whole'));
  expect(await readFile(join(target, 'first'), 'utf8')).toBe('whole');
});

test('when filling fails there is neither a target nor a rest, and the failure is told', async () => {
  const failing = atomically({ target, complete }, async (part) => {
    await writeFile(join(part, 'first'), 'half');
    throw new Error('the network is gone');
  });
  await expect(failing).rejects.toThrow('the network is gone');
  expect(await readdir(directory)).toEqual([]);
});
