/** Writes the history of a topic into another one, each event in its newest version, for readers that have no upcasters. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Contracts, EventContract } from '@diptych/events/event-contract';
import { requireEvent } from '@diptych/events/read-event';
import { createPublisher } from '@diptych/kafka/create-publisher';
import { PartitionFeeds } from '@diptych/kafka/partition-feeds';
import { readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord, OutgoingRecord } from '@diptych/kafka/record';
import { ensureTopics } from '@diptych/kafka/topics';
import { OperatingError } from '@diptych/runtime/failure';
import { parseLossless, stringifyLossless } from '@diptych/runtime/json';
import type { Brokers } from '@diptych/runtime/kafka-access';

export interface ReplayOptions {
  readonly brokers: Brokers;
  readonly from: string;
  readonly to: string;
  readonly contracts: Contracts;
  /** Called after each Kafka transaction. */
  readonly onProgress?: (replayed: Replayed) => void;
}

/** Of this call. */
export interface Replayed {
  readonly events: number;
  /** How many of them were written in an older version. */
  readonly upcast: number;
}

/** Where a record was before: by it a replay that was ended goes on. */
const replayedHeader = 'diptych-replayed';

/** Of one Kafka transaction. */
const recordsMax = 1_000;
const bytesMax = 4 * 1024 * 1024;

/**
 * Copies what is committed at the call: keys, order, partitions, timestamps, identity and the event's id stay. Called again, it
 * goes on behind what is there, so an end in the middle loses and repeats nothing. Types that the contracts do not know are
 * copied as they are. Throws OperatingError: `contract-unknown-version`, `event-malformed`, `configuration-invalid` when the
 * topic that is written to has other partitions or other records, and what Kafka answers.
 */
export async function replay(options: ReplayOptions): Promise<Replayed> {
  const { brokers, from, to, contracts, onProgress } = options;
  const publisher = createPublisher('platformatic', {
    ...{ brokers, clientId: 'diptych-replay', transactionalId: `diptych-replay/${to}` },
    ...{ transactionTimeoutMs: 60_000, requestTimeoutMs: 30_000 },
  });
  try {
    await ensureTarget(options);
    // Whoever replayed to it before is dead from here on, and what they committed is the last word.
    await publisher.fence();
    const start = await behindReplayed(options);
    let batch: OutgoingRecord[] = [];
    let [events, upcast, bytes] = [0, 0, 0];
    const publish = async (): Promise<void> => {
      if (batch.length === 0) return;
      await publisher.publish(batch);
      batch = [];
      bytes = 0;
      onProgress?.({ events, upcast });
    };
    for await (const record of readToEnd({ brokers, topics: [from], from: new Map([[from, start]]) })) {
      const made = newest(record, { to, contracts });
      batch.push(made);
      bytes += (made.value?.length ?? 0) + (made.key?.length ?? 0);
      events += 1;
      if (made.value !== record.value) upcast += 1;
      if (batch.length >= recordsMax || bytes >= bytesMax) await publish();
    }
    await publish();
    return { events, upcast };
  } finally {
    await publisher.close();
  }
}

/** The record as it is written: the same bytes when its version is the newest. */
function newest(
  record: IncomingRecord,
  { to, contracts }: { to: string; contracts: Contracts },
): OutgoingRecord {
  const { topic, partition, offset, key, value, headers, timestampMs } = record;
  const type = headers.get('eventType') ?? '';
  const version = Number(headers.get('eventVersion') ?? 1);
  const contract = Object.hasOwn(contracts, type) ? contracts[type] : undefined;
  const isOlder = contract !== undefined && version !== contract.typeversion;
  const written = isOlder ? upcasted(record, { type, version, contracts }) : value;
  const kept = [...headers].filter(([name]) => name !== replayedHeader);
  return {
    ...{ topic: to, partition, key, value: written, timestampMs },
    headers: [
      ...kept.map(([name, text]): [string, string] =>
        isOlder && name === 'eventVersion' ? [name, String(contract.typeversion)] : [name, text],
      ),
      [replayedHeader, `${topic}/${partition}/${offset}`],
    ],
  };
}

