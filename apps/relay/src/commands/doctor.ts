import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Configuration } from '../configuration.ts';
import { type Examination, examine, only } from '../doctor/doctor.ts';
import type { Finding, Remedy } from '../doctor/finding.ts';
import { fix, type Ran } from '../doctor/fix.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { confirm } from './confirm.ts';

interface Options {
  readonly json?: boolean;
  readonly fix?: boolean;
  readonly yes?: boolean;
  readonly all?: boolean;
  readonly only?: readonly string[];
  readonly longTransaction: number;
}

/** A transaction of an application takes seconds, one of a report minutes. */
const longTransactionSecondsDefault = 300;

/** Adds `diptych doctor`. */
export function addDoctorCommand(
  program: Command,
  { configuration, answer }: { configuration: () => Configuration; answer: (code: ExitCode) => void },
): void {
  program
    .command('doctor')
    .description(
      'look at database and brokers: what is right, what is wrong, and the statement that mends it',
    )
    .option('--json', 'one line of JSON')
    .option('--all', 'show what is right too')
    .option('--fix', 'run the statements, each after asking; without it nothing is changed')
    .option('--yes', 'with --fix: do not ask; what may lose something or locks a table is left')
    .option('--only <checks>', 'these checks, with commas between (default: all)', names)
    .option(
      '--long-transaction <seconds>',
      'from when on an open transaction is a long one',
      seconds,
      longTransactionSecondsDefault,
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 nothing is wrong (warnings may be there), 1 something is wrong, 4 database or brokers cannot be reached.',
    )
    .action(async (options: Options) => answer(await doctor(configuration(), options)));
}

/** Examines, mends when asked to, and prints; answers the exit code. Throws OperatingError with `fix` only. */
async function doctor(configuration: Configuration, options: Options): Promise<ExitCode> {
  const { json = false, yes = false, all = false } = options;
  const out = process.stdout;
  const wish = { configuration, longTransactionSeconds: options.longTransaction };
  const look = async () => only(await examine(wish), options.only);
  let found = await look();
  let ran: Ran[] = [];
  if (options.fix && found.reached.database) {
    const say = (line: string) => (json ? process.stderr : out).write(`${line}\n`);
    ran = await fix({ configuration, findings: found.findings, confirm: yes ? null : confirm, say });
    if (ran.length > 0) found = await look();
  }
  out.write(
    json
      ? `${JSON.stringify({ ...found, findings: found.findings.map(withoutChange), ran })}\n`
      : describe(found, { all }),
  );
  if (!found.reached.database || !found.reached.kafka) return exitCodes.operating;
  return found.ok ? exitCodes.ok : exitCodes.differences;
}

/** The change of Kafka is for us; its statement says the same. */
function withoutChange(finding: Finding): object {
  if (finding.tag === 'ok') return finding;
  const remedies = finding.remedies.map((remedy) => {
    if (remedy.tag !== 'kafka') return remedy;
    const { change: _, ...rest } = remedy;
    return rest;
  });
  return { ...finding, remedies };
}

/** For a person: what is right in one line, or with `all` line by line. */
export function describe({ findings, counts }: Examination, { all }: { all: boolean }): string {
  const shown = all ? findings : findings.filter(({ tag }) => tag !== 'ok');
  const lines = shown.flatMap((finding) => [
    `${finding.tag.padEnd(8)} ${finding.check.padEnd(22)} ${finding.message}`,
    ...(finding.tag === 'ok'
      ? []
      : finding.remedies.map((remedy) => `${' '.repeat(31)} → ${remedyText(remedy)}`)),
  ]);
  const { ok, warning, wrong, unseen } = counts;
  const sum = `${ok} right, ${warning} at risk, ${wrong} wrong, ${unseen} not seen`;
  return `${[...lines, sum].join('\n')}\n`;
}

function remedyText(remedy: Remedy): string {
  if (remedy.tag === 'sql')
    return `${remedy.statement};${remedy.caution ? `  -- careful: ${remedy.caution}` : ''}`;
  if (remedy.tag === 'kafka' && remedy.caution) return `${remedy.statement}  # careful: ${remedy.caution}`;
  return remedy.statement;
}

const names = (text: string): string[] => text.split(',').map((name) => name.trim());

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1_000_000))
    throw new InvalidArgumentError('It takes 0 to 1000000 seconds.');
  return value;
}
