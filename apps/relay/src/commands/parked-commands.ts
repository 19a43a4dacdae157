import { type Command, InvalidArgumentError } from 'commander';
import type { Configuration } from '../configuration.ts';
import { askRelay, listParked, listPhantoms, sayDone, showParked } from './parked.ts';

const waitSecondsDefault = 30;

/** Adds `diptych parked list|show|release|discard|phantoms`. */
export function addParkedCommands(program: Command, configuration: () => Configuration): void {
  const out = process.stdout;
  const parked = program
    .command('parked')
    .description('records that could not be published, and what waits behind them');
  parked
    .command('list')
    .description('what is parked, and why')
    .option('--json', 'one line of JSON')
    .action(({ json = false }: { json?: boolean }) =>
      listParked({ configuration: configuration(), json, out }),
    );
  parked
    .command('phantoms')
    .description('what `run --accept-phantoms` went on over: transactions that the promoted server never had')
    .option('--json', 'one line of JSON for each record of a list')
    .action(({ json = false }: { json?: boolean }) =>
      listPhantoms({ configuration: configuration(), json, out }),
    );
  parked
    .command('show <id>')
    .description('one parked record with its value, and what became of it')
    .option('--json', 'one line of JSON')
    .action((id: string, { json = false }: { json?: boolean }) =>
      showParked({ configuration: configuration(), id, json, out }),
    );
  parked
    .command('release <id>')
    .description('publish it to its topic after all, and what waits behind it')
    .option('--wait <seconds>', 'how long to wait for the relay', seconds, waitSecondsDefault)
    .option('--json', 'one line of JSON')
    .action(async (id: string, { wait, json = false }: { wait: number; json?: boolean }) => {
      const request = { command: 'release', id, reason: null, timeoutMs: wait * 1000 } as const;
      sayDone(id, await askRelay({ place: configuration(), ...request }), { json, out });
    });
  parked
    .command('discard <id>')
    .description('give it up, and publish what waits behind it')
    .requiredOption('--reason <text>', 'why; it stays in the parked topic')
    .option('--wait <seconds>', 'how long to wait for the relay', seconds, waitSecondsDefault)
    .option('--json', 'one line of JSON')
    .action(
      async (
        id: string,
        { reason, wait, json = false }: { reason: string; wait: number; json?: boolean },
      ) => {
        const request = { command: 'discard', id, reason, timeoutMs: wait * 1000 } as const;
        sayDone(id, await askRelay({ place: configuration(), ...request }), { json, out });
      },
    );
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3600)) throw new InvalidArgumentError('It takes 1 to 3600 seconds.');
  return value;
}
