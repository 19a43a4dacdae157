import { Command } from 'commander';
import { type Configuration, readConfiguration } from './configuration.ts';

/** `diptych` without any command. */
export function newProgram(): Command {
  return new Command('diptych')
    .description('Publishes one Postgres WAL as two panels on Kafka: what was meant, and what was done.')
    .option('-c, --config <file>', 'configuration file (default: diptych.config.json, when it is there)')
    .exitOverride()
    .showHelpAfterError('(`diptych --help` shows what there is)');
}

/** What the file that it was given says, and the environment. Throws OperatingError `configuration-invalid`. */
export const configurationOf = (program: Command): Configuration =>
  readConfiguration({ file: program.opts<{ config?: string }>().config });
