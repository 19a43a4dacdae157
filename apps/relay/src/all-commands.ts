/** All commands of `diptych`. */
import type { Command } from 'commander';
import { addExamples } from './command-examples.ts';
import { addComparisonCommands } from './commands/comparison-commands.ts';
import { addConfigCommands } from './commands/config-commands.ts';
import { addContractCommands } from './commands/contract-commands.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addInitCommand } from './commands/init-command.ts';
import { addOutboxCommands } from './commands/outbox-commands.ts';
import { addParkedCommands } from './commands/parked-commands.ts';
import { addPriceCommand } from './commands/price.ts';
import { addSkipCommand } from './commands/skip.ts';
import { dropSlotCommand } from './commands/slot-drop.ts';
import { addSnapshotCommands } from './commands/snapshot-commands.ts';
import { addStatusCommand } from './commands/status-command.ts';
import { addTailCommand } from './commands/tail.ts';
import { addTopicsCommand } from './commands/topics.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { configurationOf, newProgram } from './program.ts';
import { addRunCommand } from './run-command.ts';

/** All commands; `answer` is told an exit code that is not 0. */
export function commands(answer: (code: ExitCode) => void): Command {
  const program = newProgram();
  const configuration = () => configurationOf(program);
  addInitCommand(program, { configuration, declined: () => answer(exitCodes.badUse) });

  addRunCommand(program, configuration);
  addStatusCommand(program, { configuration, answer });
  program
    .command('slot')
    .description('the replication slot')
    .command('drop')
    .description('remove the slot and its checkpoint, so that the server keeps no WAL for it any more')
    .option('--publications', 'drop the two publications too')
    .option('--yes', 'do not ask')
    .option('--json', 'one line of JSON')
    .action(async (options: { yes?: boolean; publications?: boolean; json?: boolean }) => {
      const { yes = false, publications = false, json = false } = options;
      const dropped = await dropSlotCommand({ configuration: configuration(), yes, publications, json });
      if (!dropped) answer(exitCodes.badUse);
    });
  addParkedCommands(program, configuration);
  addSkipCommand(program, { configuration, declined: () => answer(exitCodes.badUse) });
  addOutboxCommands(program, configuration);
  addContractCommands(program, configuration);
  addSnapshotCommands(program, configuration);
  addTailCommand(program, configuration);
  addComparisonCommands(program, { configuration, answer });
  addPriceCommand(program, { configuration, declined: () => answer(exitCodes.badUse) });
  addDoctorCommand(program, { configuration, answer });
  addConfigCommands(program, { configuration, answer });
  addTopicsCommand(program, { configuration, answer });
  addExamples(program);
  return program;
}
