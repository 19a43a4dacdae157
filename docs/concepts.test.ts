/** docs/concepts.md and docs/replay.md: each idea has a command that shows it, and each command is one that there is. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const questions = read('apps/projections/src/question-routes.ts');
const openApiPaths = read('apps/cart/src/cart-routes.ts') + read('apps/cart/src/past-routes.ts');

const commandsOf = (text: string): string[] =>
  [...text.matchAll(/```sh\n(.*?)```/gs)].flatMap((block) => (block[1] ?? '').trim().split('\n'));

/** Whether a command runs what is there: a script, a test file of its project, a route of the cart service, a question of the projections. */
function isThere(command: string): boolean {
  const script = /^npm run (\S+)/.exec(command)?.[1];
  if (script) return Object.hasOwn(scripts, script);
  const [, project, path = ''] = /^npx vitest run --project (\w+) (\S+)$/.exec(command) ?? [];
  if (project) {
    const suffix = project === 'pure' ? '.test.ts' : `.${project}.test.ts`;
    return readdirSync(join(root, dirname(path))).includes(`${basename(path)}${suffix}`);
  }
  const question = /'http:\/\/127\.0\.0\.1:8083(\/[a-z/-]+)/.exec(command)?.[1];
  if (question) return questions.includes(`'${question}'`);
  const route = /'http:\/\/127\.0\.0\.1:8080(?:\/es)?\/carts\/\d+([a-z/]*)/.exec(command);
  return route !== null && openApiPaths.includes(`'/carts/:id${route[1]}'`);
}

test('each idea has a command that shows it', () => {
  const ideas = read('docs/concepts.md').split(/^## /m).slice(1);
  const silent = ideas.filter((idea) => commandsOf(idea).length === 0).map((idea) => idea.split('\n')[0]);
  expect(silent).toEqual([]);
  expect(ideas.length).toBeGreaterThan(10);
});

test('the code of docs/replay.md that reads topics is the code that runs in apps/demo', () => {
  const code = read('apps/demo/src/examples/tally-for-tests.ts');
  expect(read('docs/replay.md')).toContain(`\`\`\`ts\n${code}\`\`\``);
});

test.each(['docs/concepts.md', 'docs/replay.md'])('each command of %s is one that there is', (page) => {
  expect(commandsOf(read(page)).filter((command) => !isThere(command))).toEqual([]);
});
