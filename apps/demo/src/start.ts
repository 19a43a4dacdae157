import { describeCartEvent } from '@diptych/compare/cart-mapping';
import { followPairs } from '@diptych/compare/follow';
import { KnownRows } from '@diptych/compare/known-rows';
import { renderPair } from '@diptych/compare/pair';
import type { Say } from '@diptych/testkit/progress';
import { startStack } from '@diptych/testkit/stack';
import { buildPage } from './console-page.ts';
import { firstShopper } from './script.ts';
import { plainNames, type System, startSystem, uniqueNames } from './system.ts';

export interface StartOptions {
  readonly keep: boolean;
  readonly say: Say;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly out: NodeJS.WriteStream;
}

/** Starts everything, drives the first shopper, shows each transaction as a pair until Ctrl-C, and ends everything. */
export async function start({ keep, say, signal, out }: StartOptions): Promise<void> {
  const stack = await startStack({ say, keep, signal });
  try {
    const external = stack.kind === 'external';
    const names = external ? uniqueNames() : plainNames;
    const dropDatabases = external && !keep;
    const everything = { documentedPorts: true, projections: true, console: true };
    await buildPage(say);
    const system = await startSystem({ servers: stack, names, say, dropDatabases, ...everything });
    try {
      out.write(addresses(system));
      const shopping = Promise.all([
        showPairs(system, { signal, out, say }),
        firstShopper({ ...system, legacy: true }),
      ]);
      await Promise.race([shopping, system.relay.untilUnaskedExit()]);
    } finally {
      say('stopping …');
      await system.close();
    }
  } finally {
    await stack.stop();
  }
}

async function showPairs(
  { brokers, names }: System,
  { signal, out, say }: Pick<StartOptions, 'signal' | 'out' | 'say'>,
): Promise<void> {
  const { prefix, domainPrefix } = names;
  const pairs = followPairs({
    brokers,
    prefix,
    domainPrefix,
    from: 'beginning',
    signal,
    onTrouble: (error) => say(`Kafka: ${error.message}`),
  });
  const look = { columns: out.columns ?? 120, color: out.isTTY ?? false, describe: describeCartEvent };
  const known = new KnownRows();
  for await (const transaction of pairs) out.write(`${renderPair(known.complete(transaction), look)}\n\n`);
}

function addresses(system: System): string {
  const { cartUrl, shippingUrl, projectionsUrl, consoleUrl, databaseUrl, brokers, relay, names } = system;
  const topics = `${names.domainPrefix}cart, ${names.prefix}.public.*, ${names.prefix}.transaction`;
  return `
console       ${consoleUrl}
cart service  ${cartUrl}/docs
shipping      ${shippingUrl}/shipments
projections   ${projectionsUrl}/removed-before-checkout
relay         ${relay.url}/status
Postgres      ${databaseUrl}
Kafka         ${brokers.join(',')}   ${topics}

Each transaction as a pair: left what was meant, right what was done. Ctrl-C ends everything. Take part:

  curl -s -X POST ${cartUrl}/carts/102/items -H 'content-type: application/json' -d '{"sku": "mango"}'

`;
}
