/** Where the panels are: the options that every command has which reads them. */
import { type Command, Option } from 'commander';

export interface PanelArguments {
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly domainPrefix: string;
}

/** Adds `--brokers`, `--prefix` and `--domain-prefix`, or the relay's environment for them. */
export function addPanelOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--brokers <list>', 'bootstrap brokers, `host:port`, separated by commas')
        .env('DIPTYCH_KAFKA_BROKERS')
        .argParser(separated)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--prefix <name>', 'prefix of the relay’s topics').env('DIPTYCH_PREFIX').default('diptych'),
    )
    .addOption(
      new Option('--domain-prefix <name>', 'what the names of domain topics begin with')
        .env('DIPTYCH_OUTBOX_TOPIC_PREFIX')
        .default('outbox.event.'),
    );
}

/** The parts of a list with commas. */
export function separated(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
