/** docs/console.md: its file can be used, and its settings and paths are those that there are. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseMasks } from '@diptych/compare/mask';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const page = read('docs/console.md');
const command = read('apps/compare/src/console/console-command.ts');

test('the masks of the page can be used', () => {
  const [, masks = ''] = /```json\n(.*?)```/s.exec(page) ?? [];
  expect(parseMasks(masks)).toMatchObject({ tables: { 'public.customers': ['email', 'birthday'] } });
});

test('each setting of the page is one that there is, and each that there is stands on the page', () => {
  const named = (pattern: RegExp, text: string): Set<string> =>
    new Set([...text.matchAll(pattern)].map(([, name]) => name ?? ''));
  const settings = page.split('| setting |')[1]?.split('\n\n')[0] ?? '';
  const options = named(/'--([a-z-]+) </g, command);
  expect(named(/`--([a-z-]+)`/g, settings)).toEqual(options);
  for (const used of named(/ --([a-z-]+)(?= [a-z0-9])/g, page.match(/^.* console --.*$/gm)?.join('\n') ?? ''))
    expect(options).toContain(used);
  const environment = named(/(DIPTYCH_CONSOLE_[A-Z_]+)/g, command);
  const told = named(/(DIPTYCH_CONSOLE_[A-Z_]+)/g, settings.replaceAll('…_', 'DIPTYCH_CONSOLE_'));
  expect(told).toEqual(environment);
});

test('each path of the page is served', () => {
  const sources = globSync('apps/compare/src/console/*-routes.ts', { cwd: root }).map(read).join('\n');
  const served = [...sources.matchAll(/'(\/[a-z/:.]+)'/g)].map(
    ([, path = '']) => new RegExp(`^${path.replaceAll(/:[a-z]+/g, '[^/]+').replaceAll('.', '\\.')}$`),
  );
  const table = page.split('| path |')[1]?.split('\n\n')[0] ?? '';
  const paths = [...table.matchAll(/`(\/[^`?]*)/g)].map(([, path = '']) => path);
  expect(paths.length).toBeGreaterThan(12);
  for (const path of paths)
    expect(
      served.some((pattern) => pattern.test(path)),
      path,
    ).toBe(true);
});
