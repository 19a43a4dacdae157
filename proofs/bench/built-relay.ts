/** The relay as its image has it (docs/decisions/0046-bundle.md), built from the sources as they are now. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const inRelay = (path: string): string => fileURLToPath(new URL(`../../apps/relay/${path}`, import.meta.url));

let built: Promise<string> | null = null;

/** Its `main.js`; built once in a process. Throws with what the build said. */
export function builtRelay(): Promise<string> {
  built ??= promisify(execFile)(process.execPath, [inRelay('bundle.ts')]).then(() => inRelay('dist/main.js'));
  return built;
}
