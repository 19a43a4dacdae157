/** The `diptych` command: reads arguments, calls one function each, turns failures into exit codes. */
import { OperatingError } from '@diptych/runtime/failure';
import { Command, CommanderError } from 'commander';
import { addComparisonCommands } from './commands/comparison-commands.ts';
import { confirm } from './commands/confirm.ts';
import { addContractCommands } from './commands/contract-commands.ts';
import { addOutboxCommands } from './commands/outbox-commands.ts';
import { addParkedCommands } from './commands/parked-commands.ts';
import { run } from './commands/run.ts';
import { addSkipCommand } from './commands/skip.ts';
import { dropSlotCommand } from './commands/slot-drop.ts';
import { addSnapshotCommands } from './commands/snapshot-commands.ts';
import { showStatus } from './commands/status.ts';
import { addTailCommand } from './commands/tail.ts';
import { type Configuration, readConfiguration } from './configuration.ts';
import { type ExitCode, exitCodes, explain } from './exit-code.ts';
import { initialise } from './initialise.ts';
import { type Accepted, acceptedNothing } from './session-context.ts';

/** Runs one command and answers its exit code; never throws for what a user or the world did. */
export async function runCommandLine(args: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const program = commands((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.badUse;
    if (!(error instanceof OperatingError)) throw error;
    const { text, exitCode: code } = explain(error);
    process.stderr.write(text);
    return code;
  }
}

function commands(answer: (code: ExitCode) => void): Command {
  const program = new Command('diptych')
    .description('Publishes one Postgres WAL as two panels on Kafka: what was meant, and what was done.')
    .option('-c, --config <file>', 'configuration file (default: diptych.config.json, when it is there)')
    .exitOverride()
    .showHelpAfterError('(`diptych --help` shows what there is)');
  const configuration = (): Configuration =>
    readConfiguration({ file: program.opts<{ config?: string }>().config });

  program
    .command('init')
    .description('create publications, slot, topics and the first checkpoint; what is there already stays')
    .option('--from-slot', 'write a checkpoint at the slot’s position, whatever was published before')
    .option('--yes', 'do not ask, with --from-slot, whether what is published already may come again')
    .addHelpText(
      'after',
      '\nExample:\n  $ DIPTYCH_DATABASE_URL=postgres://… DIPTYCH_KAFKA_BROKERS=localhost:9092 diptych init',
    )
    .action(async ({ fromSlot = false, yes = false }: { fromSlot?: boolean; yes?: boolean }) => {
      const say = (line: string) => process.stdout.write(`${line}\n`);
      const asking = yes ? {} : { confirm };
      const done = await initialise({ configuration: configuration(), fromSlot, say, ...asking });
      if (!done) answer(exitCodes.badUse);
    });

  program
    .command('run')
    .description('publish both panels until SIGTERM or Ctrl-C; a second relay stands by')
    .option('--accept-gap', 'go on although changes were lost with a publication; the gap is logged')
    .option(
      '--accept-partitions',
      'place keys in the partitions that topics have now; the order of a key breaks where its partition changes',
    )
    .option(
      '--accept-phantoms',
      'go on after a failover although Kafka holds what the new primary never had; their list is parked',
    )
    .action((accepted: Partial<Accepted>) =>
      run({ configuration: configuration(), ...acceptedNothing, ...accepted }),
    );

  program
    .command('status')
    .description('slot, role, positions, lag and last error')
    .option('--json', 'one line of JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const whole = await showStatus({ configuration: configuration(), json, out: process.stdout });
      if (!whole) answer(exitCodes.operating);
    });

  program
    .command('slot')
    .description('the replication slot')
    .command('drop')
    .description('remove the slot and its checkpoint, so that the server keeps no WAL for it any more')
    .option('--publications', 'drop the two publications too')
    .option('--yes', 'do not ask')
    .action(async ({ yes = false, publications = false }: { yes?: boolean; publications?: boolean }) => {
      const dropped = await dropSlotCommand({ configuration: configuration(), yes, publications });
      if (!dropped) answer(exitCodes.badUse);
    });
  addParkedCommands(program, configuration);
  addSkipCommand(program, { configuration, declined: () => answer(exitCodes.badUse) });
  addOutboxCommands(program, configuration);
  addContractCommands(program, configuration);
  addSnapshotCommands(program, configuration);
  addTailCommand(program, configuration);
  addComparisonCommands(program, { configuration, answer });
  return program;
}
