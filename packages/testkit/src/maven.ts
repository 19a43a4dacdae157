/** Jars from Maven Central, fetched once into the cache: written whole, never changed. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { OperatingError } from '@diptych/runtime/failure';
import { atomically } from './atomically.ts';
import { runCommand } from './command.ts';
import { type Say, showing } from './progress.ts';
import type { Watchdog } from './watchdog.ts';

const downloadTimeoutMs = 15 * 60_000;
const staleAfterMs = 24 * 3_600_000;
const manifestName = 'manifest.json';

/** Where things fetched once are kept: DIPTYCH_CACHE, else `~/.cache/diptych`. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return env.DIPTYCH_CACHE || join(homedir(), '.cache', 'diptych');
}

/** The folder of an installation. Its name holds the hash of the pom: another pom is another installation. */
export function mavenHome({ cache, name, pom }: { cache: string; name: string; pom: string }): string {
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 8);
  return join(cache, `${name}-${hash}`);
}

/** Names and sizes of the jars, as they were fetched; undefined unless every one of them is there. */
export async function installedJars(home: string): Promise<readonly string[] | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(home, manifestName), 'utf8')) as Record<string, number>;
    const jars = Object.keys(manifest).sort();
    for (const jar of jars) {
      if ((await stat(join(home, 'libs', jar))).size !== manifest[jar]) return undefined;
    }
    return jars.map((jar) => join(home, 'libs', jar));
  } catch {
    return undefined;
  }
}

export interface MavenOptions {
  /** What is fetched, in words, and about how much it is. */
  readonly name: string;
  readonly megabytes: number;
  readonly pom: string;
  /** Filled: the jars of the pom's dependencies in `libs`, and what `goals` put beside it. */
  readonly home: string;
  /** Goals besides copying the dependencies, for the folder that becomes the home. */
  readonly goals?: (part: string) => readonly string[];
  readonly cache: string;
  readonly say: Say;
  readonly watchdog: Watchdog;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The jars in `home/libs`, fetched first if need be. Several processes may do so at once: each works in a folder of its
 * own and renames it; the first rename wins. Throws OperatingError `download-failed`, `prerequisite-missing`.
 */
export async function fetchByMaven(options: MavenOptions): Promise<readonly string[]> {
  const { name, megabytes, home, cache, say } = options;
  const installed = await installedJars(home);
  if (installed) return installed;
  await makeCache(cache);
  let output = '';
  const work = {
    say,
    what: `fetching ${name} (about ${megabytes} MB)`,
    count: () => transferred(output),
  };
  await showing(work, () => download(options, (text) => (output += text)));
  const jars = await installedJars(home);
  if (jars) return jars;
  throw downloadFailed(`${home} is not complete after the download`, `Remove ${home} and try again.`);
}

/** How far Maven has come, from what it printed: `Downloaded from central: https://… (1.2 MB at 3.4 MB/s)`. */
export function transferred(output: string): string {
  const units: Readonly<Record<string, number>> = { B: 1e-6, kB: 1e-3, MB: 1 };
  let files = 0;
  let megabytes = 0;
  for (const [, name, amount, unit] of output.matchAll(
    /Downloaded from [^ ]+: (\S+) \(([\d.]+) (B|kB|MB)/g,
  )) {
    if (name?.endsWith('.jar')) files += 1;
    megabytes += Number(amount) * (units[unit ?? ''] ?? 0);
  }
  return `${files} jars, ${megabytes.toFixed(0)} MB`;
}

async function makeCache(cache: string): Promise<void> {
  try {
    await mkdir(cache, { recursive: true });
    for (const name of await readdir(cache)) {
      // Left by a download whose process was killed.
      const path = join(cache, name);
      if (name.endsWith('.part') && Date.now() - (await stat(path)).mtimeMs > staleAfterMs) {
        await rm(path, { recursive: true, force: true });
      }
    }
  } catch (cause) {
    throw new OperatingError('prerequisite-missing', `the cache directory ${cache} cannot be written`, {
      remedy: 'Set DIPTYCH_CACHE to a directory that can.',
      cause,
    });
  }
}

async function download(options: MavenOptions, onOutput: (text: string) => void): Promise<void> {
  const { name, pom, home, goals, watchdog, signal } = options;
  await atomically(
    { target: home, watchdog, complete: async () => (await installedJars(home)) !== undefined },
    async (part) => {
      const libs = join(part, 'libs');
      const copying = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${libs}`];
      for (const args of [copying, goals?.(part) ?? []]) {
        if (args.length === 0) continue;
        const { code, output } = await runCommand({
          command: 'mvn',
          args: ['-B', '-f', pom, ...args],
          cwd: part,
          timeoutMs: downloadTimeoutMs,
          watchdog,
          signal,
          onOutput,
        });
        if (code === 0) continue;
        const lines = output.split('\n').filter((line) => /ERROR|ENOENT/.test(line));
        throw downloadFailed(
          `Maven could not fetch ${name}\n${lines.slice(0, 5).join('\n')}`.trimEnd(),
          'Check that Maven Central (or the mirror in ~/.m2/settings.xml) is reached, then try again.',
        );
      }
      const manifest: Record<string, number> = {};
      for (const jar of await readdir(libs)) manifest[jar] = (await stat(join(libs, jar))).size;
      await writeFile(join(part, manifestName), JSON.stringify(manifest, undefined, 2));
    },
  );
}

function downloadFailed(message: string, remedy: string): OperatingError {
  return new OperatingError('download-failed', message, { remedy });
}
