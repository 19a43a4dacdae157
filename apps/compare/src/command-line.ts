/** `compare report`: reads arguments, compares, prints, turns the outcome into an exit code. */
import { describeCartEvent } from '@diptych/compare/cart-mapping';
import { KnownRows } from '@diptych/compare/known-rows';
import { renderPair } from '@diptych/compare/pair';
import { OperatingError } from '@diptych/runtime/failure';
import { brokersFrom } from '@diptych/runtime/service-environment';
import { failuresOf, verdictLine } from '@diptych/runtime/verdict';
import { Command, CommanderError, Option } from 'commander';
import { addConsoleCommand } from './console/console-command.ts';
import { addEngineCommand } from './engine-command.ts';
import { figuresOf, limits } from './figures.ts';
import { addPanelOptions, type PanelArguments, separated } from './panel-options.ts';
import { compareReport, type Report } from './report.ts';
import { summaryLines } from './summary.ts';

/** docs/wire.md, "Names and defaults". */
export const exitCodes = { ok: 0, differences: 1, badUse: 2, operating: 4 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Where lines go; standard output, or a test's list. */
interface Output {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

interface Arguments extends PanelArguments {
  readonly audited?: readonly string[];
  readonly json?: boolean;
}

/** Runs the command and answers its exit code; never throws for what a user or the world did. */
export async function runCommandLine(
  args: readonly string[],
  { out, err }: { out: Output; err: Output },
): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const program = commands({ out, err }, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.badUse;
    if (!(error instanceof OperatingError)) throw error;
    err.write(`compare: ${error.message} (${error.code})\n  → ${error.remedy}\n`);
    return exitCodes.operating;
  }
}

function commands({ out, err }: { out: Output; err: Output }, answer: (code: ExitCode) => void): Command {
  const program = new Command('compare')
    .description('Compares the two panels: what was meant, and what was done.')
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) })
    .exitOverride()
    .showHelpAfterError('(`compare report --help` shows what there is)');
  addPanelOptions(program.command('report'))
    .description('join both panels from their beginning up to now; exit code 1 when they differ')
    .addOption(
      new Option('--audited <tables>', 'tables, `schema.table`, whose changes ought to carry an event')
        .argParser(separated)
        .default(undefined, 'those that once did'),
    )
    .option('--json', 'one line of JSON instead of text')
    .action(async (options: Arguments) => answer(await report(options, out)));
  addEngineCommand(program, { out, err });
  addConsoleCommand(program, { out });
  return program;
}

async function report(
  { brokers, prefix, domainPrefix, audited, json = false }: Arguments,
  out: Output,
): Promise<ExitCode> {
  const startedAt = performance.now();
  const pairs = { columns: out.columns ?? 120, color: out.isTTY ?? false, describe: describeCartEvent };
  const known = new KnownRows();
  const found: Report = await compareReport({
    brokers: brokersFrom(process.env, { name: 'DIPTYCH_KAFKA', addresses: brokers }),
    prefix,
    domainPrefix,
    audited,
    onTransaction: (transaction) => {
      if (!json) out.write(`${renderPair(known.complete(transaction), pairs)}\n\n`);
    },
  });
  const figures = figuresOf(found);
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  const args = { brokers, prefix, domainPrefix, audited: audited ?? null };
  if (json) out.write(`${verdictLine({ name: 'compare', args, seconds, figures, limits })}\n`);
  else out.write(`${summaryLines(found).join('\n')}\n`);
  return failuresOf({ figures, limits }).length === 0 ? exitCodes.ok : exitCodes.differences;
}
