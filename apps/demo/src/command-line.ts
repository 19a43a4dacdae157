/** `npm start` and `npm run demo`. */

import { OperatingError } from '@diptych/runtime/failure';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import { sayTo } from '@diptych/testkit/progress';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { demo } from './demo.ts';
import { start } from './start.ts';

/** Runs one command and answers its exit code (docs/wire.md, "Names and defaults"). */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('demo').exitOverride().showHelpAfterError();
  const lifecycle = new Lifecycle();
  // Whoever reads may have had enough (`npm start | head`): that is an end, not an error.
  process.stdout.on('error', () => lifecycle.stop('nobody reads'));
  const context = { say: sayTo(process.stderr), signal: lifecycle.stopping, out: process.stdout };
  program
    .command('start', { isDefault: true })
    .description('start everything, shop once, then show each transaction as a pair until Ctrl-C')
    .option('--keep', 'keep the data at the end')
    .action(({ keep = false }: { keep?: boolean }) => start({ ...context, keep }));
  program
    .command('demo')
    .description('scripted shoppers, then the report; exit code 1 when it is not exactly what was planted')
    .option('--json', 'one line of JSON instead of text')
    .option('--no-legacy', 'without the legacy write that carries no event')
    .option('--shoppers <count>', 'random shoppers besides the worked example', wholeNumber, 20)
    .option('--seed <number>', 'the same seed shops the same', wholeNumber, 1)
    .option('--keep', 'leave the servers up until Ctrl-C, and print where they are')
    .action(
      async (options: {
        json?: boolean;
        legacy: boolean;
        shoppers: number;
        seed: number;
        keep?: boolean;
      }) => {
        const { json = false, keep = false } = options;
        exitCode = await demo({ ...context, ...options, json, keep });
      },
    );
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (lifecycle.stopping.aborted) return 0;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof OperatingError)) throw error;
    process.stderr.write(`${error.message} (${error.code})\n  → ${error.remedy}\n`);
    return 4;
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It takes a whole number.');
  return Number(text);
}
