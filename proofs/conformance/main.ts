/** `npm run conformance`: docs/conformance.md, docs/prove.md. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { BadUse, number, runProof } from '../arguments.ts';
import { runCases, withServers } from './campaign.ts';
import { type Case, parseCase } from './case-file.ts';
import { connectVersion, debeziumVersion } from './connect-installation.ts';
import { figuresOf } from './figures.ts';
import { availableModes } from './modes.ts';
import { randomScript } from './random/script.ts';
import { describeOutcome } from './report.ts';
import { byNumber, resultsPage, rowsOf } from './results.ts';
import type { CaseOutcome } from './run-case.ts';

const usage = `
npm run conformance -- [--case C-23]… [--write] [--json]
npm run conformance -- --sql file.sql [--json]
npm run conformance -- --random [--seed N] [--seeds N] [--statements N] [--json]
  --case        only the cases whose name begins so; may be repeated
  --write       write docs/conformance.md from what came of all cases; with --case, of these alone
  --sql         a script of your own instead of the cases; the marks are in docs/conformance.md
  --random      a script drawn from the seed instead of the cases
  --seed        what it is drawn from (default 1)
  --seeds       how many scripts, of that seed and those that follow it (default 1)
  --statements  how many each of them has (default 5000)`;

const casesDirectory = new URL('./cases/', import.meta.url);
const resultsFile = new URL('../../docs/conformance.md', import.meta.url);

function readArguments() {
  const { values } = parseArgs({
    options: {
      case: { type: 'string', multiple: true, default: [] },
      sql: { type: 'string' },
      random: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '1' },
      statements: { type: 'string', default: '5000' },
      write: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const chosen = [values.sql !== undefined, values.random, values.case.length > 0 || values.write];
  if (chosen.filter(Boolean).length > 1) {
    throw new BadUse('--case or --write, --sql and --random exclude each other');
  }
  return {
    cases: values.case,
    sql: values.sql,
    random: values.random,
    seed: number(values.seed, { option: 'seed', min: 0, max: 2 ** 32 }),
    seeds: number(values.seeds, { option: 'seeds', min: 1, max: 1000 }),
    statements: number(values.statements, { option: 'statements', min: 10, max: 1_000_000 }),
    write: values.write,
    json: values.json,
  };
}

/** What is to be run: the cases, a script, or what the seed gives. */
async function readWork(args: ReturnType<typeof readArguments>): Promise<Case[]> {
  const { seed, seeds, statements } = args;
  if (args.random)
    return Array.from({ length: seeds }, (_, index) => randomScript({ seed: seed + index, statements }));
  return args.sql === undefined ? await readCases(args.cases) : [await readScript(args.sql)];
}

/** The cases of the repository, in name order, or those that are named. Throws BadUse when a name fits none. */
async function readCases(wanted: readonly string[]): Promise<Case[]> {
  const files = (await readdir(casesDirectory)).filter((name) => name.endsWith('.sql')).sort(byNumber);
  for (const prefix of wanted) {
    if (!files.some((file) => file.startsWith(prefix))) throw new BadUse(`there is no case ${prefix}`);
  }
  const chosen =
    wanted.length === 0 ? files : files.filter((file) => wanted.some((one) => file.startsWith(one)));
  return await Promise.all(
    chosen.map(async (file) =>
      parseCase(file.replace(/\.sql$/, ''), await readFile(new URL(file, casesDirectory), 'utf8')),
    ),
  );
}

async function readScript(file: string): Promise<Case> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new BadUse(`${file} cannot be read`);
  });
  return parseCase(basename(file), text);
}

/** Of the rows those of cases that are still there: what this server cannot run may have been run on another one. */
function elsewhere(
  rows: ReadonlyMap<string, string>,
  outcomes: readonly CaseOutcome[],
): ReadonlyMap<string, string> {
  return new Map(
    outcomes.flatMap(({ name }) => [[name, rows.get(name) ?? ''] as const]).filter(([, line]) => line !== ''),
  );
}

process.exitCode = await runProof({
  usage,
  prove: async ({ say, signal }) => {
    const { json, ...args } = readArguments();
    const cases = await readWork({ json, ...args });
    const startedAt = performance.now();
    const versions = { debezium: debeziumVersion, connect: connectVersion };
    const outcomes = await withServers({ say, signal }, async (servers) => {
      const tell = (outcome: CaseOutcome) => {
        for (const line of describeOutcome(outcome)) say(line);
      };
      return await runCases(cases, { servers, tell });
    });
    if (args.write) {
      const day = new Date().toISOString().slice(0, 10);
      const modes = availableModes().map(({ name }) => name);
      const written = rowsOf(await readFile(resultsFile, 'utf8'));
      const kept = args.cases.length > 0 ? written : elsewhere(written, outcomes);
      await writeFile(resultsFile, resultsPage({ outcomes, modes, versions, day }, kept));
    }
    const verdict = {
      ...{ name: 'conformance', args, versions },
      seed: args.random ? args.seed : null,
      seconds: Math.round(performance.now() - startedAt) / 1000,
      figures: figuresOf(outcomes),
      // A random script keeps away from what ends the reference: there nothing would be compared any more.
      limits: { failed: 0, undeclared: 0, ...(args.random && { referenceEnded: 0 }) },
    };
    return { verdict, json, notes: [] };
  },
});
