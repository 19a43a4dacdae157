/** Which workspaces are published: those for users, and what they stand on (docs/decisions/0041-published-packages.md). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { present } from '@diptych/runtime/assert';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Those have a README whose quick start is run, in this order: each goes on from the ones before it. */
export const forUsers = [
  '@diptych/events',
  '@diptych/outbox',
  '@diptych/journal',
  '@diptych/relay-app',
  '@diptych/compare',
  '@diptych/inbox',
  '@diptych/testkit',
] as const;

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export interface Workspace {
  /** From the repository: `packages/outbox`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Each after what it stands on. */
export function published(): readonly Workspace[] {
  const all = new Map(
    ['packages', 'apps']
      .flatMap((parent) => readdirSync(join(repository, parent)).map((name) => `${parent}/${name}`))
      .map((folder) => ({ folder, manifest: manifestOf(folder) }))
      .map((workspace) => [workspace.manifest.name, workspace]),
  );
  const found = new Set<Workspace>();
  const visit = (name: string): void => {
    const workspace = present(all.get(name), `the workspace ${name}`);
    for (const dependency of Object.keys(workspace.manifest.dependencies ?? {}))
      if (dependency.startsWith('@diptych/')) visit(dependency);
    found.add(workspace);
  };
  for (const name of forUsers) visit(name);
  return [...found];
}

/** The version of a library of others, as this repository pins it. */
export function pinnedVersion(library: string): string {
  const { devDependencies } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  const versions = published().map(({ manifest }) => manifest.dependencies?.[library]);
  return present(devDependencies[library] ?? versions.find((version) => version), `a version of ${library}`);
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(repository, folder, 'package.json'), 'utf8')) as Manifest;
}
