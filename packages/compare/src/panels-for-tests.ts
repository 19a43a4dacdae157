/** Builds the records of both panels by hand, as the relay writes them, for tests. */
import { formatIdentity, type Identity, identityHeader, transactionId } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import { stringifyLossless } from '@diptych/runtime/json';
import { lsn, xid } from '@diptych/wal/lsn';

export interface TestEvent {
  readonly type: string;
  readonly payload: unknown;
  readonly key?: string;
  readonly aggregateType?: string;
  readonly aggregateVersion?: number;
}

export interface TestChange {
  readonly table: string;
  readonly op: 'c' | 'u' | 'd' | 't';
  readonly key?: object;
  readonly before?: object;
  readonly after?: object;
  readonly unchanged?: readonly string[];
}

export interface TestTransaction {
  /** A number that orders transactions; LSN, xid and commit time are made from it. */
  readonly at: number;
  readonly timeline?: number;
  readonly changes?: readonly TestChange[];
  readonly events?: readonly TestEvent[];
  readonly parked?: number;
  readonly writer?: object;
}

export const testPrefix = 'diptych';
export const testPartitions = 3;

/** The next offset of each partition; only that they grow matters. */
const offsets = new Map<string, bigint>();

/** The identity that `panelRecords` gives to a transaction. */
export function testIdentity({ at, timeline = 1 }: Pick<TestTransaction, 'at' | 'timeline'>): Identity {
  return {
    timeline,
    commitLsn: lsn(0x1_0000_0000n + BigInt(at) * 0x100n),
    xid: xid(1000 + at),
    commitTimeUs: 1_795_246_912_669_491n + BigInt(at) * 1_000_000n,
    ordinal: 0,
    part: 0,
  };
}

/** All records of the transaction, END last. Rows come before events, as the cart service writes them. */
export function panelRecords(transaction: TestTransaction): IncomingRecord[] {
  const { changes = [], events = [], parked = 0 } = transaction;
  const identity = testIdentity(transaction);
  let ordinal = 0;
  const records: IncomingRecord[] = [];
  for (const change of changes) {
    ordinal += 1;
    records.push(...changeRecords(change, { ...identity, ordinal }));
  }
  for (const event of events) {
    ordinal += 1;
    records.push(eventRecord(event, { ...identity, ordinal }));
  }
  const end = {
    status: 'END',
    id: transactionId(identity),
    event_count: changes.length,
    domain_event_count: events.length,
    parked_count: parked,
  };
  records.push(
    record({
      topic: `${testPrefix}.transaction`,
      key: `{"id":"${transactionId(identity)}"}`,
      value: end,
      identity: { ...identity, ordinal: ordinal + 1 },
      ...(transaction.writer ? { headers: { 'diptych-context': JSON.stringify(transaction.writer) } } : {}),
    }),
  );
  return records;
}

/** A row as a snapshot read it, behind what its partition has so far. */
export function baselineRecord({
  table,
  key,
  row,
}: {
  table: string;
  key: object;
  row: object;
}): IncomingRecord {
  return record({
    topic: `${testPrefix}.public.${table}`,
    key: stringifyLossless(key),
    value: {
      before: null,
      after: row,
      source: { schema: 'public', table, snapshot: 'incremental' },
      op: 'r',
    },
    identity: { ...testIdentity({ at: 0 }), xid: xid(0), ordinal: 1 },
    headers: { 'diptych-snapshot': 's1' },
  });
}

/** An event that was parked when its transaction was published, and comes now. */
export function releasedRecord(event: TestEvent, at: number): IncomingRecord {
  return eventRecord(event, { ...testIdentity({ at }), ordinal: 99 }, { 'diptych-released': 'true' });
}

function changeRecords({ table, ...change }: TestChange, identity: Identity): IncomingRecord[] {
  const { op, key, before = null, after = null, unchanged } = change;
  const topic = `${testPrefix}.public.${table}`;
  const envelope = {
    before,
    after,
    source: { schema: 'public', table },
    transaction: { id: transactionId(identity) },
    op,
    ...(unchanged === undefined ? {} : { unchanged }),
  };
  if (op === 't') {
    return Array.from({ length: testPartitions }, (_, partition) =>
      record({ topic, key: null, value: envelope, identity, partition }),
    );
  }
  const text = key === undefined ? null : stringifyLossless(key);
  const changed = record({ topic, key: text, value: envelope, identity });
  if (op !== 'd' || text === null) return [changed];
  return [changed, record({ topic, key: text, value: null, identity: { ...identity, part: 1 } })];
}

function eventRecord(
  event: TestEvent,
  identity: Identity,
  more: Readonly<Record<string, string>> = {},
): IncomingRecord {
  const { type, payload, key = '101', aggregateType = 'cart', aggregateVersion } = event;
  return record({
    topic: `outbox.event.${aggregateType}`,
    key,
    value: payload,
    identity,
    headers: {
      id: `event-${identity.xid}-${identity.ordinal}`,
      eventType: type,
      eventVersion: '1',
      ...(aggregateVersion === undefined ? {} : { aggregateVersion: String(aggregateVersion) }),
      ...more,
    },
  });
}

interface Content {
  readonly topic: string;
  readonly key: string | null;
  readonly value: unknown;
  readonly identity: Identity;
  readonly partition?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

function record({ topic, key, value, identity, headers = {}, ...place }: Content): IncomingRecord {
  const single = key === null || topic.endsWith('.transaction');
  const partition = place.partition ?? (single ? 0 : spread(key));
  const offset = offsets.get(`${topic} ${partition}`) ?? 0n;
  offsets.set(`${topic} ${partition}`, offset + 1n);
  return {
    topic,
    partition,
    offset,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(stringifyLossless(value)),
    headers: new Map([[identityHeader, formatIdentity(identity)], ...Object.entries(headers)]),
    timestampMs: Number(identity.commitTimeUs / 1000n),
  };
}

/** Any function of the key will do. */
function spread(key: string): number {
  let sum = 0;
  for (const byte of Buffer.from(key)) sum += byte;
  return sum % testPartitions;
}
