import type { Command } from 'commander';
import type { Configuration } from '../configuration.ts';
import { initialise } from '../initialise.ts';
import { confirm } from './confirm.ts';
import { privilegeScript } from './privilege-script.ts';

interface Options {
  readonly fromSlot?: boolean;
  readonly yes?: boolean;
  readonly sql?: boolean;
  readonly json?: boolean;
  readonly role: string;
}

/** Adds `diptych init`. `declined` is called when the person who was asked says no. */
export function addInitCommand(
  program: Command,
  { configuration, declined }: { configuration: () => Configuration; declined: () => void },
): void {
  program
    .command('init')
    .description('create publications, slot, topics and the first checkpoint; what is there already stays')
    .option('--from-slot', 'write a checkpoint at the slot’s position, whatever was published before')
    .option('--yes', 'do not ask, with --from-slot, whether what is published already may come again')
    .option('--sql', 'change nothing: print what an administrator has to run for a role that may do no more')
    .option('--role <name>', 'that role, with --sql', 'diptych')
    .option('--json', 'one line of JSON: what was done, step by step')
    .action(async ({ fromSlot = false, yes = false, sql = false, json = false, role }: Options) => {
      if (sql) {
        process.stdout.write(`${await privilegeScript({ configuration: configuration(), role })}\n`);
        return;
      }
      const steps: string[] = [];
      const say = (line: string) => (json ? steps.push(line) : process.stdout.write(`${line}\n`));
      const asking = yes ? {} : { confirm };
      const done = await initialise({ configuration: configuration(), fromSlot, say, ...asking });
      if (json) process.stdout.write(`${JSON.stringify({ ok: done, steps })}\n`);
      if (!done) declined();
    });
}
