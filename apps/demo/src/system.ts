/** The services on given servers: cart service, relay, shipping, on databases and topics of one run. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '@diptych/cart-app/migrations';
import { type CartService, startCart } from '@diptych/cart-app/server';
import { declaredDrifts } from '@diptych/compare/declared-drifts';
import { noMasks } from '@diptych/compare/mask';
import { startConsole } from '@diptych/compare-app/console/console-server';
import { startProjections } from '@diptych/projections-app/server';
import { type Lifecycle, startWhole } from '@diptych/runtime/lifecycle';
import { createLogger, type Logger } from '@diptych/runtime/log';
import { startShipping } from '@diptych/shipping-app/server';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import { freePorts } from '@diptych/testkit/port';
import { type Say, showing } from '@diptych/testkit/progress';
import { RelayProcess, type RelaySettings } from '@diptych/testkit/relay-process';
import { Watchdog } from '@diptych/testkit/watchdog';
import { preferredPort } from './preferred-port.ts';

/** Real servers, whoever started them. */
export interface Servers {
  /** A superuser's, of the maintenance database. */
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
}

/** What everything of one run is called. */
export interface Names {
  readonly cartDatabase: string;
  readonly shippingDatabase: string;
  readonly projectionsDatabase: string;
  readonly compareDatabase: string;
  readonly slot: string;
  readonly prefix: string;
  readonly domainPrefix: string;
}

/** The names that the docs use, for servers that are ours alone. */
export const plainNames: Names = {
  cartDatabase: 'cart',
  shippingDatabase: 'shipping',
  projectionsDatabase: 'projections',
  compareDatabase: 'diptych_compare',
  slot: 'diptych',
  prefix: 'diptych',
  domainPrefix: 'outbox.event.',
};

/** Names of this run alone: on servers that are not ours another run may have left its traces. */
export function uniqueNames(): Names {
  const run = randomBytes(4).toString('hex');
  return {
    cartDatabase: `cart_${run}`,
    shippingDatabase: `shipping_${run}`,
    projectionsDatabase: `projections_${run}`,
    compareDatabase: `diptych_compare_${run}`,
    slot: `diptych_${run}`,
    prefix: `diptych_${run}`,
    domainPrefix: `diptych_${run}.outbox.event.`,
  };
}

export interface System {
  readonly cartUrl: string;
  readonly shippingUrl: string;
  /** Null where they were not asked for. */
  readonly projectionsUrl: string | null;
  readonly consoleUrl: string | null;
  /** The captured database. */
  readonly databaseUrl: string;
  readonly names: Names;
  readonly brokers: readonly string[];
  readonly relay: RelayProcess;
  /** Ends everything in reverse order; then drops the databases, when asked to. */
  close(): Promise<void>;
}

export interface SystemOptions {
  readonly servers: Servers;
  readonly names: Names;
  readonly say: Say;
  /** Servers that live on get their databases dropped at the end. */
  readonly dropDatabases: boolean;
  /** Listen where the docs say, when nobody else does. The default is free ports. */
  readonly documentedPorts?: boolean;
  /** Whether the projections run too. */
  readonly projections?: boolean;
  /** Whether the console runs too. */
  readonly console?: boolean;
}

/** Starts everything; when a part fails, what was started is ended again. */
export async function startSystem(options: SystemOptions): Promise<System> {
  return await startWhole((lifecycle) => build(options, lifecycle));
}

async function build(options: SystemOptions, lifecycle: Lifecycle): Promise<System> {
  const { servers, names, say } = options;
  const databaseUrl = await createDatabase(servers.databaseUrl, names.cartDatabase);
  const shippingDatabaseUrl = await createDatabase(servers.databaseUrl, names.shippingDatabase);
  if (options.dropDatabases) {
    lifecycle.onClose('cart database', () => dropDatabase(databaseUrl));
    lifecycle.onClose('shipping database', () => dropDatabase(shippingDatabaseUrl));
  }
  await showing({ say, what: 'migrating the cart database' }, () => migrate(databaseUrl));
  const port = async (documented: number): Promise<number> =>
    options.documentedPorts ? preferredPort(documented) : ((await freePorts(1))[0] ?? 0);
  const settings = relaySettings({ databaseUrl, servers, names, httpPort: await port(8090) });
  const relay = await relayOf(settings, lifecycle);
  await showing({ say, what: 'preparing slot, publications and topics' }, () => relay.initialise());
  lifecycle.onClose('relay', async () => void (await relay.stop()));
  relay.start();
  await showing({ say, what: 'waiting for the relay' }, () => relay.ready());
  const log = createLogger('demo', { level: 'error' });
  const cart: CartService = await startCart({ databaseUrl, host: '127.0.0.1', port: await port(8080), log });
  lifecycle.onClose('cart service', () => cart.close());
  const shipping = await startShipping({
    databaseUrl: shippingDatabaseUrl,
    brokers: servers.brokers,
    topic: `${names.domainPrefix}cart`,
    groupId: names.shippingDatabase,
    host: '127.0.0.1',
    port: await port(8082),
    log,
  });
  lifecycle.onClose('shipping', () => shipping.close());
  const projectionsUrl = options.projections
    ? await project(options, { lifecycle, log, port: await port(8083) })
    : null;
  const consoleUrl = options.console
    ? await console(options, { lifecycle, log, port: await port(8084), databaseUrl, relayUrl: relay.url })
    : null;
  const close = () => lifecycle.close();
  const { brokers } = servers;
  const urls = { cartUrl: cart.url, shippingUrl: shipping.url, projectionsUrl, consoleUrl };
  return { ...urls, databaseUrl, names, brokers, relay, close };
}

