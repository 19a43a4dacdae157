/** `npm run conformance`: docs/conformance.md, docs/prove.md. */
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { BadUse, runProof } from '../arguments.ts';
import { runCases, withServers } from './campaign.ts';
import { type Case, parseCase } from './case-file.ts';
import { connectVersion, debeziumVersion } from './connect-installation.ts';
import { describeOutcome } from './report.ts';
import type { CaseOutcome } from './run-case.ts';

const usage = `
npm run conformance -- [--case C-23]… [--sql file.sql] [--json]
  --case    only the cases whose name begins so; may be repeated
  --sql     a script of your own instead of the cases; the marks are in docs/conformance.md`;

const casesDirectory = new URL('./cases/', import.meta.url);

function readArguments() {
  const { values } = parseArgs({
    options: {
      case: { type: 'string', multiple: true, default: [] },
      sql: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  return values;
}

/** The cases of the repository, in name order, or those that are named. Throws BadUse when a name fits none. */
async function readCases(wanted: readonly string[]): Promise<Case[]> {
  const files = (await readdir(casesDirectory)).filter((name) => name.endsWith('.sql')).sort();
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

function figuresOf(outcomes: readonly CaseOutcome[]) {
  const run = outcomes.filter((outcome) => outcome.tag !== 'not-run');
  const modes = outcomes.flatMap((outcome) => (outcome.tag === 'run' ? outcome.modes : []));
  const passed = run.filter((outcome) => outcome.tag === 'run' && outcome.passed).length;
  return {
    cases: run.length,
    passed,
    failed: run.length - passed,
    undeclared: modes.reduce((sum, mode) => sum + mode.undeclared.length, 0),
    notRun: outcomes.length - run.length,
    records: modes.reduce((sum, mode) => sum + mode.records, 0),
    referenceStillFails: outcomes.filter((one) => one.tag === 'run' && one.reference === 'still fails')
      .length,
  };
}

process.exitCode = await runProof({
  usage,
  prove: async ({ say, signal }) => {
    const { json, ...args } = readArguments();
    const cases = args.sql === undefined ? await readCases(args.case) : [await readScript(args.sql)];
    const startedAt = performance.now();
    const outcomes = await withServers({ say, signal }, async (servers) => {
      const tell = (outcome: CaseOutcome) => describeOutcome(outcome).forEach((line) => say(line));
      return await runCases(cases, { servers, tell });
    });
    const verdict = {
      name: 'conformance',
      args,
      seed: null,
      seconds: Math.round(performance.now() - startedAt) / 1000,
      versions: { debezium: debeziumVersion, connect: connectVersion },
      figures: figuresOf(outcomes),
      limits: { failed: 0, undeclared: 0 },
    };
    return { verdict, json, notes: [] };
  },
});
