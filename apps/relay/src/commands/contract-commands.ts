import { openCatalogue } from '@diptych/wal/catalogue';
import type { Command } from 'commander';
import type { Configuration } from '../configuration.ts';
import { changeAsyncApi } from './async-api.ts';
import { addReplayCommand } from './replay-command.ts';

/** Adds `diptych replay` and `diptych asyncapi`. */
export function addContractCommands(program: Command, configuration: () => Configuration): void {
  addReplayCommand(program, configuration);
  program
    .command('asyncapi')
    .description('print an AsyncAPI 3 document of the change topics, of the tables as they are now')
    .action(async () => {
      const settings = configuration();
      const catalogue = await openCatalogue(settings.database.url);
      try {
        const document = await changeAsyncApi(catalogue, settings);
        process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
      } finally {
        await catalogue.close();
      }
    });
}
