/** docs/compare.md: its files are read as they stand there, and its commands are those that there are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAccepted } from '@diptych/compare/accepted-shapes';
import { parseMappings } from '@diptych/compare/mapping-file';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const page = read('docs/compare.md');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map((match) => match[1] ?? '');

test('the files of the page can be used', () => {
  const [accepted = '', mappings = ''] = blocks('json');
  expect(parseAccepted(accepted, 'page')).toMatchObject([{ shape: 'public.orders u (status)' }]);
  expect(parseMappings(mappings)).toMatchObject([
    { aggregateType: 'order', tables: ['public.orders', 'public.order_lines'] },
  ]);
});

test('each command of the page, and each of its options, is one that there is', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const sources = {
    diptych: ['comparison-commands', 'audit-install-commands', 'price']
      .map((name) => read(`apps/relay/src/commands/${name}.ts`))
      .join('\n'),
    compare: read('apps/compare/src/engine-command.ts'),
  };
  for (const line of blocks('sh').join('').trim().split('\n')) {
    const [, script = '', command = '', options = ''] = /^npm run (\w+) -- (\w+)(.*)$/.exec(line) ?? [];
    expect(scripts).toHaveProperty(script);
    const source = script === 'compare' ? sources.compare : sources.diptych;
    expect(source).toContain(`command('${command}')`);
    for (const [option] of options.matchAll(/--[a-z-]+/g))
      expect(source).toMatch(new RegExp(`'${option}[ ']`));
  }
});

test('what the page says of a file is what is refused', () => {
  expect(() => parseAccepted('{"accepted":[{"shape":"x","reason":" "}]}', 'f.json')).toThrow(
    'f.json cannot be used',
  );
  expect(() => parseAccepted('[]', 'f.json')).toThrow(/cannot be used/);
});

test('the code of the page is the code that runs in apps/demo', () => {
  expect(blocks('ts')).toEqual([read('apps/demo/src/examples/read-your-writes-for-tests.ts')]);
});
