/** `diptych price`: what the ways to emit events cost on this database. */
import { measurePrice, type PriceConnection } from '@diptych/compare/price';
import { priceLines } from '@diptych/compare/price-text';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import { openCatalogue } from '@diptych/wal/catalogue';
import { type Command, InvalidArgumentError } from 'commander';
import type { Configuration } from '../configuration.ts';
import { confirm } from './confirm.ts';

interface Options {
  readonly seconds: number;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Adds `diptych price`. */
export function addPriceCommand(
  program: Command,
  { configuration, declined }: { configuration: () => Configuration; declined: () => void },
): void {
  program
    .command('price')
    .description(
      'what plain rows, an outbox row, insert-and-delete and a logical message cost on this database',
    )
    .option('--seconds <number>', 'how long to measure: 2 to 600', seconds, 30)
    .option('--yes', 'do not ask')
    .option('--json', 'one line of JSON')
    .action(async ({ seconds: forSeconds, yes = false, json = false }: Options) => {
      const { database } = configuration();
      const question =
        `Write up to 200 transactions a second for ${forSeconds} s into a scratch schema of this database, ` +
        'and drop it?';
      if (!yes && !(await confirm(question))) return declined();
      const lifecycle = new Lifecycle();
      const report = await measurePrice({
        connect: () => connected(database.url),
        seconds: forSeconds,
        signal: lifecycle.stopping,
        onProgress: (share) => void process.stderr.write(`${Math.round(share * 100)} %\n`),
      }).catch((error: unknown) => {
        if (!lifecycle.stopping.aborted) throw error;
        process.stderr.write('ended; nothing is left of it\n');
      });
      if (!report) return declined();
      process.stdout.write(`${json ? JSON.stringify(report) : priceLines(report).join('\n')}\n`);
    });
}

async function connected(databaseUrl: string): Promise<PriceConnection> {
  const catalogue = await openCatalogue(databaseUrl);
  return {
    query: async (text) => ({ rows: await catalogue.query(text) }),
    end: () => catalogue.close(),
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 2 && value <= 600)) throw new InvalidArgumentError('It takes 2 to 600.');
  return value;
}
