import { describeCartEvent } from '@diptych/compare/cart-mapping';
import { followPairs } from '@diptych/compare/follow';
import { KnownRows } from '@diptych/compare/known-rows';
import { renderPair } from '@diptych/compare/pair';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import type { Configuration } from '../configuration.ts';

/** Width of the pairs where the output is no terminal. */
const plainColumns = 120;

/** Shows each transaction as a pair, as it comes, until Ctrl-C: left what was meant, right what was done. */
export async function tail({
  configuration,
  fromBeginning,
  out,
}: {
  configuration: Configuration;
  fromBeginning: boolean;
  out: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
}): Promise<void> {
  const { kafka, prefix, outbox } = configuration;
  const { stopping } = new Lifecycle();
  const pairs = followPairs({
    brokers: kafka.brokers,
    prefix,
    domainPrefix: outbox.topicPrefix,
    from: fromBeginning ? 'beginning' : 'end',
    signal: stopping,
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
    out.write(`${renderPair(known.complete(transaction), look)}\n\n`);
  }
}
