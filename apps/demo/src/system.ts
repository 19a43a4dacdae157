/** The whole system on one machine: stack, cart service, relay, shipping. */
import { randomBytes } from 'node:crypto';
import { migrate } from '@diptych/cart-app/migrations';
import { startCart } from '@diptych/cart-app/server';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import { createLogger } from '@diptych/runtime/log';
import { startShipping } from '@diptych/shipping-app/server';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import { freePorts } from '@diptych/testkit/port';
import { type Say, showing } from '@diptych/testkit/progress';
import { type Stack, startStack } from '@diptych/testkit/stack';
import { RelayProcess } from './relay-process.ts';

export interface System {
  readonly stack: Stack;
  readonly cartUrl: string;
  readonly shippingUrl: string;
  readonly databaseUrl: string;
  readonly relay: RelayProcess;
  /** What readers of the topics need. */
  readonly panels: {
    readonly brokers: readonly string[];
    readonly prefix: string;
    readonly domainPrefix: string;
  };
  /** Ends everything in reverse order; the data is thrown away unless it is to be kept. */
  close(): Promise<void>;
}

export interface SystemOptions {
  readonly say: Say;
  readonly keep: boolean;
  readonly signal: AbortSignal;
}

/** Starts everything; when a part fails, what was started is ended again. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const lifecycle = new Lifecycle({ signals: [] });
  try {
    return await build(options, lifecycle);
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

async function build({ say, keep, signal }: SystemOptions, lifecycle: Lifecycle): Promise<System> {
  const stack = await startStack({ say, keep, signal });
  lifecycle.onClose('stack', () => stack.stop());
  // Servers of one's own may hold the traces of another run: names of this one are its own there.
  const run = stack.kind === 'external' ? `_${randomBytes(4).toString('hex')}` : '';
  const names = {
    database: `cart${run}`,
    shippingDatabase: `shipping${run}`,
    slot: `diptych${run}`,
    prefix: `diptych${run}`,
    domainPrefix: run === '' ? 'outbox.event.' : `diptych${run}.outbox.event.`,
  };
  const databaseUrl = await createDatabase(stack.databaseUrl, names.database);
  const shippingDatabaseUrl = await createDatabase(stack.databaseUrl, names.shippingDatabase);
  if (!keep && stack.kind === 'external') {
    lifecycle.onClose('databases', async () => {
      await dropDatabase(databaseUrl);
      await dropDatabase(shippingDatabaseUrl);
    });
  }
  await showing({ say, what: 'migrating the cart database' }, () => migrate(databaseUrl));
  const relay = await startRelay({ databaseUrl, brokers: stack.brokers, names, say });
  lifecycle.onClose('relay', () => relay.stop());
  const log = createLogger('demo', { level: 'warn' });
  const cart = await startCart({ databaseUrl, host: '127.0.0.1', port: await preferredPort(8080), log });
  lifecycle.onClose('cart service', () => cart.close());
  const shipping = await startShipping({
    databaseUrl: shippingDatabaseUrl,
    brokers: stack.brokers,
    topic: `${names.domainPrefix}cart`,
    groupId: `shipping${run}`,
    host: '127.0.0.1',
    port: await preferredPort(8082),
    log,
  });
  lifecycle.onClose('shipping', () => shipping.close());
  return {
    stack,
    cartUrl: cart.url,
    shippingUrl: shipping.url,
    databaseUrl,
    relay,
    panels: { brokers: stack.brokers, prefix: names.prefix, domainPrefix: names.domainPrefix },
    close: () => lifecycle.close(),
  };
}

async function startRelay({
  databaseUrl,
  brokers,
  names,
  say,
}: {
  databaseUrl: string;
  brokers: readonly string[];
  names: { slot: string; prefix: string; domainPrefix: string };
  say: Say;
}): Promise<RelayProcess> {
  const relay = new RelayProcess({
    DIPTYCH_DATABASE_URL: databaseUrl,
    DIPTYCH_KAFKA_BROKERS: brokers.join(','),
    DIPTYCH_SLOT: names.slot,
    DIPTYCH_PREFIX: names.prefix,
    DIPTYCH_OUTBOX_TOPIC_PREFIX: names.domainPrefix,
    DIPTYCH_CHANGE_EXCLUDE: 'drizzle.*,*.outbox,*.outbox_heads,*.idempotency_keys',
    DIPTYCH_HTTP_PORT: String(await preferredPort(8090)),
  });
  await showing({ say, what: 'preparing slot, publications and topics' }, () => relay.initialise());
  relay.start();
  await showing({ say, what: 'waiting for the relay' }, () => relay.ready());
  return relay;
}

/** The port that the docs name when nobody has it, else any free one. */
async function preferredPort(port: number): Promise<number> {
  const [free = 0] = await freePorts(1);
  return (await isFree(port)) ? port : free;
}

async function isFree(port: number): Promise<boolean> {
  const { createServer } = await import('node:net');
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
