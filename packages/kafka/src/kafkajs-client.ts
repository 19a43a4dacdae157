/** How kafkajs is set up here: quiet, bounded, and without its warning on new Node versions. */
import { createRequire } from 'node:module';
import { addressesOf, type Brokers } from '@diptych/runtime/kafka-access';
import type { Logger } from '@diptych/runtime/log';
import kafkajs, { type Admin, type Kafka, type logCreator, type SASLOptions } from 'kafkajs';
import { classify } from './classify.ts';
import { within } from './deadline.ts';
import { securityOf } from './security.ts';

export interface KafkaClientOptions {
  readonly brokers: Brokers;
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly log?: Logger | undefined;
}

/** Opening a TCP connection, TLS and login included. A broker that needs longer is not in a state to work with. */
const connectionTimeoutMs = 3000;

/**
 * After each answer kafkajs looks at its queue again "when the throttling ends", which is in the past when nothing is
 * throttled; Node 24 warns of such a negative time. Nothing queued needs no look: whatever is queued later schedules
 * its own. (kafkajs 2.2.4, src/network/requestQueue/index.js; unmaintained since 2023.)
 */
function silenceNegativeTimeouts(): void {
  interface RequestQueue {
    readonly pending: readonly unknown[];
    readonly throttledUntil: number;
    scheduleCheckPendingRequests: (this: RequestQueue) => void;
  }
  const load: (path: string) => unknown = createRequire(import.meta.url);
  const { prototype } = load('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function scheduleWhatIsDue(this: RequestQueue): void {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
}
silenceNegativeTimeouts();

/** kafkajs's log, whatever its level, at our debug: what matters comes to us as an error. */
function logTo(log: Logger | undefined): logCreator {
  return () =>
    ({ namespace, log: { message, timestamp: _timestamp, ...rest } }) =>
      log?.debug({ kafkajs: namespace, ...rest }, message);
}

export function createKafka({ brokers, clientId, requestTimeoutMs, log }: KafkaClientOptions): Kafka {
  const { tls, login } = securityOf(brokers);
  return new kafkajs.Kafka({
    brokers: [...addressesOf(brokers)],
    clientId,
    ...(tls && { ssl: tls }),
    ...(login && { sasl: login as SASLOptions }),
    requestTimeout: requestTimeoutMs,
    connectionTimeout: connectionTimeoutMs,
    // About two seconds in all: whoever calls has a back-off of its own.
    retry: { initialRetryTime: 50, maxRetryTime: 1000, retries: 5 },
    logCreator: logTo(log),
    logLevel: log?.isLevelEnabled('debug') ? kafkajs.logLevel.INFO : kafkajs.logLevel.NOTHING,
  });
}

/**
 * Runs `use` with a connected admin client and ends it. Throws OperatingError: `kafka-unreachable` when that takes
 * longer than `limitMs`, or as `classify` says.
 */
export async function withAdmin<T>(
  options: KafkaClientOptions & { readonly limitMs: number; readonly what: string },
  use: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = createKafka(options).admin();
  const work = async (): Promise<T> => {
    await admin.connect();
    return await use(admin);
  };
  try {
    return await within(work(), options);
  } catch (error) {
    throw classify(error, 'asking');
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