function upcasted(
  { topic, partition, offset, value }: IncomingRecord,
  { type, version, contracts }: { type: string; version: number; contracts: Contracts },
): Buffer {
  try {
    const payload = parseLossless(String(value));
    return Buffer.from(stringifyLossless(requireEvent(contracts, { type, version, payload }).payload));
  } catch (cause) {
    const where = `${topic}/${partition}/${offset}`;
    if (cause instanceof OperatingError) {
      throw new OperatingError(cause.code, `${where}: ${cause.message}`, { remedy: cause.remedy, cause });
    }
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new OperatingError('event-malformed', `${where}: the payload of ${type} is not JSON`, {
      remedy: 'Somebody else writes to this topic: its history cannot be replayed.',
    });
  }
}

async function ensureTarget({ brokers, from, to }: ReplayOptions): Promise<void> {
  const { partitions } = await boundsOf(brokers, from);
  const config = { 'cleanup.policy': 'delete', 'retention.ms': '-1' };
  await ensureTopics({ brokers, specs: [{ name: to, partitions, config }] });
  const target = await boundsOf(brokers, to);
  if (target.partitions === partitions) return;
  throw refused(`${to} has ${target.partitions} partitions, ${from} has ${partitions}`);
}

/** By partition, the offset to go on from: behind the one that the last record there was made of. */
async function behindReplayed({ brokers, from, to }: ReplayOptions): Promise<bigint[]> {
  const { first, lastStable } = await boundsOf(brokers, to);
  const starts = (await boundsOf(brokers, from)).first.slice();
  const isFound = new Set<number>();
  // The end may be markers, and records of transactions that were aborted: look further back until each has a record.
  for (let last = 2n; ; last *= 16n) {
    for await (const { partition, headers } of readToEnd({ brokers, topics: [to], from: { last } })) {
      starts[partition] = originOf(headers.get(replayedHeader) ?? '', `${from}/${partition}/`, to) + 1n;
      isFound.add(partition);
    }
    const isWhole = first.every(
      (begin, partition) => isFound.has(partition) || (lastStable[partition] ?? 0n) - last <= begin,
    );
    if (isWhole) return starts;
  }
}

function originOf(origin: string, prefix: string, to: string): bigint {
  const offset = origin.startsWith(prefix) ? origin.slice(prefix.length) : '';
  if (!/^\d+$/.test(offset)) throw refused(`${to} has records that were not replayed from ${prefix}`);
  return BigInt(offset);
}

async function boundsOf(brokers: Brokers, topic: string) {
  const feeds = new PartitionFeeds({ brokers, onTrouble: () => undefined });
  try {
    const { first, lastStable } = await feeds.bounds(topic);
    return { partitions: first.length, first, lastStable };
  } finally {
    await feeds.close();
  }
}

const refused = (why: string): OperatingError =>
  new OperatingError('configuration-invalid', why, { remedy: 'Replay into a topic of its own.' });

/** Loads contracts of a module, `./contracts.ts#cartContract`. Throws OperatingError `configuration-invalid`. */
export async function loadContracts(reference: string): Promise<Contracts> {
  const [path = '', name = ''] = reference.split('#');
  let module: Readonly<Record<string, unknown>>;
  try {
    module = (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (cause) {
    throw noContracts(`${path} cannot be loaded`, cause);
  }
  const found = module[name];
  if (!isContracts(found)) throw noContracts(`${path} exports no contracts as ${name || '(no name)'}`);
  return found;
}

const isContracts = (value: unknown): value is Contracts =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).length > 0 &&
  Object.values(value).every((one) => one instanceof EventContract);

const noContracts = (why: string, cause?: unknown): OperatingError =>
  new OperatingError('configuration-invalid', why, {
    remedy: 'Name a module and its export, as --upcast packages/contracts/src/cart-events.ts#cartContract.',
    ...(cause === undefined ? {} : { cause }),
  });
