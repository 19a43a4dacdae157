/** Tarballs, installed where nothing of this repository is, and the quick starts of their READMEs (docs/prove.md). */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import { freePorts } from '@diptych/testkit/port';
import type { Say } from '@diptych/testkit/progress';
import { startStack } from '@diptych/testkit/stack';
import { checkers, complaintsAbout } from './package-checks.ts';
import { librariesOf, quickStartOf, type Step, Terminal } from './quick-start.ts';
import { packAll, run, type Tarball } from './tarballs.ts';
import { forUsers, pinnedVersion, published } from './workspaces.ts';

export interface PackageFigures {
  readonly tarballs: number;
  /** Of attw and publint. */
  readonly complaints: readonly string[];
  readonly quickStarts: number;
  /** Quick starts that failed, each with the end of what it said. */
  readonly failed: readonly string[];
  /** Of tsc in the empty project, over all files of all quick starts. */
  readonly typeErrors: readonly string[];
}

export async function provePackages({
  say,
  signal,
  keep,
}: {
  readonly say: Say;
  readonly signal: AbortSignal;
  readonly keep: boolean;
}): Promise<PackageFigures> {
  const directory = await mkdtemp(join(tmpdir(), 'diptych-packages-'));
  try {
    say('building and packing');
    const tarballs = await packAll({ directory, signal });
    const complaints = await check({ directory, tarballs, say, signal });
    const starts = await Promise.all(
      forUsers.map(async (name) => {
        const workspace = published().find(({ manifest }) => manifest.name === name);
        return { name, steps: workspace ? await quickStartOf(workspace) : [] };
      }),
    );
    say('installing the tarballs in an empty project');
    const project = await mkdtemp(join(directory, 'project-'));
    await install({
      project,
      tarballs,
      libraries: starts.flatMap(({ steps }) => librariesOf(steps)),
      signal,
    });
    const failed = await followAll({ project, starts, say, signal });
    const typeErrors = await typesOf({ project, signal });
    return { tarballs: tarballs.length, complaints, quickStarts: starts.length, failed, typeErrors };
  } finally {
    if (keep) say(`tarballs and project stay in ${directory}`);
    else await rm(directory, { recursive: true, force: true });
  }
}

async function check({
  directory,
  tarballs,
  say,
  signal,
}: {
  readonly directory: string;
  readonly tarballs: readonly Tarball[];
  readonly say: Say;
  readonly signal: AbortSignal;
}): Promise<readonly string[]> {
  const tools = await mkdtemp(join(directory, 'tools-'));
  await newProject(tools);
  const wanted = Object.entries(checkers).map(([name, version]) => `${name}@${version}`);
  await npmInstall({ project: tools, what: wanted, signal });
  const complaints: string[] = [];
  for (const tarball of tarballs) {
    say(`checking ${tarball.name}`, 'moving');
    complaints.push(...(await complaintsAbout(tarball, { tools, signal })));
  }
  return complaints;
}

async function install({
  project,
  tarballs,
  libraries,
  signal,
}: {
  readonly project: string;
  readonly tarballs: readonly Tarball[];
  readonly libraries: readonly string[];
  readonly signal: AbortSignal;
}): Promise<void> {
  await newProject(project);
  const others = new Set([...libraries, 'typescript']);
  const pinned = [...others].map((library) => `${library}@${pinnedVersion(library)}`);
  await npmInstall({ project, what: [...tarballs.map(({ file }) => file), ...pinned], signal });
}

async function newProject(directory: string): Promise<void> {
  await writeFile(join(directory, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
}

async function npmInstall({
  project,
  what,
  signal,
}: {
  readonly project: string;
  readonly what: readonly string[];
  readonly signal: AbortSignal;
}): Promise<void> {
  const args = ['install', '--no-audit', '--no-fund', '--prefer-offline', ...what];
  await run({ command: 'npm', args, cwd: project, signal });
}

/** On a stack of the proof’s, but for the test kit, which starts its own: that is what its quick start is about. */
async function followAll({
  project,
  starts,
  say,
  signal,
}: {
  readonly project: string;
  readonly starts: readonly { readonly name: string; readonly steps: readonly Step[] }[];
  readonly say: Say;
  readonly signal: AbortSignal;
}): Promise<readonly string[]> {
  const stack = await startStack({ say, signal });
  const databaseUrl = await createDatabase(stack.databaseUrl);
  const [httpPort] = await freePorts(1);
  const servers = {
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: stack.brokers.join(','),
    DIPTYCH_DATABASE_URL: databaseUrl,
    DIPTYCH_KAFKA_BROKERS: stack.brokers.join(','),
    DIPTYCH_HTTP_PORT: String(httpPort),
  };
  // The Node that runs this one, and no binary of the repository.
  const path = [dirname(process.execPath), ...(process.env.PATH ?? '').split(':')];
  const outside = path.filter((folder) => !folder.includes('node_modules/.bin') || folder === path[0]);
  const terminal = new Terminal({ project, environment: { ...process.env, PATH: outside.join(':') } });
  const failed: string[] = [];
  try {
    for (const { name, steps } of starts) {
      signal.throwIfAborted();
      say(`quick start of ${name}`);
      const outcome = await terminal.follow(steps, name === '@diptych/testkit' ? {} : servers);
      if (outcome.failure) failed.push(`${name}: ${outcome.failure}\n${outcome.output.slice(-3000)}`);
    }
  } finally {
    await terminal.close();
    await dropDatabase(databaseUrl);
    await stack.stop();
  }
  return failed;
}

/** What a user’s compiler says of the code of the READMEs, against the declarations that were installed. */
async function typesOf({
  project,
  signal,
}: {
  readonly project: string;
  readonly signal: AbortSignal;
}): Promise<readonly string[]> {
  const compilerOptions = {
    ...{
      module: 'nodenext',
      target: 'es2024',
      lib: ['es2025'],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
    },
    ...{ allowImportingTsExtensions: true, types: ['node'] },
  };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const files = (await readdir(project)).filter((name) => name.endsWith('.ts'));
  if (files.length === 0) return ['there is no file to check'];
  try {
    await run({ command: 'npx', args: ['tsc'], cwd: project, signal });
    return [];
  } catch (error) {
    signal.throwIfAborted();
    return String(error).split('\n');
  }
}
