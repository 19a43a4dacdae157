import { maskSecrets, settingsOf } from '@diptych/runtime/configuration';
import { OperatingError } from '@diptych/runtime/failure';
import type { Command } from 'commander';
import { type Configuration, configurationSchema } from '../configuration.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';

interface Surroundings {
  readonly configuration: () => Configuration;
  readonly answer: (code: ExitCode) => void;
}

/** Adds `diptych config check` and `diptych config print`: neither asks a server. */
export function addConfigCommands(program: Command, { configuration, answer }: Surroundings): void {
  const out = process.stdout;
  const config = program.command('config').description('the settings, from file and environment');
  config
    .command('check')
    .description('whether they are allowed, each by itself and together; exit code 2 names what is not')
    .option('--json', 'one line of JSON')
    .action(({ json = false }: { json?: boolean }) => {
      if (!json) {
        const set = setByUser(configuration());
        out.write(`the configuration is right: ${set.length} settings are not the default\n`);
        return;
      }
      const wrong = refusalOf(configuration);
      out.write(`${JSON.stringify(wrong ?? { ok: true })}\n`);
      if (wrong) answer(exitCodes.badUse);
    });
  config
    .command('print')
    .description('all of them, as diptych.config.json has them; secrets are masked')
    .option('--json', 'one line of JSON')
    .option('--changed', 'only those that are not the default')
    .action(({ json = false, changed = false }: { json?: boolean; changed?: boolean }) => {
      const masked = maskSecrets(configurationSchema, configuration());
      const shown = changed ? onlyPaths(masked, setByUser(configuration())) : masked;
      out.write(`${JSON.stringify(shown, null, json ? 0 : 2)}\n`);
    });
}

function refusalOf(configuration: () => Configuration) {
  try {
    configuration();
    return null;
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    const { code, message, remedy } = error;
    return { ok: false, code, message, remedy };
  }
}

/** The paths whose value is another one than their default. */
function setByUser(configuration: Configuration): string[] {
  const isDefault = (path: string, fallback: unknown) =>
    JSON.stringify(valueAt(configuration, path)) === JSON.stringify(fallback);
  return settingsOf(configurationSchema)
    .filter(({ path, default: fallback }) => !isDefault(path, fallback))
    .map(({ path }) => path);
}

function valueAt(node: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (at, name) => (typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined),
      node,
    );
}

function onlyPaths(
  configuration: Record<string, unknown>,
  paths: readonly string[],
): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const path of paths) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    let node = kept;
    for (const name of names) {
      node[name] ??= {};
      node = node[name] as Record<string, unknown>;
    }
    node[last] = valueAt(configuration, path);
  }
  return kept;
}
