import type { Command } from 'commander';
import type { Configuration } from '../configuration.ts';
import { loadContracts, type Replayed, replay } from './replay.ts';

interface Options {
  readonly upcast: string;
  readonly from: string;
  readonly to: string;
  readonly json?: boolean;
}

/** Adds `diptych replay`. */
export function addReplayCommand(program: Command, configuration: () => Configuration): void {
  program
    .command('replay')
    .description('write the history of a domain topic into another one, each event in its newest version')
    .requiredOption('--upcast <module#export>', 'the contracts, as cart-events.ts#cartContract')
    .requiredOption('--from <topic>', 'where the history is')
    .requiredOption(
      '--to <topic>',
      'where it is written to; made when it is not there, gone on with when it is',
    )
    .option('--json', 'one line of JSON')
    .action(async ({ upcast, from, to, json = false }: Options) => {
      const { kafka } = configuration();
      const contracts = await loadContracts(upcast);
      const onProgress = (replayed: Replayed) => process.stderr.write(`${describe(replayed)} …\n`);
      const replayed = await replay({ brokers: kafka.brokers, from, to, contracts, onProgress });
      process.stdout.write(
        json ? `${JSON.stringify({ from, to, ...replayed })}\n` : `${describe(replayed)}\n`,
      );
    });
}

const describe = ({ events, upcast }: Replayed): string =>
  `${events} events are written, ${upcast} of them upcast`;
