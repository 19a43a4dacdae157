import { type Command, InvalidArgumentError } from 'commander';
import type { Configuration } from '../configuration.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { showStatus } from './status.ts';
import { watchStatus } from './status-watch.ts';

interface Options {
  readonly json?: boolean;
  readonly watch?: boolean;
  readonly interval: number;
}

/** Adds `diptych status`. */
export function addStatusCommand(
  program: Command,
  { configuration, answer }: { configuration: () => Configuration; answer: (code: ExitCode) => void },
): void {
  program
    .command('status')
    .description('slot, role, positions, lag and last error')
    .option('--json', 'one line of JSON; with --watch one for each look')
    .option('--watch', 'look again and again until Ctrl-C, in place on a terminal')
    .option('--interval <seconds>', 'with --watch: how often', intervalMs, 1000)
    .action(async ({ json = false, watch = false, interval }: Options) => {
      const out = process.stdout;
      if (watch)
        return await watchStatus({ configuration: configuration(), json, intervalMs: interval, out });
      const whole = await showStatus({ configuration: configuration(), json, out });
      if (!whole) answer(exitCodes.operating);
    });
}

/** In ms. */
function intervalMs(text: string): number {
  const value = Number(text);
  if (!(value >= 0.1 && value <= 3600)) throw new InvalidArgumentError('It takes 0.1 to 3600 seconds.');
  return value * 1000;
}
