/** What tests of snapshots share: asking, waiting, and folding a topic to the table that it must be. */
import { Writable } from 'node:stream';
import { readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord } from '@diptych/kafka/record';
import { parseLossless } from '@diptych/runtime/json';
import { poll } from '@diptych/runtime/poll';
import { askSnapshot, type SnapshotRequest } from '../commands/snapshot.ts';
import { showSnapshots } from '../commands/snapshot-status.ts';
import type { RelayUnderTest } from '../relay-under-test.ts';
import { type SnapshotItem, SnapshotTopic, type SnapshotWord } from './snapshot-topic.ts';

export interface ChangeBody {
  readonly op: string;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly source: Record<string, unknown>;
  readonly transaction: unknown;
}

export const bodyOf = (record: IncomingRecord): ChangeBody =>
  parseLossless(String(record.value)) as ChangeBody;

/** What `diptych snapshot status` prints. */
export async function status({ configuration }: RelayUnderTest): Promise<string> {
  const printed: string[] = [];
  const out = new Writable({
    write: (chunk, _encoding, done) => {
      printed.push(String(chunk));
      done();
    },
  });
  await showSnapshots({ configuration, json: false, out });
  return printed.join('');
}

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });

/** Asks the relay that runs, and answers its word. */
export function ask(
  relay: RelayUnderTest,
  request: Partial<SnapshotRequest> & Pick<SnapshotRequest, 'command'>,
): Promise<SnapshotWord> {
  const { configuration } = relay;
  return askSnapshot({
    ...{ configuration, tables: [], where: null, timeoutMs: 30_000, out: nowhere() },
    ...request,
  });
}

/** All that the snapshot topic says now. */
export async function words(relay: RelayUnderTest): Promise<SnapshotWord[]> {
  const topic = new SnapshotTopic(relay.configuration);
  const found: SnapshotWord[] = [];
  for await (const record of readToEnd({
    brokers: relay.configuration.kafka.brokers,
    topics: [topic.name],
  })) {
    const item: SnapshotItem | null = topic.decode(record);
    if (item?.tag === 'word') found.push(item.word);
  }
  return found;
}

/** Waits until the snapshot is completed. */
export async function completed(relay: RelayUnderTest, id: string, timeoutMs = 120_000): Promise<void> {
  await poll(
    async () =>
      (await words(relay)).some((word) => word.status === 'completed' && word.id === id) || undefined,
    { what: `snapshot ${id} is completed`, timeoutMs, intervalMs: 200 },
  );
}

/** The table that a topic of change events says: the last word on each key. */
export function fold(records: readonly IncomingRecord[]): Map<string, Record<string, unknown>> {
  const table = new Map<string, Record<string, unknown>>();
  for (const record of records) {
    const key = String(record.key);
    if (record.value === null) continue;
    const { op, after } = bodyOf(record);
    if (op === 't') table.clear();
    else if (after === null) table.delete(key);
    else table.set(key, after);
  }
  return table;
}
