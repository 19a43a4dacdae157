import type { Command } from 'commander';
import type { Configuration } from './configuration.ts';
import { type Accepted, acceptedNothing } from './session-context.ts';

/** `diptych run`. */
export function addRunCommand(program: Command, configuration: () => Configuration): void {
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
    .action(async (accepted: Partial<Accepted>) => {
      const { run } = await import('./commands/run.ts');
      await run({ configuration: configuration(), ...acceptedNothing, ...accepted });
    });
}
