/** Commit order out of partitions: whole, without gaps, whatever comes first. */
import { formatIdentity, type Identity } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import { lsn, xid } from '@diptych/wal/lsn';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventSequence, type SequencedTransaction } from './event-sequence.ts';

const transactionTopic = 'diptych.transaction';
const topic = 'outbox.event.cart';
const other = 'outbox.event.order';

const identity = (commit: number, ordinal: number): Identity => ({
  ...{ timeline: 1, commitLsn: lsn(BigInt(commit)), xid: xid(commit), ordinal, part: 0, commitTimeUs: 0n },
});

const record = (id: Identity, rest: Partial<IncomingRecord> & { released?: boolean }): IncomingRecord => ({
  ...{ topic, partition: 0, offset: 0n, key: null, value: Buffer.from('{}'), timestampMs: 0 },
  ...rest,
  headers: new Map([
    ['diptych-tx', formatIdentity(id)],
    ...(rest.released ? ([['diptych-released', 'true']] as const) : []),
  ]),
});

const event = (commit: number, ordinal: number, partition = 0, released = false) =>
  record(identity(commit, ordinal), { partition, released });

const end = (commit: number, count: number, of = topic) =>
  record(identity(commit, 1_000), {
    topic: transactionTopic,
    value: Buffer.from(
      JSON.stringify({ status: 'END', domain_events: [{ topic: of, event_type: 'A', event_count: count }] }),
    ),
  });

const told = (transactions: readonly SequencedTransaction[]): string[] =>
  transactions.flatMap(({ records }) =>
    records.map((one) => `${one.identity.commitLsn}/${one.identity.ordinal}`),
  );

const sequence = (after?: number) =>
  new EventSequence([topic], {
    ...{ transactionTopic, pendingRecordsMax: 1_000 },
    after: after === undefined ? undefined : identity(after, 0),
  });

/** Feeds records one by one; what came out, in order. */
function feed(one: EventSequence, records: readonly IncomingRecord[]): string[] {
  return records.flatMap((next) => {
    one.add(next);
    return told(one.complete());
  });
}

test('in any interleaving of partitions the events come out in commit order, each transaction when it is whole', () => {
  const scenario = fc
    .array(fc.array(fc.nat({ max: 2 }), { maxLength: 4 }), { minLength: 1, maxLength: 8 })
    .chain((transactions) => {
      const partitions = [0, 1, 2].map((partition) =>
        transactions.flatMap((events, at) =>
          events.flatMap((of, index) => (of === partition ? [event(at + 1, index + 1, partition)] : [])),
        ),
      );
      const ends = transactions.map((events, at) => end(at + 1, events.length));
      const all = [...partitions, ends];
      const order = all.flatMap((records, source) => records.map(() => source));
      return fc.record({
        transactions: fc.constant(transactions),
        all: fc.constant(all),
        order: fc.shuffledSubarray(order, { minLength: order.length }),
      });
    });
  fc.assert(
    fc.property(scenario, ({ transactions, all, order }) => {
      const sources = all.map((records) => records[Symbol.iterator]());
      const records = order.flatMap((source) => sources[source]?.next().value ?? []);
      const expected = transactions.flatMap((events, at) =>
        events.map((_, index) => `${at + 1}/${index + 1}`),
      );
      expect(feed(sequence(), records)).toEqual(expected);
    }),
  );
});

describe('a transaction', () => {
  test('that lacks an event holds back those behind it, until it is whole', () => {
    const one = sequence();
    expect(feed(one, [event(1, 1), end(1, 2), event(2, 1, 1), end(2, 1)])).toEqual([]);
    expect(one.isBlocked).toBe(true);
    expect(feed(one, [event(1, 2, 2)])).toEqual(['1/1', '1/2', '2/1']);
    expect(one.isBlocked).toBe(false);
  });

  test('whose END has not come is not told, however long it waits', () => {
    expect(feed(sequence(), [event(2, 1), event(1, 1, 1), end(1, 1)])).toEqual(['1/1']);
  });

  test('with events of other topics only is passed by', () => {
    expect(feed(sequence(), [end(1, 3, other), event(2, 1), end(2, 1)])).toEqual(['2/1']);
  });
});

test('what comes again is told once, and what was told before the place is not told', () => {
  const again = [
    event(1, 1),
    event(1, 1),
    end(1, 1),
    event(1, 1),
    end(1, 1),
    event(2, 1),
    event(2, 1),
    end(2, 1),
  ];
  expect(feed(sequence(), again)).toEqual(['1/1', '2/1']);
  expect(feed(sequence(1), again)).toEqual(['2/1']);
});

test('an event that was parked comes out when it is released, and says behind what it is told', () => {
  const one = sequence();
  expect(feed(one, [end(1, 0), event(2, 1, 1), end(2, 1)])).toEqual(['2/1']);
  one.add(event(1, 1, 0, true));
  expect(one.complete()).toMatchObject([{ tag: 'released', behind: { commitLsn: 2n } }]);
});

test('records that wait are bounded, and what is not the relay’s is said', () => {
  const one = sequence();
  const many = Array.from({ length: 1_001 }, (_, index) => event(1, index + 1));
  expect(() => feed(one, many)).toThrow(expect.objectContaining({ code: 'comparison-exhausted' }));
  const foreign = { ...event(1, 1), headers: new Map<string, string>() };
  expect(() => sequence().add(foreign)).toThrow(expect.objectContaining({ code: 'record-unreadable' }));
});
