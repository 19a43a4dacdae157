import { type Command, InvalidArgumentError } from 'commander';
import type { Configuration } from '../configuration.ts';
import type { SnapshotCommand } from '../snapshot/snapshot-topic.ts';
import { askSnapshot } from './snapshot.ts';
import { showSnapshots } from './snapshot-status.ts';

const waitSecondsDefault = 30;

interface Options {
  readonly table?: readonly string[];
  readonly where?: string;
  readonly wait: number;
  readonly json?: boolean;
}

/** Adds `diptych snapshot` and `diptych snapshot pause|resume|stop|status`. */
export function addSnapshotCommands(program: Command, configuration: () => Configuration): void {
  const out = process.stdout;
  const ask = async (
    command: SnapshotCommand['command'],
    { table = [], where, wait, json = false }: Options,
  ) => {
    const timeoutMs = wait * 1000;
    await askSnapshot({
      ...{
        configuration: configuration(),
        command,
        tables: table,
        where: where ?? null,
        timeoutMs,
        json,
        out,
      },
    });
  };
  const snapshot = waiting(program.command('snapshot'))
    .description('read tables beside the stream, and publish their rows; a relay that runs does it')
    .option('--table <schema.table...>', 'which tables', collect)
    .option('--where <condition>', 'a condition in SQL on the rows that are read')
    .action(async (options: Options) => {
      if (!options.table?.length) throw snapshot.error('error: name at least one table with --table');
      await ask('start', options);
    });
  waiting(snapshot.command('pause'))
    .description('read no further for now')
    .action((_options: unknown, command: Command) => ask('pause', command.optsWithGlobals<Options>()));
  waiting(snapshot.command('resume'))
    .description('go on where it was paused')
    .action((_options: unknown, command: Command) => ask('resume', command.optsWithGlobals<Options>()));
  waiting(snapshot.command('stop'))
    .description('read no further, ever; what was published stays')
    .option('--table <schema.table...>', 'only these tables (default: all)', collect)
    .action((_options: unknown, command: Command) => ask('stop', command.optsWithGlobals<Options>()));
  snapshot
    .command('status')
    .description('which tables are read, and how far')
    .option('--json', 'one line of JSON')
    // `snapshot` has the option too, and takes it wherever it stands.
    .action((_options: unknown, command: Command) => {
      const { json = false } = command.optsWithGlobals<Options>();
      return showSnapshots({ configuration: configuration(), json, out });
    });
}

const waiting = (command: Command): Command =>
  command
    .option('--wait <seconds>', 'how long to wait for the relay', seconds, waitSecondsDefault)
    .option('--json', 'one line of JSON: the relay’s word');

const collect = (table: string, before: readonly string[] = []): string[] => [...before, table];

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3600)) throw new InvalidArgumentError('It takes 1 to 3600 seconds.');
  return value;
}
