/** Who reads the domain topics and is killed meanwhile: processes with databases of their own. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { poll } from '@diptych/runtime/poll';
import { createDatabase, withDatabase } from '@diptych/testkit/database';
import { freePorts } from '@diptych/testkit/port';
import { type Bridge, queryAt } from '../bridge.ts';
import { NodeProcess } from '../node-process.ts';
import { noteEffectsSql } from './effects.ts';

const shippingMain = fileURLToPath(import.meta.resolve('@diptych/shipping-app/main'));
const startTimeoutMs = 120_000;

/** A service with an inbox. */
export interface Reader {
  readonly process: NodeProcess;
  readonly databaseUrl: string;
  /** Where it tells its metrics. */
  readonly url: string;
}

interface InboxFigures {
  readonly isConsuming: boolean;
  readonly partitions: number;
  readonly lagRecords: number;
}

/** An empty database beside that of the bridge. */
export function databaseBeside(bridge: Bridge, name: string): Promise<string> {
  return createDatabase(withDatabase(bridge.databaseUrl, 'postgres'), `${bridge.prefix}_${name}`);
}

/** Shipping of the CRUD carts, not started yet. */
export async function createShipping(bridge: Bridge): Promise<Reader> {
  const databaseUrl = await databaseBeside(bridge, 'shipping');
  const [port = 0] = await freePorts(1);
  const process = new NodeProcess({
    ...{ name: 'shipping', main: shippingMain, args: [], watchdog: bridge.watchdog },
    environment: {
      SHIPPING_DATABASE_URL: databaseUrl,
      KAFKA_BROKERS: bridge.brokers.join(','),
      KAFKA_TOPIC: bridge.domainTopic('cart'),
      KAFKA_GROUP: `${bridge.prefix}_shipping`,
      PORT: String(port),
    },
    logFile: join(bridge.directory, 'shipping.log'),
  });
  return { process, databaseUrl, url: `http://127.0.0.1:${port}` };
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

/** Whether it has partitions and handles what comes. */
export async function isAtWork(reader: Reader): Promise<boolean> {
  const figures = await figuresOf(reader);
  return figures !== null && isHandling(figures);
}

/** Whether it has handled all that its topics hold. */
export async function isDone(reader: Reader): Promise<boolean> {
  const figures = await figuresOf(reader);
  return figures !== null && isHandling(figures) && figures.lagRecords === 0;
}

const isHandling = ({ isConsuming, partitions }: InboxFigures): boolean => isConsuming && partitions > 0;

/** Null while it does not answer. */
async function figuresOf({ url }: Reader): Promise<InboxFigures | null> {
  try {
    const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2000) });
    const text = await answer.text();
    const sum = (name: string) =>
      [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)`, 'gm'))].reduce(
        (total, [, value]) => total + Number(value),
        0,
      );
    return {
      isConsuming: sum('diptych_inbox_consuming') === 1,
      partitions: sum('diptych_inbox_partitions'),
      lagRecords: sum('diptych_inbox_lag_records'),
    };
  } catch {
    return null;
  }
}
