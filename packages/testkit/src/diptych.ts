/**
 * A whole Diptych for a test: real Postgres, real Kafka, a relay as a process, on a database, a slot and topics of its own.
 *
 *     const stack = await startDiptych({ migrations: { folder: 'migrations' } });
 *     const { token } = await stack.transaction((tx) => placeOrder(tx));
 *     await stack.passed(token);
 *     await stack.close();
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperatingError } from '@diptych/runtime/failure';
import { type Lifecycle, startWhole } from '@diptych/runtime/lifecycle';
import { createDatabase, dropDatabase } from './database.ts';
import { DiptychStack } from './diptych-stack.ts';
import { FaultProxy } from './fault-proxy.ts';
import { Faults, type Link } from './faults.ts';
import { freePorts, parseAddress } from './port.ts';
import { type Say, showing } from './progress.ts';
import { RelayProcess, type RelaySettings } from './relay-process.ts';
import { type Migrations, migrateWith } from './schema-source.ts';
import { type Servers, takeServers } from './servers.ts';

import { Watchdog } from './watchdog.ts';

export interface DiptychOptions {
  readonly migrations: Migrations;
  /** The outbox tables, `schema.table`. Default `public.outbox`. */
  readonly outbox?: readonly string[];
  /** The tables that are published as change events, `schema.table` with `*`. Default: all but those of the outbox. */
  readonly publications?: { readonly include?: readonly string[]; readonly exclude?: readonly string[] };
  readonly delivery?: 'exactly-once' | 'at-least-once';
  /** Further settings of the relay, as its environment variables (docs/configuration.md). They win. */
  readonly settings?: RelaySettings;
  /** `own`: nobody else's, which may be killed; they take some seconds to start. Default `shared`. */
  readonly servers?: 'shared' | 'own';
  /** Told what takes more than two seconds. `sayTo(process.stderr)` fits. */
  readonly say?: Say;
  /** Aborts the start. */
  readonly signal?: AbortSignal;
}

/**
 * Starts all of it, or reuses the servers that are there: those of the run (`globalSetup: ['@diptych/testkit/vitest-stack']`),
 * else those of this process. A `diptych.config.json` in the working directory counts, as for `diptych run`. Ends with
 * `close`, and with this process however it ends.
 * Throws OperatingError: as `startStack`; `server-not-started` when `diptych init` refuses, `relay-ended`; and what the
 * migrations throw.
 */
export async function startDiptych(options: DiptychOptions): Promise<DiptychStack> {
  return await startWhole((lifecycle) => build(options, lifecycle));
}

async function build(options: DiptychOptions, lifecycle: Lifecycle): Promise<DiptychStack> {
  const { migrations, say = () => undefined, signal, servers: share = 'shared' } = options;
  const servers = await takeServers({ share, say, signal });
  lifecycle.onClose('servers', () => servers.release());
  const name = `t_${randomBytes(6).toString('hex')}`;
  const databaseUrl = await createDatabase(servers.databaseUrl, name);
  lifecycle.onClose('database', () => dropDatabase(databaseUrl));
  await migrateWith(migrations, databaseUrl);
  const links = await openLinks(servers, lifecycle);
  const relay = await relayOf({ options, servers, name, databaseUrl, links, lifecycle });
  await showing({ say, what: 'preparing slot, publications and topics' }, () => relay.initialise());
  relay.start();
  await showing({ say, what: 'waiting for the relay' }, () => relay.ready());
  const { brokers, controls } = servers;
  const faults = new Faults({ relay, links, controls });
  return new DiptychStack({
    ...{
      databaseUrl,
      brokers,
      relay,
      faults,
      slot: name,
      prefix: name,
      domainPrefix: `${name}.outbox.event.`,
    },
    close: () => lifecycle.close(),
  });
}

/** Between the relay and the servers, so that links can be cut. External servers may demand to be reached themselves (TLS). */
async function openLinks(
  { kind, databaseUrl, brokers }: Servers,
  lifecycle: Lifecycle,
): Promise<Readonly<Record<Link, FaultProxy>> | null> {
  const broker = parseAddress(brokers[0] ?? '');
  if (kind === 'external' || !broker) return null;
  const { hostname, port } = new URL(databaseUrl);
  const postgres = await FaultProxy.open({ host: hostname, port: Number(port || 5432) });
  lifecycle.onClose('link to Postgres', () => postgres.close());
  const kafka = await FaultProxy.openKafka(broker);
  lifecycle.onClose('link to Kafka', () => kafka.close());
  return { postgres, kafka };
}

async function relayOf({
  options,
  servers,
  name,
  databaseUrl,
  links,
  lifecycle,
}: {
  readonly options: DiptychOptions;
  readonly servers: Servers;
  readonly name: string;
  readonly databaseUrl: string;
  readonly links: Readonly<Record<Link, FaultProxy>> | null;
  readonly lifecycle: Lifecycle;
}): Promise<RelayProcess> {
  const { outbox, publications = {}, delivery, settings } = options;
  const directory = await mkdtemp(join(tmpdir(), 'diptych-testkit-'));
  lifecycle.onClose('log of the relay', () => rm(directory, { recursive: true, force: true }));
  const watchdog = new Watchdog();
  lifecycle.onClose('watchdog', () => watchdog.finish());
  watchdog.directoryCreated(directory);
  const [httpPort] = await freePorts(1);
  const seen = new URL(databaseUrl);
  if (links) [seen.hostname, seen.port] = ['127.0.0.1', String(links.postgres.port)];
  const host = parseAddress(servers.brokers[0] ?? '')?.host ?? '127.0.0.1';
  const relay = new RelayProcess({
    ...{ name: 'relay', logFile: join(directory, 'relay.log'), watchdog },
    settings: {
      DIPTYCH_DATABASE_URL: seen.href,
      DIPTYCH_KAFKA_BROKERS: links ? `${host}:${links.kafka.port}` : servers.brokers.join(','),
      DIPTYCH_SLOT: name,
      DIPTYCH_PREFIX: name,
      DIPTYCH_OUTBOX_TOPIC_PREFIX: `${name}.outbox.event.`,
      DIPTYCH_HTTP_PORT: String(httpPort),
      ...quick,
      ...(delivery && { DIPTYCH_DELIVERY: delivery }),
      ...(outbox && { DIPTYCH_OUTBOX_TABLES: outbox.join(',') }),
      ...(publications.include && { DIPTYCH_CHANGE_INCLUDE: publications.include.join(',') }),
      ...(publications.exclude && { DIPTYCH_CHANGE_EXCLUDE: publications.exclude.join(',') }),
      ...settings,
    },
  });
  lifecycle.onClose('relay', () => stopped(relay));
  return relay;
}

/** A test waits for positions all the time, and for a relay that comes back. */
const quick: RelaySettings = {
  DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '100',
  DIPTYCH_TIMING_STATUS_INTERVAL_MS: '200',
  DIPTYCH_TIMING_BACK_OFF_MAX_MS: '200',
};

/** A relay that ended by itself is a finding: whoever closes the stack is told, once everything is ended. */
async function stopped(relay: RelayProcess): Promise<void> {
  relay.thaw();
  await relay.kill();
  const [life] = await relay.unaskedExits();
  if (!life) return;
  throw new OperatingError(
    'relay-ended',
    `the relay ended by itself (exit ${life.code}):\n${life.lastLine}`,
    {
      remedy: 'The last lines of its log say why.',
    },
  );
}
