/** Both panels up to the same transaction: handed to a function, or copied to topics of their own. */

import { createPublisher } from '@diptych/kafka/create-publisher';
import { identityHeader, readIdentity } from '@diptych/kafka/identity';
import { readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord, OutgoingRecord } from '@diptych/kafka/record';
import { askTopics, ensureTopics, eventTopicSpec, legalTopicName } from '@diptych/kafka/topics';
import { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import { CutFinder, type CutTarget, isBeforeCut } from './cut.ts';
import { Join } from './join.ts';
import { compareIdentities, type JoinedTransaction, type TransactionIdentity } from './joined-transaction.ts';
import { PanelReader, panelTopics } from './panel-reader.ts';
import { isReleasedRecord, isSnapshotRecord } from './panel-record.ts';
import type { PanelNames } from './panel-topic.ts';
import { referenceTo, type TransactionReference } from './transaction-reference.ts';

export interface ReplayPanelsOptions extends PanelNames {
  readonly brokers: Brokers;
  readonly to: CutTarget;
  readonly signal?: AbortSignal | undefined;
}

export interface CopyPanelsOptions extends ReplayPanelsOptions {
  /** What the names of the copies begin with: `copy` makes `copy.transaction`, `copy.public.carts`, `copy.outbox.event.cart`. */
  readonly into: string;
  /** Told after each Kafka transaction how many records are copied. */
  readonly onProgress?: (records: number) => void;
}

export interface CopiedPanels {
  /** The last transaction of the copy. */
  readonly last: TransactionReference;
  readonly transactions: number;
  readonly records: number;
  /** By topic that was copied, its copy. */
  readonly topics: Readonly<Record<string, string>>;
  /** To read the copies: `prefix` and `outbox.topicPrefix`. */
  readonly prefix: string;
  readonly domainPrefix: string;
}

/** Of one Kafka transaction. */
const recordsMax = 1_000;
const bytesMax = 4 * 1024 * 1024;

/**
 * Hands over each transaction up to the cut, whole, in commit order, one after another; answers the last one. Keeps no
 * position and joins no group. Throws OperatingError: `replay-refused` when the transaction is not there, or one before it
 * is not whole; those of `PanelReader.readToNow`; what `handle` throws; the signal's reason.
 */
export async function replayPanels(
  options: ReplayPanelsOptions,
  handle: (transaction: JoinedTransaction) => Promise<void> | void,
): Promise<{ readonly last: TransactionReference; readonly transactions: number }> {
  const { last, transactions } = await upToCut(options, handle);
  return { last: referenceTo(last), transactions };
}

/**
 * Copies the topics of both panels up to the cut into new ones: keys, values, headers, timestamps, partitions and order stay;
 * repeats of an at-least-once relay are left out. A topic that exists is never written to. Throws OperatingError:
 * `replay-refused` as `replayPanels`, and when a topic of those names exists; `topic-not-creatable` and others of Kafka. After
 * a failure the topics that it made are not whole: the message names them.
 */
export async function copyPanels(options: CopyPanelsOptions): Promise<CopiedPanels> {
  const { brokers, prefix, into } = options;
  const domainPrefix = options.domainPrefix ?? 'outbox.event.';
  const sources = await panelTopics(options);
  const copies = new Map(
    [...sources.keys()].map((topic) => {
      const rest = topic.startsWith(domainPrefix) ? topic : topic.slice(prefix.length + 1);
      return [topic, legalTopicName(`${into}.${rest}`)] as const;
    }),
  );
  await requireNew(brokers, [...copies.values()]);
  const { last, transactions } = await upToCut(options, () => undefined);
  const specs = [...copies].map(([topic, copy]) => ({
    ...eventTopicSpec(copy),
    partitions: sources.get(topic) ?? 1,
  }));
  await ensureTopics({ brokers, specs });
  const records = await copyRecords({ ...options, last, copies });
  return {
    ...{ last: referenceTo(last), transactions, records, topics: Object.fromEntries(copies) },
    ...{ prefix: into, domainPrefix: `${into}.${domainPrefix}` },
  };
}

/** Reads both panels to their end, or to the cut: then all before it is there, whole. Throws OperatingError as `replayPanels`. */
export async function upToCut(
  { to, ...options }: ReplayPanelsOptions,
  handle: (transaction: JoinedTransaction) => Promise<void> | void,
): Promise<{ readonly last: TransactionIdentity; readonly transactions: number }> {
  const join = new Join({ ...options });
  const cut = new CutFinder(to);
  for await (const transaction of new PanelReader(join, options).readToNow()) {
    if (cut.take(transaction.identity)) await handle(transaction);
    if (cut.done) break;
  }
  const blocking = join.blocking;
  if (!cut.done && blocking !== undefined) {
    throw refused('a transaction before the cut is not whole: its records are lost or not there yet');
  }
  const { last, transactions } = cut;
  if (last === null)
    throw refused('no transaction stands before the cut, or that of the token is not published');
  return { last, transactions };
}

async function requireNew(brokers: Brokers, names: readonly string[]): Promise<void> {
  const existing = await askTopics({ brokers }, names);
  if (existing.size === 0) return;
  throw refused(`${[...existing.keys()].sort().join(', ')} exists already, and is not written to`);
}

async function copyRecords({
  brokers,
  into,
  last,
  copies,
  signal,
  onProgress,
}: CopyPanelsOptions & {
  readonly last: TransactionIdentity;
  readonly copies: ReadonlyMap<string, string>;
}): Promise<number> {
  const publisher = createPublisher('platformatic', {
    ...{ brokers, clientId: 'diptych-replay', transactionalId: `diptych-replay-panels/${into}` },
    ...{ transactionTimeoutMs: 60_000, requestTimeoutMs: 30_000 },
  });
  let batch: OutgoingRecord[] = [];
  let [copied, bytes] = [0, 0];
  const publish = async (): Promise<void> => {
    if (batch.length === 0) return;
    await publisher.publish(batch);
    copied += batch.length;
    batch = [];
    bytes = 0;
    onProgress?.(copied);
  };
  try {
    await publisher.fence();
    for (const [topic, copy] of copies) {
      const isFirst = firstOccurrences();
      for await (const record of readToEnd({ brokers, topics: [topic], signal })) {
        const identity = readIdentity(record.headers.get(identityHeader) ?? '');
        if (!identity || !isBeforeCut(identity, last) || !isFirst(record)) continue;
        const { partition, key, value, headers, timestampMs } = record;
        batch.push({ topic: copy, partition, key, value, headers: [...headers], timestampMs });
        bytes += (key?.length ?? 0) + (value?.length ?? 0);
        if (batch.length >= recordsMax || bytes >= bytesMax) await publish();
      }
    }
    await publish();
    return copied;
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof OperatingError)) throw error;
    const made = [...copies.values()].sort().join(', ');
    const remedy = `${error.remedy} Delete what is there of ${made}, or replay into another name.`;
    throw new OperatingError(error.code, `the copy is not whole: ${error.message}`, { remedy, cause: error });
  } finally {
    await publisher.close();
  }
}

/** Within a partition first occurrences are in order: what is not behind the last one is there already. */
function firstOccurrences(): (record: IncomingRecord) => boolean {
  const furthest = new Map<number, ReturnType<typeof readIdentity>>();
  return (record) => {
    if (isSnapshotRecord(record) || isReleasedRecord(record)) return true;
    const identity = readIdentity(record.headers.get(identityHeader) ?? '');
    const before = furthest.get(record.partition) ?? null;
    if (identity === null || (before !== null && compareIdentities(identity, before) <= 0)) return false;
    furthest.set(record.partition, identity);
    return true;
  };
}

const refused = (why: string): OperatingError =>
  new OperatingError('replay-refused', why, {
    remedy:
      'Choose a commit that both panels have published (`diptych status`), and a name that no topic has.',
  });
