import type { Command } from 'commander';
import type { Configuration } from '../configuration.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import {
  type Installed,
  install,
  installStatements,
  uninstall,
  uninstallStatements,
} from './audit-install.ts';

interface Options {
  readonly sql?: boolean;
  readonly json?: boolean;
}

/** Adds `diptych audit install` and `diptych audit uninstall`. */
export function addAuditInstallCommands(
  audit: Command,
  { configuration, answer }: { configuration: () => Configuration; answer: (code: ExitCode) => void },
): void {
  const commands = [
    {
      ...{ name: 'install', run: install, statements: installStatements },
      description: 'triggers by which each transaction says who writes it; again after a migration',
    },
    {
      ...{ name: 'uninstall', run: uninstall, statements: uninstallStatements },
      description: 'take them away, with their function',
    },
  ] as const;
  for (const { name, description, run, statements } of commands) {
    audit
      .command(name)
      .description(description)
      .option('--sql', 'print the statements, and change nothing')
      .option('--json', 'one line of JSON')
      .action(async (_options: Options, command: Command) => {
        // `audit` has a --json too, and takes it.
        const { sql = false, json = false } = command.optsWithGlobals<Options>();
        if (sql) {
          process.stdout.write((await statements(configuration())).map((one) => `${one};\n`).join(''));
          return;
        }
        const done = await run(configuration());
        process.stdout.write(json ? `${JSON.stringify(done)}\n` : describe(name, done));
        if (done.busy.length > 0) answer(exitCodes.operating);
      });
  }
}

function describe(name: string, { changed, unchanged, busy }: Installed): string {
  return [
    ...changed.map((table) => `${table}: ${name}ed`),
    ...busy.map((table) => `${table}: in use, call it again`),
    `${changed.length} ${name}ed, ${unchanged.length} as before, ${busy.length} in use`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}