/** Should we be killed, it must not live on without its servers. */
async function relayOf(settings: RelaySettings, lifecycle: Lifecycle): Promise<RelayProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'diptych-demo-'));
  lifecycle.onClose('log of the relay', () => rm(directory, { recursive: true, force: true }));
  const watchdog = new Watchdog();
  lifecycle.onClose('watchdog', () => watchdog.finish());
  watchdog.directoryCreated(directory);
  return new RelayProcess({ name: 'the relay', logFile: join(directory, 'relay.log'), watchdog, settings });
}

/** Starts the projections of both kinds of carts, and answers where they are. */
async function project(
  { servers, names, dropDatabases }: SystemOptions,
  { lifecycle, log, port }: { lifecycle: Lifecycle; log: Logger; port: number },
): Promise<string> {
  const databaseUrl = await createDatabase(servers.databaseUrl, names.projectionsDatabase);
  if (dropDatabases) lifecycle.onClose('projections database', () => dropDatabase(databaseUrl));
  const projections = await startProjections({
    ...{ databaseUrl, brokers: servers.brokers, group: names.projectionsDatabase },
    topics: [`${names.domainPrefix}cart`, `${names.domainPrefix}es-cart`],
    ...{ host: '127.0.0.1', port, log },
  });
  lifecycle.onClose('projections', () => projections.close());
  return projections.url;
}

/** Starts the console, and answers where it is. */
async function console(
  { servers, names, dropDatabases }: SystemOptions,
  from: { lifecycle: Lifecycle; log: Logger; port: number; databaseUrl: string; relayUrl: string },
): Promise<string> {
  const { lifecycle, log, port } = from;
  const databaseUrl = await createDatabase(servers.databaseUrl, names.compareDatabase);
  if (dropDatabases) lifecycle.onClose('compare database', () => dropDatabase(databaseUrl));
  const { prefix, domainPrefix, slot } = names;
  const { brokers } = servers;
  const started = await startConsole({
    ...{ databaseUrl, brokers, prefix, domainPrefix, slot, name: 'console', keptMax: 100_000, log },
    ...{ host: '127.0.0.1', port, token: null, names: [], version: 'demo', priceFile: null },
    ...{ relays: [from.relayUrl], sourceUrl: from.databaseUrl, masks: noMasks },
    drifts: await declaredDrifts(undefined),
    audit: { accepted: [], eventOnly: [] },
  });
  lifecycle.onClose('the console', started.close);
  return started.url;
}

function relaySettings({
  databaseUrl,
  servers,
  names,
  httpPort,
}: {
  databaseUrl: string;
  servers: Servers;
  names: Names;
  httpPort: number;
}): RelaySettings {
  return {
    DIPTYCH_DATABASE_URL: databaseUrl,
    DIPTYCH_KAFKA_BROKERS: servers.brokers.join(','),
    DIPTYCH_SLOT: names.slot,
    DIPTYCH_PREFIX: names.prefix,
    DIPTYCH_OUTBOX_TOPIC_PREFIX: names.domainPrefix,
    DIPTYCH_CHANGE_EXCLUDE: 'drizzle.*,*.outbox,*.outbox_heads,*.outbox_snapshots,*.idempotency_keys',
    DIPTYCH_HTTP_PORT: String(httpPort),
    // WAL without records, such as the server's own, is passed within a second: whoever waits for the end waits no longer.
    DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '1000',
  };
}
