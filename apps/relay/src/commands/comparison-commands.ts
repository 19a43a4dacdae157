/** `diptych audit`, `verify` and `intent`: both panels side by side, from their beginning up to now. */
import { readAccepted } from '@diptych/compare/accepted-shapes';
import type { Audit } from '@diptych/compare/audit';
import { type CompareToNowOptions, compareToNow } from '@diptych/compare/compare-to-now';
import { auditLines, driftLines, horizonLines, intentLines } from '@diptych/compare/comparison-text';
import { declaredDrifts } from '@diptych/compare/declared-drifts';
import { parseDuration } from '@diptych/outbox/retention';
import { type Command, InvalidArgumentError } from 'commander';
import type { Configuration } from '../configuration.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { addAuditInstallCommands } from './audit-install-commands.ts';
import { driftsWithin } from './drift-range.ts';
import { printVerifiedTables } from './verify-tables.ts';

/** Fewer transactions than these say nothing about a share of 99.5 %. */
const transactionsMin = 100;

interface Surroundings {
  readonly configuration: () => Configuration;
  readonly answer: (code: ExitCode) => void;
}

interface RangeOptions {
  readonly since?: number;
  readonly until?: number;
  readonly json?: boolean;
}

/** Adds `diptych audit`, `diptych verify` and `diptych intent`. */
export function addComparisonCommands(program: Command, { configuration, answer }: Surroundings): void {
  const audit = ranged(program.command('audit'))
    .description('which shapes of row change never, or sometimes, carry an event')
    .option('--fail-under <percent>', 'exit code 1 when less of the transactions carry an event', percent)
    .action(async (options: RangeOptions & { failUnder?: number }) =>
      answer(await auditPanels({ configuration: configuration(), out: process.stdout, ...options })),
    );
  addAuditInstallCommands(audit, { configuration, answer });
  ranged(program.command('verify'))
    .description('whether events and rows build the same state; exit code 1 names where they part')
    .option('--tables', 'events against the tables themselves, as of now: reads the database')
    .action(async ({ tables = false, ...options }: RangeOptions & { tables?: boolean }, command: Command) => {
      const isRanged = options.since !== undefined || options.until !== undefined;
      if (tables && isRanged) command.error('--tables is as of now: it takes neither --since nor --until');
      const report = { configuration: configuration(), out: process.stdout, ...options };
      answer(await (tables ? printVerifiedTables(report) : verify(report)));
    });
  ranged(program.command('intent'))
    .description('which events row changes cannot tell apart, and how many changes rebuild one event')
    .action(async (options: RangeOptions) =>
      answer(await intent({ configuration: configuration(), out: process.stdout, ...options })),
    );
}

const ranged = (command: Command): Command =>
  command
    .option('--since <time>', 'only transactions from then on: 1h ago, or an ISO 8601 time', moment)
    .option('--until <time>', 'and none that committed later', moment)
    .option('--json', 'one line of JSON instead of text');

interface Report extends RangeOptions {
  readonly configuration: Configuration;
  readonly out: { write(text: string): unknown };
}

/** The leak report, and the gate when `failUnder` says how much of 100. Throws as `compareToNow` and `readAccepted`. */
export async function auditPanels({
  configuration,
  out,
  failUnder,
  json = false,
  ...range
}: Report & { readonly failUnder?: number }): Promise<ExitCode> {
  const { tables, eventOnly, accepted } = configuration.audit;
  const isNamed = accepted !== 'audit.accepted.json';
  const acceptedShapes = await readAccepted({ path: accepted, required: isNamed });
  const { comparison, incomplete, heldBack } = await compare(configuration, range);
  const { horizon, audit } = comparison.answer({ tables, eventOnly, accepted: acceptedShapes });
  const code = failUnder === undefined ? exitCodes.ok : gate(audit, failUnder);
  print(
    out,
    { horizon, incomplete, heldBack, audit, failUnder: failUnder ?? null },
    json
      ? null
      : [
          ...horizonLines(horizon, { incomplete, heldBack }),
          ...auditLines(audit),
          ...(code === exitCodes.notEnoughData
            ? [`under ${transactionsMin} transactions: no share is told from them`]
            : []),
        ],
  );
  return code;
}

/** What the share is worth: 3 when there are too few transactions to say. */
export function gate(
  { transactions, percent: share }: Pick<Audit, 'transactions' | 'percent'>,
  failUnder: number,
): ExitCode {
  if (share === null || transactions < transactionsMin) return exitCodes.notEnoughData;
  return share < failUnder ? exitCodes.differences : exitCodes.ok;
}

/** The drift proof. Throws as `compareToNow` and `declaredDrifts`. */
export async function verify({ configuration, out, json = false, ...range }: Report): Promise<ExitCode> {
  const drifts = await declaredDrifts(configuration.audit.mappings);
  // A state is folded from its beginning; the range is of where the two sides part.
  const { since, ...until } = range;
  const { comparison, incomplete, heldBack } = await compare(configuration, until, drifts);
  const { horizon, drift: whole } = comparison.answer();
  const drift = driftsWithin(whole, since);
  print(
    out,
    { horizon, incomplete, heldBack, drift },
    json ? null : [...horizonLines(horizon, { incomplete, heldBack }), ...driftLines(drift)],
  );
  const reports = Object.values(drift);
  if (reports.some(({ driftedCount }) => driftedCount > 0) || incomplete.length > 0)
    return exitCodes.differences;
  return reports.some(({ agreed }) => agreed > 0) ? exitCodes.ok : exitCodes.notEnoughData;
}

/** Intent loss. Throws as `compareToNow`. */
async function intent({ configuration, out, json = false, ...range }: Report): Promise<ExitCode> {
  const { comparison, incomplete, heldBack } = await compare(configuration, range);
  const { horizon, intent: loss } = comparison.answer();
  print(
    out,
    { horizon, incomplete, heldBack, intent: loss },
    json ? null : [...horizonLines(horizon, { incomplete, heldBack }), ...intentLines(loss)],
  );
  return loss.events.length === 0 ? exitCodes.notEnoughData : exitCodes.ok;
}

async function compare(
  { kafka, prefix, outbox }: Configuration,
  { since, until }: RangeOptions,
  drifts: CompareToNowOptions['drifts'] = [],
) {
  return await compareToNow({
    ...{ brokers: kafka.brokers, prefix, domainPrefix: outbox.topicPrefix, drifts },
    countFromUs: since === undefined ? undefined : BigInt(since) * 1000n,
    untilUs: until === undefined ? undefined : BigInt(until) * 1000n,
  });
}

function print(out: Report['out'], found: object, lines: readonly string[] | null): void {
  out.write(`${lines === null ? JSON.stringify(found) : lines.join('\n')}\n`);
}

/** In ms since 1970. */
function moment(text: string): number {
  const ago = parseDuration(text);
  const time = ago === undefined ? Date.parse(text) : Date.now() - ago;
  if (Number.isNaN(time))
    throw new InvalidArgumentError('It takes a time as 2026-11-21T12:00:00Z, or how long ago: 1h.');
  return time;
}

function percent(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 100))
    throw new InvalidArgumentError('It takes 0 to 100.');
  return value;
}
