/**
 * Tarballs that npm could publish. The workspaces are source-only, and Node strips no types inside `node_modules`, so what
 * is packed is built: JavaScript and declarations by tsc, and a manifest written for them (docs/decisions/0041-published-packages.md).
 */

import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { OperatingError } from '@diptych/runtime/failure';
import { runCommand } from '@diptych/testkit/command';
import { pinnedVersion, published, repository, type Workspace } from './workspaces.ts';

const commandTimeoutMs = 600_000;

/** Tests, what only tests use, and the code of the docs: none of it is published. */
const unpublished = /(\.test|-under-test|for-tests)\.ts$|^examples\//;

/** Needed by whoever uses a part of a package, and of no use to others. */
const optionalPeers: Readonly<Record<string, readonly string[]>> = { '@diptych/testkit': ['vitest'] };

export interface Tarball {
  readonly name: string;
  readonly file: string;
}

/** Builds, stages and packs all of them into `directory`. Throws OperatingError `server-not-started` with what tsc or npm said. */
export async function packAll({
  directory,
  signal,
}: {
  readonly directory: string;
  readonly signal: AbortSignal;
}): Promise<readonly Tarball[]> {
  const built = join(directory, 'built');
  const workspaces = published();
  await build({ workspaces, built, directory, signal });
  const tarballs: Tarball[] = [];
  for (const workspace of workspaces) {
    const staged = join(directory, 'staged', basename(workspace.folder));
    await stage({ workspace, built, staged });
    const output = await run({
      ...{ command: 'npm', args: ['pack', '--silent', '--pack-destination', directory], cwd: staged, signal },
    });
    const file = join(directory, output.trim().split('\n').at(-1) ?? '');
    tarballs.push({ name: workspace.manifest.name, file });
  }
  return tarballs;
}

async function build({
  workspaces,
  built,
  directory,
  signal,
}: {
  readonly workspaces: readonly Workspace[];
  readonly built: string;
  readonly directory: string;
  readonly signal: AbortSignal;
}): Promise<void> {
  const project = join(directory, 'tsconfig.json');
  const files = await Promise.all(
    workspaces.map(async ({ folder }) =>
      (await modulesOf(folder)).map((module) => join(repository, folder, 'src', module)),
    ),
  );
  const compilerOptions = {
    noEmit: false,
    rewriteRelativeImportExtensions: true,
    declaration: true,
    outDir: built,
    rootDir: repository,
    typeRoots: [join(repository, 'node_modules/@types')],
  };
  const configuration = {
    extends: join(repository, 'tsconfig.json'),
    compilerOptions,
    include: [],
    files: files.flat(),
  };
  await writeFile(project, JSON.stringify(configuration));
  await run({ command: 'tsc', args: ['--project', project], cwd: repository, signal });
}

/** The modules that are published, from `src`. */
async function modulesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(repository, folder, 'src'), { recursive: true });
  return entries.filter((entry) => entry.endsWith('.ts') && !unpublished.test(entry)).toSorted();
}

async function stage({
  workspace: { folder, manifest },
  built,
  staged,
}: {
  readonly workspace: Workspace;
  readonly built: string;
  readonly staged: string;
}): Promise<void> {
  const source = join(repository, folder);
  const dist = join(staged, 'dist');
  await mkdir(staged, { recursive: true });
  await cp(join(built, folder, 'src'), dist, { recursive: true });
  // tsc rewrites the extensions of imports in the JavaScript, and leaves them in declarations.
  let declarations = '';
  for (const file of await readdir(dist, { recursive: true })) {
    if (!file.endsWith('.d.ts')) continue;
    const text = await readFile(join(dist, file), 'utf8');
    declarations += text;
    await writeFile(join(dist, file), text.replaceAll(/(['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2'));
  }
  const besides = ['kafka', 'published'].filter((name) => existsSync(join(source, name)));
  for (const name of besides) await cp(join(source, name), join(staged, name), { recursive: true });
  const readme = join(source, 'README.md');
  if (existsSync(readme)) await copyFile(readme, join(staged, 'README.md'));
  await copyFile(join(repository, 'LICENSE'), join(staged, 'LICENSE'));
  const modules = await modulesOf(folder);
  const text = JSON.stringify(stagedManifest({ manifest, modules, declarations, besides }), null, 2);
  await writeFile(join(staged, 'package.json'), `${text}\n`);
}

/** Every module is named, for tools that check each, and because a pattern would let anyone reach what is not there. */
function stagedManifest({
  manifest: { name, version, description, license, bin, dependencies = {} },
  modules,
  declarations,
  besides,
}: {
  readonly manifest: Workspace['manifest'];
  readonly modules: readonly string[];
  readonly declarations: string;
  readonly besides: readonly string[];
}): object {
  const peers = (optionalPeers[name] ?? []).map((peer) => [peer, `>=${pinnedVersion(peer)}`] as const);
  const exported = modules.map((module) => {
    const path = module.slice(0, -'.ts'.length);
    return [`./${path}`, { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` }] as const;
  });
  const types = [
    ...(/from 'pg'/.test(declarations) ? ['@types/pg'] : []),
    ...(/\bBuffer\b|NodeJS\.|from 'node:|node:/.test(declarations) ? ['@types/node'] : []),
  ];
  const built = Object.entries(bin ?? {}).map(
    ([command, file]) => [command, file.replace('./src/', 'dist/').replace(/\.ts$/, '.js')] as const,
  );
  return {
    ...{ name, version, description, license, type: 'module', engines: { node: '>=24' } },
    exports: { ...Object.fromEntries(exported), './package.json': './package.json' },
    ...(built.length > 0 && { bin: Object.fromEntries(built) }),
    files: ['dist', ...besides],
    dependencies: {
      ...dependencies,
      ...Object.fromEntries(types.map((type) => [type, pinnedVersion(type)])),
    },
    ...(peers.length > 0 && {
      peerDependencies: Object.fromEntries(peers),
      peerDependenciesMeta: Object.fromEntries(peers.map(([peer]) => [peer, { optional: true }])),
    }),
  };
}

/** A command to its end. Throws OperatingError `server-not-started` with the end of what it said. */
export async function run(options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
}): Promise<string> {
  const { code, output } = await runCommand({ ...options, timeoutMs: commandTimeoutMs });
  if (code === 0) return output;
  throw new OperatingError(
    'server-not-started',
    `${options.command} ${options.args.join(' ')} (${code})\n${output}`,
    {
      remedy: 'What it said is above.',
    },
  );
}
