/** `compare engine`: follows both panels, and keeps what it has folded in a database of its own. */
import { drifted } from '@diptych/compare/compare-to-now';
import { declaredDrifts } from '@diptych/compare/declared-drifts';
import { stringifyLossless } from '@diptych/runtime/json';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import { brokersFrom, databaseUrlFrom } from '@diptych/runtime/service-environment';
import type { Command } from 'commander';
import { capturedDatabases } from './captured-databases.ts';
import { Engine, type EngineAnswer, type EngineOptions } from './engine.ts';
import { EngineStore } from './engine-store.ts';
import { addPanelOptions, type PanelArguments } from './panel-options.ts';

interface Output {
  write(text: string): unknown;
}

interface Arguments extends PanelArguments {
  readonly database: string;
  readonly name: string;
  readonly mappings?: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** How often a line says how far it is: to people, and to scripts. */
const sayIntervalMs = 5000;
const progressIntervalMs = 500;

/** Adds `compare engine`. */
export function addEngineCommand(program: Command, { out, err }: { out: Output; err: Output }): void {
  addPanelOptions(program.command('engine'))
    .description(
      'follow both panels and keep what is found in a database of its own; Ctrl-C ends it, a kill costs nothing',
    )
    .requiredOption('--database <url>', 'a Postgres database of its own, never the captured one')
    .option('--name <name>', 'under which its state is kept', 'compare')
    .option('--mappings <file>', 'aggregates besides the cart')
    .option(
      '--once',
      'stop when everything is folded that was there at the start, and print what is known as one line of JSON',
    )
    .option(
      '--json',
      'while it runs a line of JSON every half second, how far it is; in place of words every five',
    )
    .action(async (args: Arguments) => {
      const answer = await runEngine(args, { out, err });
      if (args.once) out.write(`${stringifyLossless(answer)}\n`);
    });
}

/** Runs it until it is asked to end, or has caught up; answers what is known then. */
async function runEngine(args: Arguments, { out, err }: { out: Output; err: Output }): Promise<EngineAnswer> {
  const { prefix, domainPrefix, name } = args;
  const brokers = brokersFrom(process.env, { name: 'DIPTYCH_KAFKA', addresses: args.brokers });
  const databaseUrl = databaseUrlFrom(process.env, { name: 'COMPARE_DATABASE', url: args.database });
  const drifts = await declaredDrifts(args.mappings);
  const captured = await capturedDatabases({ brokers, prefix });
  const store = await EngineStore.open({ databaseUrl, name, captured });
  const lifecycle = new Lifecycle();
  try {
    const options: EngineOptions = {
      ...{ brokers, prefix, domainPrefix, drifts },
      onTrouble: ({ message, remedy }) => err.write(`compare: ${message}\n  → ${remedy}\n`),
    };
    const engine = await Engine.resume(store, options);
    const say =
      args.json === true
        ? setInterval(() => out.write(`${progressLine(engine)}\n`), progressIntervalMs)
        : setInterval(() => err.write(`${statusLine(engine.answer())}\n`), sayIntervalMs);
    try {
      await engine.run(lifecycle.stopping, { untilCaughtUp: args.once ?? false });
    } finally {
      clearInterval(say);
    }
    return engine.answer();
  } finally {
    await store.close();
  }
}

function progressLine(engine: Engine): string {
  const { transactions, caughtUp } = engine.progress;
  return JSON.stringify({
    transactions,
    caughtUp,
    lagMsMax: engine.takeLagMsMax(),
    rssBytes: process.memoryUsage.rss(),
  });
}

function statusLine(answer: EngineAnswer): string {
  const { horizon, counts, audit, lagMs, blockedBy, caughtUp } = answer;
  const rss = Math.round(process.memoryUsage.rss() / 1e6);
  return [
    `${counts.transactions} transactions up to ${horizon === null ? 'nothing' : `${horizon.commitLsn} (${horizon.commitTime})`}`,
    !caughtUp ? 'catching up' : lagMs === null ? 'up to date' : `${lagMs} ms behind`,
    `${audit.leaks} leaks, ${drifted(answer)} drifted`,
    `${rss} MB`,
    ...(blockedBy === null
      ? []
      : [`held back by xid ${blockedBy.xid} at ${blockedBy.commitLsn}, which is not whole`]),
  ].join(' · ');
}
