import type { DeliveryMode } from '@diptych/delivery/protocol';
import { formatIdentity } from '@diptych/kafka/identity';
import { lsn, xid } from '@diptych/wal/lsn';
import { expect, test } from 'vitest';
import { read, type Source } from './chaos/fact.ts';
import { owedBy } from './chaos/ledger.ts';
import { type PrintedRecord, parsePrinted } from './java-consumer.ts';
import { Referee } from './referee.ts';

/** Two transactions: 7 writes account 3 and tells it, 8 truncates and deletes two entries. */
const ledger = [
  { xid: '7', writer: 1, n: 1, facts: ['accounts c 3 1 1.1.1', 'event 3 1.1.1'] },
  { xid: '8', writer: 1, n: 2, facts: ['scratch t', 'entries d 1.0.9 * 2', 'entries tombstone * 2'] },
];

interface Sent {
  readonly source: Source;
  readonly record: PrintedRecord;
}

function sent(
  source: Source,
  place: { id: number; ordinal: number; part?: number; partition?: number; key?: string },
  value: unknown,
): Sent {
  const { id, ordinal, part = 0, partition = 0, key = 'null' } = place;
  const identity = formatIdentity({
    timeline: 1,
    commitLsn: lsn(BigInt(id) * 100n),
    xid: xid(id),
    ordinal,
    part,
    commitTimeUs: 1n,
  });
  const headers = `diptych-tx:${identity},id:x`;
  return { source, record: { partition, offset: 0, headers, key, value: JSON.stringify(value) } };
}

const row = { k: 3, version: 1, tag: '1.1.1' };
const seven = [
  sent('accounts', { id: 7, ordinal: 1 }, { op: 'c', before: null, after: row }),
  sent('event', { id: 7, ordinal: 2, key: '3' }, { tag: '1.1.1', version: 1 }),
  sent('ledger', { id: 7, ordinal: 3 }, { op: 'c', before: null, after: { writer: 1, n: 1 } }),
  sent('end', { id: 7, ordinal: 4 }, { event_count: 2, domain_event_count: 1 }),
];
const deleted = { op: 'd', before: { tag: '1.0.9' }, after: null };
const eight = [
  sent('scratch', { id: 8, ordinal: 1 }, { op: 't' }),
  sent('scratch', { id: 8, ordinal: 1, partition: 1 }, { op: 't' }),
  sent('entries', { id: 8, ordinal: 2 }, deleted),
  sent('entries', { id: 8, ordinal: 2, part: 1 }, null),
  sent('entries', { id: 8, ordinal: 3 }, deleted),
  sent('entries', { id: 8, ordinal: 3, part: 1 }, null),
  sent('ledger', { id: 8, ordinal: 4 }, { op: 'c', before: null, after: { writer: 1, n: 2 } }),
  sent('end', { id: 8, ordinal: 5 }, { event_count: 4, domain_event_count: 0 }),
];
const all = [...seven, ...eight];

const refereeOf = (mode: DeliveryMode) =>
  new Referee<Source>({ owed: owedBy(ledger, { partitions: 2 }), mode, read });

function judge(records: readonly Sent[], mode: DeliveryMode = 'exactly-once') {
  const referee = refereeOf(mode);
  for (const { source, record } of records) referee.take(source, record);
  const { lost, repeated, outOfOrder, phantom, received } = referee.findings();
  return { received, lost, repeated, outOfOrder, phantom };
}

const clean = { received: 2, lost: 0, repeated: 0, outOfOrder: 0, phantom: 0 };

test('what was committed and came once, in order, is without a finding', () => {
  expect(judge(all)).toEqual(clean);
});

test('each record that is left out is lost, and its transaction is not received', () => {
  for (const index of all.keys()) {
    expect(judge(all.toSpliced(index, 1))).toEqual({ ...clean, received: 1, lost: 1 });
  }
});

test('each record that comes twice is repeated', () => {
  for (const one of all) expect(judge([...all, one])).toEqual({ ...clean, repeated: 1 });
});

test('at least once what comes again is counted, wherever it comes, and judged no further', () => {
  expect(judge([...seven, ...seven, ...eight, ...seven], 'at-least-once')).toEqual({ ...clean, repeated: 8 });
  expect(judge(all, 'at-least-once')).toEqual(clean);
});

test('at least once the first occurrences are judged as exactly once', () => {
  const lacking = all.toSpliced(0, 1);
  expect(judge([...lacking, ...lacking], 'at-least-once')).toMatchObject({ received: 1, lost: 1 });
  expect(judge([...eight, ...seven, ...eight], 'at-least-once')).toMatchObject({
    outOfOrder: 2,
    repeated: 8,
  });
});

test('at least once a repeat that says something else is a phantom', () => {
  const otherwise = sent('event', { id: 7, ordinal: 2, key: '3' }, { tag: '9.9.9', version: 1 });
  expect(judge([...all, otherwise], 'at-least-once')).toEqual({ ...clean, phantom: 1 });
});

test('records of one partition that changed places are out of order', () => {
  const [first, , third] = eight.slice(2);
  if (!first || !third) throw new Error('the entries');
  const swapped = [...seven, ...eight.slice(0, 2), third, eight[3], first, ...eight.slice(5)].filter(
    (one) => one !== undefined,
  );
  expect(judge(swapped).outOfOrder).toBeGreaterThan(0);
  expect(judge([...eight, ...seven])).toMatchObject({ outOfOrder: 2, lost: 0, repeated: 0 });
});

test('a row of a rolled-back step or of an unknown transaction is a phantom', () => {
  const undone = { op: 'u', before: null, after: { ...row, tag: '1.1.2' } };
  expect(judge([...all, sent('accounts', { id: 7, ordinal: 1 }, undone)])).toEqual({ ...clean, phantom: 1 });
  const unknown = { op: 'c', before: null, after: row };
  expect(judge([...all, sent('accounts', { id: 9, ordinal: 1 }, unknown)])).toEqual({ ...clean, phantom: 1 });
});

test('an END that counts otherwise is a phantom, and the right one is lost', () => {
  const wrong = sent('end', { id: 7, ordinal: 4 }, { event_count: 3, domain_event_count: 1 });
  expect(judge(all.with(3, wrong))).toEqual({ ...clean, received: 1, lost: 1, phantom: 1 });
});

test('a record where none should be is stray', () => {
  const [one] = all;
  if (!one) throw new Error('a record');
  const referee = refereeOf('exactly-once');
  referee.stray('diptych.parked', one.record);
  const { stray, examples } = referee.findings();
  expect({ stray, example: examples[0] }).toEqual({
    stray: 1,
    example: expect.stringMatching(/^stray: diptych\.parked/),
  });
});

test('a line of the console consumer is read, its last words are not', () => {
  expect(parsePrinted('Partition:2\tOffset:17\tdiptych-tx:1-2,id:x\t{"k":1}\tnull')).toEqual({
    partition: 2,
    offset: 17,
    headers: 'diptych-tx:1-2,id:x',
    key: '{"k":1}',
    value: 'null',
  });
  expect(parsePrinted('Processed a total of 5 messages')).toBeUndefined();
});
