/** docs/security.md: each variable is a setting, each command one that there is, each code one that is raised. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationSchema } from '@diptych/relay-app/configuration';
import { settingsOf } from '@diptych/runtime/configuration';
import { failures } from '@diptych/runtime/failure';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '..', path), 'utf8');
const page = read('docs/security.md');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const lines = [...page.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) => block.trim().split('\n'));

test('each variable that is set is a setting', () => {
  const variables = new Set(settingsOf(configurationSchema).map(({ variable }) => variable));
  const set = lines.flatMap((line) => /^export (\w+)=\S+$/.exec(line)?.[1] ?? []);
  expect(set.filter((variable) => !variables.has(variable))).toEqual([]);
  expect(set.length).toBeGreaterThan(10);
});

test('each command and its options are there', () => {
  const commands = lines.filter((line) => !line.startsWith('export '));
  const options = read('apps/relay/src/commands/init-command.ts');
  for (const command of commands) {
    const [, script = '', rest = ''] =
      /^npm run (?:--silent )?(\S+) -- init(.*?)(?: > \S+)?$/.exec(command) ?? [];
    expect(Object.keys(scripts), command).toContain(script);
    for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(options, command).toContain(`'${option}`);
  }
  expect(commands.length).toBeGreaterThan(1);
});

test('each code is one of those that errors have', () => {
  const codes = [...page.matchAll(/`((?:postgres|kafka)-[a-z-]+)`/g)].map(([, code]) => code);
  expect(codes.filter((code) => code === undefined || !Object.hasOwn(failures, code))).toEqual([]);
});
