/** Who reads the domain topics and is killed meanwhile: services as processes, each with a database of its own. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { poll } from '@diptych/runtime/poll';
import { createDatabase, withDatabase } from '@diptych/testkit/database';
import { NodeProcess } from '@diptych/testkit/node-process';
import { freePorts } from '@diptych/testkit/port';
import { type Bridge, queryAt } from '../bridge.ts';
import { noteEffectsSql } from './effects.ts';
import { inboxFigures, isAtWork, isDone } from './inbox-figures.ts';
import { aggregateTypes } from './told.ts';

const mainOf = (specifier: string): string => fileURLToPath(import.meta.resolve(specifier));
const startTimeoutMs = 120_000;

/** A service that tells at `/metrics` how its inboxes do. */
export interface Reader {
  readonly process: NodeProcess;
  readonly databaseUrl: string;
  /** Where it listens. */
  readonly url: string;
  /** Whether it handles what comes. */
  readonly atWork: () => Promise<boolean>;
  /** Whether it has handled all that its topics hold. */
  readonly done: () => Promise<boolean>;
}

/** An empty database beside that of the bridge. */
export function databaseBeside(bridge: Bridge, name: string): Promise<string> {
  return createDatabase(withDatabase(bridge.databaseUrl, 'postgres'), `${bridge.prefix}_${name}`);
}

/** Shipping of the CRUD carts, not started yet. */
export function createShipping(bridge: Bridge): Promise<Reader> {
  return createReader(bridge, {
    ...{ name: 'shipping', main: mainOf('@diptych/shipping-app/main') },
    environment: (databaseUrl) => ({
      SHIPPING_DATABASE_URL: databaseUrl,
      KAFKA_TOPIC: bridge.domainTopic('cart'),
    }),
  });
}

/** The projections of both carts, not started yet. */
export function createProjections(bridge: Bridge): Promise<Reader> {
  return createReader(bridge, {
    ...{ name: 'projections', main: mainOf('@diptych/projections-app/main') },
    environment: (databaseUrl) => ({
      PROJECTIONS_DATABASE_URL: databaseUrl,
      KAFKA_TOPICS: aggregateTypes.map((type) => bridge.domainTopic(type)).join(','),
    }),
  });
}

/** Starts it; resolves when its tables are there, and its effects are noted. Its topic comes with the first event. */
export async function startShipping(shipping: Reader, signal: AbortSignal): Promise<void> {
  shipping.process.start();
  const prepared = async () => {
    const [row] = await queryAt<{ there: boolean }>(
      shipping.databaseUrl,
      "select to_regclass('shipments') is not null as there",
    );
    return row?.there || undefined;
  };
  await poll(prepared, {
    ...{ what: 'shipping has its tables', timeoutMs: startTimeoutMs, intervalMs: 200, signal },
  });
  await queryAt(shipping.databaseUrl, noteEffectsSql);
}

async function createReader(
  bridge: Bridge,
  {
    name,
    main,
    environment,
  }: { name: string; main: string; environment: (databaseUrl: string) => Record<string, string> },
): Promise<Reader> {
  const databaseUrl = await databaseBeside(bridge, name);
  const [port = 0] = await freePorts(1);
  const process = new NodeProcess({
    ...{ name, main, args: [], watchdog: bridge.watchdog },
    environment: {
      ...environment(databaseUrl),
      KAFKA_BROKERS: bridge.brokers.join(','),
      KAFKA_GROUP: `${bridge.prefix}_${name}`,
      PORT: String(port),
    },
    logFile: join(bridge.directory, `${name}.log`),
  });
  const url = `http://127.0.0.1:${port}`;
  const figures = async () => inboxFigures(await metricsOf(url));
  return {
    ...{ process, databaseUrl, url },
    atWork: async () => isAtWork(await figures()),
    done: async () => isDone(await figures()),
  };
}

/** Empty while it does not answer. */
async function metricsOf(url: string): Promise<string> {
  try {
    const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5000) });
    return await answer.text();
  } catch {
    return '';
  }
}
