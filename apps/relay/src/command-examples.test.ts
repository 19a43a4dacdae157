/** The help that each command shows. */
import { expect, test } from 'vitest';
import { commands } from './all-commands.ts';
import { examples, leaves } from './command-examples.ts';

const all = [...leaves(commands(() => {}))];

test('each command shows in its help how it is typed', () => {
  expect(all.filter(([words]) => !examples[words]).map(([words]) => words)).toEqual([]);
  expect(all.length).toBeGreaterThan(20);
});

test('an example is of a command that there is, by options that it has', () => {
  const known = new Map(all);
  for (const [words, lines] of Object.entries(examples))
    for (const line of lines) {
      const command = known.get(words);
      expect(command, words).toBeDefined();
      expect(line).toContain(`diptych ${line.includes('--config') ? '--config staging.json ' : ''}${words}`);
      const options = [
        ...line
          .replace(/^.*?diptych /, '')
          .replace(/ [|#>].*$/, '')
          .matchAll(/ (--[a-z-]+)/g),
      ].map((match) => match[1]);
      const own = [
        '--help',
        '--config',
        ...(command?.options.map(({ long }) => long) ?? []),
        ...(command?.parent?.options.map(({ long }) => long) ?? []),
      ];
      expect(
        options.filter((option) => !own.includes(option)),
        line,
      ).toEqual([]);
    }
});
