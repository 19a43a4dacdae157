/** A member of a consumer group, on kafkajs: committed records, at least once, none skipped. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OperatingError } from '@diptych/runtime/failure';
import type { Logger } from '@diptych/runtime/log';
import type { Consumer, IHeaders, KafkaMessage } from 'kafkajs';
import { classify } from './classify.ts';
import { within } from './deadline.ts';
import { createKafka } from './kafkajs-client.ts';
import type { IncomingRecord } from './record.ts';

export interface ConsumerOptions {
  readonly brokers: readonly string[];
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Where a group begins that has no offsets yet; otherwise at the end. */
  readonly fromBeginning: boolean;
  /** Its offset is committed after this resolved. When it rejects it is called again, after a pause, with the same record. */
  readonly onRecord: (record: IncomingRecord) => Promise<void>;
  readonly log: Logger;
  /** Asks the consumer to stop. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunningConsumer {
  /** Resolves when the client has given up for good, with the reason: the consumer is dead then, and has to be started anew. */
  readonly failed: Promise<OperatingError>;
  /** Lets the record in work end, commits, leaves the group. Never throws. */
  stop(): Promise<void>;
}

/** Offsets are committed at least this often; what was handled since is handled again after a crash. */
const commitIntervalMs = 1000;
/** A member that sends no heartbeat for so long is out of the group, and another one gets its partitions. */
const sessionTimeoutMs = 30_000;
const retryPauseMaxMs = 10_000;
const stopLimitMs = 10_000;

/**
 * Joins the group and handles records until it is stopped. Brokers that go away, and topics that do not exist yet, are
 * waited for. Throws OperatingError when Kafka cannot be reached or refuses at the start.
 */
export async function startConsumer(options: ConsumerOptions): Promise<RunningConsumer> {
  const { brokers, groupId, log, signal } = options;
  const consumer = createKafka({ brokers, clientId: groupId, requestTimeoutMs: 30_000, log }).consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: 250,
    retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 5, restartOnFailure: async () => true },
  });
  const stopping = new AbortController();
  const { promise: failed, resolve: fail } = Promise.withResolvers<OperatingError>();
  // kafkajs starts again by itself after errors that it takes for passing; after others it only says so here.
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart && !stopping.signal.aborted) fail(classify(payload.error, 'asking'));
  });
  const stop = async (): Promise<void> => {
    stopping.abort();
    const disconnect = consumer.disconnect().catch(() => undefined);
    await within(disconnect, { limitMs: stopLimitMs, what: 'leaving the group' }).catch((error: unknown) =>
      log.warn({ err: error, groupId }, 'the consumer did not end in time'),
    );
  };
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...options.topics], fromBeginning: options.fromBeginning });
    await run(consumer, options, stopping.signal);
  } catch (error) {
    await stop();
    throw classify(error, 'asking');
  }
  if (signal?.aborted) await stop();
  signal?.addEventListener('abort', () => void stop(), { once: true });
  return { stop, failed };
}

async function run(
  consumer: Consumer,
  { onRecord, log }: ConsumerOptions,
  stopping: AbortSignal,
): Promise<void> {
  await consumer.run({
    autoCommit: true,
    autoCommitInterval: commitIntervalMs,
    eachBatchAutoResolve: false,
    eachBatch: async (payload) => {
      const { topic, partition, messages } = payload.batch;
      const isOurs = () => !stopping.aborted && payload.isRunning() && !payload.isStale();
      for (const message of messages) {
        const record = recordOf({ topic, partition }, message);
        if (
          !(await handle({ record, onRecord, isOurs, heartbeat: () => payload.heartbeat(), log, stopping }))
        )
          return;
        payload.resolveOffset(message.offset);
        await payload.heartbeat();
        await payload.commitOffsetsIfNecessary();
      }
      // The batch may end with markers, which are no records.
      payload.resolveOffset(payload.batch.lastOffset());
    },
  });
}

interface Handling {
  readonly record: IncomingRecord;
  readonly onRecord: (record: IncomingRecord) => Promise<void>;
  /** Whether the partition is still assigned to this running consumer. */
  readonly isOurs: () => boolean;
  readonly heartbeat: () => Promise<void>;
  readonly log: Logger;
  readonly stopping: AbortSignal;
}

/** Calls the handler until it resolves; false when the partition was taken away or the consumer stops before that. */
async function handle({ record, onRecord, isOurs, heartbeat, log, stopping }: Handling): Promise<boolean> {
  const { topic, partition, offset } = record;
  for (let attempt = 1; isOurs(); attempt += 1) {
    try {
      await onRecord(record);
      return true;
    } catch (error) {
      const pauseMs = Math.min(100 * 2 ** Math.min(attempt - 1, 10), retryPauseMaxMs);
      log.warn(
        { err: error, topic, partition, offset: offset.toString(), attempt, pauseMs },
        'a record was not handled',
      );
      await pause({ pauseMs, heartbeat, stopping });
    }
  }
  return false;
}

/** Waits, and says to the group meanwhile that this member is alive. */
async function pause({
  pauseMs,
  heartbeat,
  stopping,
}: Pick<Handling, 'heartbeat' | 'stopping'> & { pauseMs: number }): Promise<void> {
  for (let leftMs = pauseMs; leftMs > 0 && !stopping.aborted; leftMs -= 1000) {
    await sleep(Math.min(leftMs, 1000), undefined, { signal: stopping }).catch(() => undefined);
    await heartbeat();
  }
}

function recordOf(
  { topic, partition }: { topic: string; partition: number },
  { offset, key, value, headers = {}, timestamp }: KafkaMessage,
): IncomingRecord {
  return {
    topic,
    partition,
    offset: BigInt(offset),
    key,
    value,
    headers: new Map(Object.entries(headers).map(([name, header]) => [name, headerText(header)])),
    timestampMs: Number(timestamp),
  };
}

/** A header given several times is its last value, as in Java's `lastHeader`. */
function headerText(header: IHeaders[string]): string {
  const last = Array.isArray(header) ? header.at(-1) : header;
  return last?.toString() ?? '';
}
