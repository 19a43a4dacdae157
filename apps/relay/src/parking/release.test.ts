/** What one round of a command does: from the first that waits, in order, up to what still cannot be published. */
import { MessageLimits } from '@diptych/kafka/message-limits';
import type { IncomingRecord, OutgoingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import { describe, expect, test } from 'vitest';
import { ParkedKeys } from './parked-keys.ts';
import {
  decodeParked,
  encodeCommand,
  encodeExecuted,
  encodeParked,
  keptBytesMax,
  type ParkedRecord,
} from './parked-record.ts';
import { type Gathered, planRound } from './release.ts';

const where = { parkedTopic: 'diptych.parked', slot: 'diptych' };
const idOf = (ordinal: number) => `00000016B374D848-${ordinal}-0`;

const incoming = (record: OutgoingRecord): IncomingRecord => ({
  ...record,
  ...{ partition: 0, offset: 0n, headers: new Map(record.headers) },
});

interface Parked {
  readonly reason?: string;
  readonly topic?: string | null;
  readonly value?: Buffer | null;
  readonly partition?: number;
}

const originalOf = (
  ordinal: number,
  { topic = 'carts', value = Buffer.from(`{"n":${ordinal}}`), partition }: Parked,
) => ({
  panel: 'domain' as const,
  topic,
  key: Buffer.from('7'),
  value,
  headers: [
    ['diptych-tx', `1-00000016B374D848-757-${ordinal}-0-1795246912669491`],
    ['id', `event ${ordinal}`],
  ] as const,
  timestampMs: 1_795_246_912_669,
  ...(partition === undefined ? {} : { partition }),
});

/** A record of the change with this ordinal, as it is read from the parked topic. */
function parkedRecord(ordinal: number, parked: Parked): ParkedRecord {
  const { reason = 'behind-parked' } = parked;
  const record = encodeParked(originalOf(ordinal, parked), { ...where, reason, detail: null });
  const item = decodeParked(incoming(record), where.slot);
  if (item?.tag !== 'parked') throw new Error('not a parked record');
  return item;
}

interface Asked {
  readonly parked: readonly Parked[];
  readonly id?: string;
  readonly command?: 'release' | 'discard';
  readonly first?: string;
  readonly gathered?: number;
  readonly bytesMax?: number;
}

/** One round over records with the ordinals 1, 2, 3 … of one key. */
function round({ parked, id = idOf(1), command = 'release', first = id, gathered, bytesMax = 1e6 }: Asked) {
  const keys = new ParkedKeys(10);
  const known = new Map<string, Gathered>();
  for (const [index, one] of parked.entries()) {
    const record = parkedRecord(index + 1, one);
    keys.add({ topic: 'carts', key: record.key, id: record.id, offset: BigInt(index), pending: null });
    const value = record.isKept ? record.value : undefined;
    if (index < (gathered ?? parked.length)) known.set(record.id, { record, value });
  }
  return planRound({
    command: { tag: 'command', request: 'r', command, id, reason: null },
    ...{ first, parkedKey: keys.find(first), gathered: known, bytesMax },
    limits: new MessageLimits(new Map(), 2000),
    domainTopic: (asked) => {
      throw new OperatingError('topic-name-collision', asked, { remedy: 'Rename it.' });
    },
  });
}

describe('a release', () => {
  test('gives back what was meant, with its identity, and says that it is released', () => {
    const { records, executed } = round({ parked: [{ reason: 'record-too-large' }, {}] });
    const { topic, key, value, headers, timestampMs } = records[0] ?? {};
    const original = originalOf(1, {});
    expect({ topic, key, value, timestampMs }).toEqual({
      ...{ topic: original.topic, key: original.key, value: original.value },
      timestampMs: original.timestampMs,
    });
    expect(headers).toEqual([...original.headers, ['diptych-released', 'true']]);
    expect(executed).toMatchObject({
      released: [idOf(1), idOf(2)],
      discarded: [],
      remains: null,
      next: null,
    });
  });

  test('gives a tombstone back as a tombstone', () => {
    expect(round({ parked: [{ value: null }] }).records[0]?.value).toBeNull();
  });

  test('ends before the next one that still cannot be published, whatever waits behind that', () => {
    const large = Buffer.alloc(3000, 'x');
    const malformed = { reason: 'outbox-row-malformed' };
    for (const [poison, reason] of [
      [{ value: large }, 'record-too-large'],
      [malformed, 'outbox-row-malformed'],
      [{ reason: 'value-not-representable' }, 'value-not-representable'],
      [{ reason: 'topic-name-collision' }, 'topic-name-collision'],
      [{ value: Buffer.alloc(keptBytesMax + 1) }, 'record-too-large'],
    ] as const) {
      const { executed, records } = round({ parked: [{}, poison, {}] });
      expect(records).toHaveLength(1);
      expect(executed).toMatchObject({ released: [idOf(1)], remains: { id: idOf(2), reason }, next: null });
    }
  });

  test('goes on in another round where this one is full, or where a value is not at hand', () => {
    expect(round({ parked: [{}, {}, {}], bytesMax: 1 }).executed).toMatchObject({
      ...{ released: [idOf(1)], remains: null, next: idOf(2) },
    });
    expect(round({ parked: [{}, {}, {}], gathered: 2 }).executed).toMatchObject({
      ...{ released: [idOf(1), idOf(2)], remains: null, next: idOf(3) },
    });
  });

  test('begins with the first of its key, or not at all', () => {
    const { executed, records } = round({ parked: [{}, {}], id: idOf(2) });
    expect(records).toEqual([]);
    expect(executed).toMatchObject({ released: [], remains: { reason: 'waits-behind' }, next: null });
    const unknown = round({ parked: [{}], id: idOf(9) });
    expect(unknown.executed).toMatchObject({ released: [], remains: { reason: 'not-parked' }, next: null });
  });
});

describe('a discard', () => {
  test('gives up the first, and releases what waits behind it', () => {
    const { executed, records } = round({
      command: 'discard',
      parked: [{ reason: 'outbox-row-malformed' }, {}],
    });
    expect(records).toHaveLength(1);
    expect(executed).toMatchObject({ discarded: [idOf(1)], released: [idOf(2)], remains: null });
  });

  test('gives up one only, also in its next round', () => {
    const again = round({ command: 'discard', id: idOf(0), first: idOf(1), parked: [{}, {}] });
    expect(again.executed).toMatchObject({ discarded: [], released: [idOf(1), idOf(2)] });
  });
});

describe('the parked topic', () => {
  test('keeps every byte of a value, and one that is too large by reference', () => {
    const bytes = Buffer.from([0, 0xff, 0xfe, 0x22, 0x0a]);
    expect(parkedRecord(1, { value: bytes })).toMatchObject({ value: bytes, bytes: 5, isKept: true });
    const large = Buffer.alloc(keptBytesMax + 1);
    expect(parkedRecord(1, { value: large })).toMatchObject({
      ...{ value: null, bytes: keptBytesMax + 1, isKept: false },
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(parkedRecord(1, { value: null })).toMatchObject({
      value: null,
      bytes: 0,
      isKept: true,
      sha256: null,
    });
  });

  test('says back what was written to it, and nothing of another slot', () => {
    const asked = { request: 'r', command: 'discard' as const, id: idOf(1), reason: 'why' };
    const done = { ...asked, released: [idOf(2)], discarded: [idOf(1)], next: null, remains: null };
    const command = incoming(encodeCommand(asked, where));
    const executed = incoming(encodeExecuted({ tag: 'executed', ...done }, where));
    expect(decodeParked(command, where.slot)).toEqual({ tag: 'command', ...asked });
    expect(decodeParked(executed, where.slot)).toEqual({ tag: 'executed', ...done });
    expect(decodeParked(command, 'another')).toBeNull();
  });

  test('refuses a record that is none of its own, naming the place and no value', () => {
    const strange = {
      ...incoming(encodeCommand({ request: 'r', command: 'release', id: 'x', reason: null }, where)),
    };
    expect(() =>
      decodeParked({ ...strange, value: Buffer.from('{"secret":1}'), offset: 5n }, where.slot),
    ).toThrow(
      expect.objectContaining({
        code: 'record-unreadable',
        message: 'diptych.parked, partition 0, offset 5: not a record of the parked topic',
      }),
    );
  });
});

test('a record that asked for a partition of its own is released to that one, with its own headers', () => {
  const [first, second] = round({ parked: [{ partition: 5 }, {}] }).records;
  expect([first?.partition, second?.partition]).toEqual([5, undefined]);
  expect(first?.headers.map(([name]) => name)).toEqual(['diptych-tx', 'id', 'diptych-released']);
});
