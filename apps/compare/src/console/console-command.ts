/** `compare console`: the engine with a timeline, and the page's server. */

import { readFile } from 'node:fs/promises';
import { readAccepted } from '@diptych/compare/accepted-shapes';
import { declaredDrifts } from '@diptych/compare/declared-drifts';
import { noMasks, readMasks } from '@diptych/compare/mask';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import { createLogger } from '@diptych/runtime/log';
import { brokersFrom, databaseUrlFrom, listOf } from '@diptych/runtime/service-environment';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { startConsole } from './console-server.ts';

interface Arguments {
  readonly brokers: string[];
  readonly prefix: string;
  readonly domainPrefix: string;
  readonly slot: string;
  readonly database: string;
  readonly name: string;
  readonly mappings?: string;
  readonly masks?: string;
  readonly audited?: string[];
  readonly accepted?: string;
  readonly eventOnly: string[];
  readonly kept: number;
  readonly host: string;
  readonly port: number;
  readonly names: string[];
  readonly relay: string[];
  readonly source?: string;
  readonly price?: string;
}

const acceptedDefault = 'audit.accepted.json';

/** Adds `compare console`. Each setting may come from the environment; the token only from there. */
export function addConsoleCommand(
  program: Command,
  { out }: { out: { write(text: string): unknown } },
): void {
  const command = program
    .command('console')
    .description('both panels side by side in a browser: timeline, aggregates, leaks, drift, health');
  const settings: readonly [flags: string, description: string, environment: string, usual?: unknown][] = [
    ['--prefix <name>', 'prefix of the relay’s topics', 'DIPTYCH_PREFIX', 'diptych'],
    [
      '--domain-prefix <name>',
      'what the names of domain topics begin with',
      'DIPTYCH_OUTBOX_TOPIC_PREFIX',
      'outbox.event.',
    ],
    ['--slot <name>', 'the relay’s slot', 'DIPTYCH_SLOT', 'diptych'],
    ['--name <name>', 'under which its state is kept', 'DIPTYCH_CONSOLE_NAME', 'console'],
    ['--mappings <file>', 'aggregates besides the cart', 'DIPTYCH_CONSOLE_MAPPINGS'],
    ['--masks <file>', 'columns and members that nobody is to see', 'DIPTYCH_CONSOLE_MASKS'],
    ['--accepted <file>', 'shapes that may be without an event', 'DIPTYCH_CONSOLE_ACCEPTED'],
    [
      '--host <address>',
      'where it listens; beyond this machine it demands DIPTYCH_CONSOLE_TOKEN',
      'DIPTYCH_CONSOLE_HOST',
      '127.0.0.1',
    ],
    ['--source <url>', 'the captured database, only to read pg_replication_slots', 'DIPTYCH_CONSOLE_SOURCE'],
    ['--price <file>', 'what `diptych price --json` wrote', 'DIPTYCH_CONSOLE_PRICE'],
  ];
  const lists: readonly [flags: string, description: string, environment: string, usual?: string[]][] = [
    [
      '--audited <tables>',
      'tables whose changes ought to carry an event; default: those that once did',
      'DIPTYCH_CONSOLE_AUDITED',
    ],
    ['--event-only <types>', 'aggregate types whose events need no row', 'DIPTYCH_CONSOLE_EVENT_ONLY', []],
    [
      '--names <hosts>',
      'by which it is reached, besides where it listens and localhost',
      'DIPTYCH_CONSOLE_NAMES',
      [],
    ],
    ['--relay <urls>', 'of relays, for health', 'DIPTYCH_CONSOLE_RELAYS', []],
  ];
  const numbers: readonly [flags: string, description: string, environment: string, usual: number][] = [
    ['--port <number>', 'where it listens', 'DIPTYCH_CONSOLE_PORT', 8084],
    [
      '--kept <transactions>',
      'kept for the timeline; older ones are forgotten',
      'DIPTYCH_CONSOLE_KEPT',
      100_000,
    ],
  ];
  command.addOption(
    new Option('--brokers <list>', 'bootstrap brokers, `host:port`, separated by commas')
      .env('DIPTYCH_KAFKA_BROKERS')
      .argParser(listOf)
      .makeOptionMandatory(),
  );
  command.addOption(
    new Option('--database <url>', 'a Postgres database of its own, never the captured one')
      .env('DIPTYCH_CONSOLE_DATABASE')
      .makeOptionMandatory(),
  );
  for (const [flags, description, environment, usual] of settings)
    command.addOption(new Option(flags, description).env(environment).default(usual));
  for (const [flags, description, environment, usual] of lists)
    command.addOption(new Option(flags, description).env(environment).argParser(listOf).default(usual));
  for (const [flags, description, environment, usual] of numbers)
    command.addOption(new Option(flags, description).env(environment).argParser(wholeNumber).default(usual));
  command.action(async (args: Arguments) => await runConsole(args, out));
}

async function runConsole(args: Arguments, out: { write(text: string): unknown }): Promise<void> {
  const { prefix, domainPrefix, slot, name, mappings, masks, audited, accepted } = args;
  const { eventOnly, kept, host, port, names, relay, source, price } = args;
  const brokers = brokersFrom(process.env, { name: 'DIPTYCH_KAFKA', addresses: args.brokers });
  const databaseUrl = databaseUrlFrom(process.env, { name: 'COMPARE_DATABASE', url: args.database });
  const log = createLogger('console');
  const path = accepted ?? acceptedDefault;
  const lifecycle = new Lifecycle();
  const console = await startConsole({
    ...{ brokers, prefix, domainPrefix, slot, name, host, port, names, log },
    ...{ databaseUrl, keptMax: kept, relays: relay, version: await version() },
    token: process.env.DIPTYCH_CONSOLE_TOKEN || null,
    sourceUrl: source ?? null,
    priceFile: price ?? null,
    drifts: await declaredDrifts(mappings),
    masks: masks === undefined ? noMasks : await readMasks(masks),
    audit: {
      ...{ tables: audited, eventOnly },
      accepted: await readAccepted({ path, required: accepted !== undefined }),
    },
  });
  lifecycle.onClose('the console', console.close);
  out.write(`${console.url}\n`);
  await lifecycle.untilStopped();
  await lifecycle.close();
}

async function version(): Promise<string> {
  const manifest: unknown = JSON.parse(
    await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return (manifest as { version: string }).version;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It takes a whole number.');
  return Number(text);
}
