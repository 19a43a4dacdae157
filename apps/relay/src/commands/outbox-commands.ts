import { parseDuration } from '@diptych/outbox/retention';
import { type Command, InvalidArgumentError } from 'commander';
import type { Configuration } from '../configuration.ts';
import { outboxTables } from '../outboxes.ts';
import { describeRetained, retain } from './outbox-retain.ts';

interface Options {
  readonly keep: number;
  readonly ahead: number;
  readonly table?: string;
  readonly wait: number;
  readonly json?: boolean;
}

const waitMsDefault = 30_000;

/** Adds `diptych outbox retain`. */
export function addOutboxCommands(program: Command, configuration: () => Configuration): void {
  program
    .command('outbox')
    .description('the outbox tables')
    .command('retain')
    .description('make partitions ahead of time, and drop those whose time is over, once they are published')
    .requiredOption('--keep <time>', 'how long events are kept, as 30d or 12h', duration)
    .option('--ahead <time>', 'how far ahead there are partitions', duration, duration('7d'))
    .option('--table <schema.table>', 'which outbox (default: the first that is configured)')
    .option('--wait <seconds>', 'how long to wait for the relay to publish', seconds, waitMsDefault)
    .option('--json', 'one line of JSON')
    .action(async ({ keep, ahead, table, wait, json = false }: Options) => {
      const settings = configuration();
      const retained = await retain({
        configuration: settings,
        table: table ?? outboxTables(settings)[0] ?? 'public.outbox',
        ...{ keepMs: keep, aheadMs: ahead, waitMs: wait },
      });
      process.stdout.write(json ? `${JSON.stringify(retained)}\n` : describeRetained(retained));
    });
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('It takes days or hours, as 30d or 12h.');
  return ms;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 3600)) throw new InvalidArgumentError('It takes 0 to 3600 seconds.');
  return value * 1000;
}
