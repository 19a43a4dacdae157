import { once } from 'node:events';
import { describeCartEvent } from '@diptych/compare/cart-mapping';
import { followPairs } from '@diptych/compare/follow';
import { KnownRows } from '@diptych/compare/known-rows';
import { renderPair } from '@diptych/compare/pair';
import { pairJson } from '@diptych/compare/pair-json';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import type { Command } from 'commander';
import type { Configuration } from '../configuration.ts';

/** Width of the pairs where the output is no terminal. */
const plainColumns = 120;

/**
 * Shows each transaction as a pair, as it comes, until Ctrl-C: left what was meant, right what was done. With `json` each is a line
 * of JSON.
 */
export async function tail({
  configuration,
  fromBeginning,
  json = false,
  out,
}: {
  configuration: Configuration;
  fromBeginning: boolean;
  json?: boolean;
  out: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
}): Promise<void> {
  const { kafka, prefix, outbox } = configuration;
  const lifecycle = new Lifecycle();
  const { stopping } = lifecycle;
  // Whoever reads may have had enough (`diptych tail | head`): that is an end, not an error.
  out.on('error', () => lifecycle.stop('nobody reads'));
  const pairs = followPairs({
    brokers: kafka.brokers,
    prefix,
    domainPrefix: outbox.topicPrefix,
    from: fromBeginning ? 'beginning' : 'end',
    signal: stopping,
    onTrouble: ({ message, remedy }) => process.stderr.write(`diptych: ${message}\n  → ${remedy}\n`),
    onStraggler: (straggler) => {
      process.stderr.write(`diptych: transaction ${straggler.identity.xid} is not whole and is left out\n`);
    },
  });
  // The server sends no row before an update; what this reader saw of it earlier says what changed.
  const known = new KnownRows();
  const look = {
    columns: out.columns ?? plainColumns,
    color: out.isTTY ?? false,
    describe: describeCartEvent,
  };
  for await (const transaction of pairs) {
    const pair = known.complete(transaction);
    const text = json ? `${pairJson(pair)}\n` : `${renderPair(pair, look)}\n\n`;
    if (!out.write(text)) await drained(out, stopping);
  }
}

/** A slow reader is waited for, or all that it has not read yet would pile up here. */
async function drained(out: NodeJS.WritableStream, stopping: AbortSignal): Promise<void> {
  await once(out, 'drain', { signal: stopping }).catch(() => {});
}

/** Adds `diptych tail`. */
export function addTailCommand(program: Command, configuration: () => Configuration): void {
  program
    .command('tail')
    .description('show each transaction as a pair: what was meant, what was done')
    .option('--from-beginning', 'begin with the first transaction of the topics, not with the next')
    .option('--json', 'each transaction as one line of JSON')
    .action(({ fromBeginning = false, json = false }: { fromBeginning?: boolean; json?: boolean }) =>
      tail({ configuration: configuration(), fromBeginning, json, out: process.stdout }),
    );
}
