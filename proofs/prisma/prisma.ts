/**
 * The port of docs/outbox.md in Prisma's interactive transactions. A proof and no test: Prisma's tools are 300 MB, which
 * nobody should have to install with this repository.
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@diptych/testkit/command';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import type { Say } from '@diptych/testkit/progress';
import { startStack } from '@diptych/testkit/stack';
import { Watchdog } from '@diptych/testkit/watchdog';

export interface PrismaFigures {
  readonly versions: Readonly<Record<string, string>>;
  /** Of the three ways to emit: those whose events are not there as they were appended. */
  readonly appendedMissing: number;
  /** Those in which a conflict was no value, or left the transaction unusable. */
  readonly conflictsMissing: number;
  /** Those that left something behind in a transaction that was rolled back. */
  readonly rollbacksMissing: number;
}

/** https://www.npmjs.com/package/prisma */
const versions = { prisma: '7.10.1', '@prisma/client': '7.10.0', '@prisma/adapter-pg': '7.10.1' } as const;

const timeoutMs = 15 * 60_000;

const schema = `generator client {
  provider = "prisma-client"
  output   = "./generated"
}

datasource db {
  provider = "postgresql"
}

model Cart {
  id Int @id
}
`;

const config = `import { defineConfig } from 'prisma/config';
export default defineConfig({ schema: 'schema.prisma' });
`;

/** Throws when npm, Prisma’s generator or the program fails, with the end of what it said. */
export async function provePrisma({
  say,
  signal,
}: {
  readonly say: Say;
  readonly signal: AbortSignal;
}): Promise<PrismaFigures> {
  const directory = await mkdtemp(join(tmpdir(), 'diptych-prisma-'));
  const watchdog = new Watchdog();
  try {
    say('installing Prisma');
    await writeFile(join(directory, 'package.json'), '{"private": true, "type": "module"}');
    const what = Object.entries(versions).map(([name, version]) => `${name}@${version}`);
    const npm = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...what];
    const run = async (command: string, args: string[], env = process.env) => {
      const { code, output } = await runCommand({
        ...{ command, args, env, cwd: directory, timeoutMs, watchdog, signal },
      });
      if (code !== 0) throw new Error(`${command} ${args[0]} ended with ${code}:\n${output}`);
      return output;
    };
    await run('npm', npm);
    say('generating its client');
    await writeFile(join(directory, 'schema.prisma'), schema);
    await writeFile(join(directory, 'prisma.config.ts'), config);
    // Only migrations need the engine; the generator looks for one all the same, and would fetch it.
    const generating = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath };
    await run(join(directory, 'node_modules/.bin/prisma'), ['generate'], generating);
    return { versions, ...(await runProgram({ directory, run, say, signal })) };
  } finally {
    await watchdog.finish();
    await rm(directory, { recursive: true, force: true });
  }
}

async function runProgram({
  directory,
  run,
  say,
  signal,
}: {
  readonly directory: string;
  readonly run: (command: string, args: string[], env?: NodeJS.ProcessEnv) => Promise<string>;
  readonly say: Say;
  readonly signal: AbortSignal;
}): Promise<Omit<PrismaFigures, 'versions'>> {
  const packages = join(directory, 'node_modules/@diptych');
  await mkdir(packages, { recursive: true });
  for (const name of ['outbox', 'contracts']) {
    const main = fileURLToPath(
      import.meta.resolve(`@diptych/${name}/${name === 'outbox' ? 'append' : 'cart-events'}`),
    );
    await symlink(dirname(dirname(main)), join(packages, name));
  }
  const port = import.meta.resolve('@diptych/outbox/examples/prisma-for-tests');
  await copyFile(fileURLToPath(port), join(directory, 'prisma-port.ts'));
  const program = join(directory, 'program.ts');
  await writeFile(program, await readFile(new URL('./program.txt', import.meta.url), 'utf8'));
  const stack = await startStack({ say, signal });
  try {
    const databaseUrl = await createDatabase(stack.databaseUrl);
    say('appending');
    try {
      const output = await run(process.execPath, [program], { ...process.env, DATABASE_URL: databaseUrl });
      return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Omit<PrismaFigures, 'versions'>;
    } finally {
      await dropDatabase(databaseUrl);
    }
  } finally {
    await stack.stop();
  }
}
