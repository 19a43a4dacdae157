import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { kafkaHome } from './kafka-installation.ts';
import { cacheDirectory, installedJars, transferred } from './maven.ts';

async function homeWith(jars: Readonly<Record<string, string>>, manifest: Readonly<Record<string, number>>) {
  const home = await mkdtemp(join(tmpdir(), 'diptych-installation-'));
  onTestFinished(() => rm(home, { recursive: true }));
  await mkdir(join(home, 'libs'));
  for (const [name, bytes] of Object.entries(jars)) await writeFile(join(home, 'libs', name), bytes);
  await writeFile(join(home, 'manifest.json'), JSON.stringify(manifest));
  return home;
}

test('an installation counts only when every jar is there in its full size', async () => {
  const jars = { 'b.jar': '12345', 'a.jar': '123' };
  const whole = await homeWith(jars, { 'b.jar': 5, 'a.jar': 3 });
  expect(await installedJars(whole)).toEqual([join(whole, 'libs/a.jar'), join(whole, 'libs/b.jar')]);
  expect(await installedJars(await homeWith(jars, { 'b.jar': 6, 'a.jar': 3 }))).toBeUndefined();
  expect(await installedJars(await homeWith({ 'a.jar': '123' }, { 'b.jar': 5, 'a.jar': 3 }))).toBeUndefined();
  expect(await installedJars('/nowhere')).toBeUndefined();
});

test('the cache is where DIPTYCH_CACHE says, and another pom is another folder in it', () => {
  expect(cacheDirectory({ DIPTYCH_CACHE: '/cache' })).toBe('/cache');
  expect(cacheDirectory({})).toMatch(/\/\.cache\/diptych$/);
  expect(kafkaHome('/cache')).toMatch(/^\/cache\/kafka-4\.3\.1-[0-9a-f]{8}$/);
});

test('the count of a download is what Maven has said so far', () => {
  const output = [
    '[INFO] Downloading from central: https://repo.example/a.pom',
    'Downloaded from central: https://repo.example/a.pom (900 B at 1.0 kB/s)',
    'Downloaded from central: https://repo.example/a.jar (600 kB at 10 kB/s)',
    'Downloaded from central: https://repo.example/b.jar (7.4 MB at 10 MB/s)',
  ].join('\n');
  expect(transferred(output)).toBe('2 jars, 8 MB');
});
