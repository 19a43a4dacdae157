/** What other people’s tools say of a tarball: are its exports and types found by those who install it. */
import { join } from 'node:path';
import { runCommand } from '@diptych/testkit/command';
import type { Tarball } from './tarballs.ts';

/** Installed by the proof, not by everyone who installs the repository: they bring a compiler of their own. */
export const checkers = { '@arethetypeswrong/cli': '0.18.5', publint: '0.3.25' } as const;

const timeoutMs = 300_000;

/** Each complaint, a line. The packages are for `import` alone: Node 24 lets `require` load them too. */
export async function complaintsAbout(
  { name, file }: Tarball,
  { tools, signal }: { readonly tools: string; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const bin = join(tools, 'node_modules/.bin');
  const commands = [
    { command: join(bin, 'attw'), args: [file, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii'] },
    { command: join(bin, 'publint'), args: ['run', file, '--strict'] },
  ];
  const complaints: string[] = [];
  for (const options of commands) {
    const { code, output } = await runCommand({ ...options, cwd: tools, timeoutMs, signal });
    if (code !== 0) complaints.push(`${name}: ${output.trim().slice(-2000)}`);
  }
  return complaints;
}
