import type { IncomingRecord } from '@diptych/kafka/record';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Join } from './join.ts';
import type { JoinedItem, JoinedTransaction } from './joined-transaction.ts';
import {
  baselineRecord,
  panelRecords,
  releasedRecord,
  type TestTransaction,
  testIdentity,
  testPrefix,
} from './panels-for-tests.ts';
import { workedExample } from './worked-example-for-tests.ts';

const joinAll = (
  records: Iterable<IncomingRecord>,
  options = {},
): { join: Join; out: JoinedTransaction[] } => {
  const join = new Join({ prefix: testPrefix, ...options });
  const out: JoinedTransaction[] = [];
  for (const record of records) {
    join.add(record);
    out.push(...join.complete());
  }
  return { join, out };
};

const row = (key: object): { table: string; op: 'c'; key: object; after: object } => ({
  table: 'things',
  op: 'c',
  key,
  after: key,
});

const xids = (transactions: readonly JoinedTransaction[]): number[] =>
  transactions.map(({ identity }) => identity.xid);

describe('joining', () => {
  test('a transaction comes out with both panels, each in its order', () => {
    const { join, out } = joinAll(workedExample.flatMap(panelRecords));
    expect(out).toHaveLength(8);
    const [, second] = out;
    expect(second?.domainEvents).toMatchObject([
      {
        topic: 'outbox.event.cart',
        key: '101',
        type: 'ItemAdded',
        version: 1,
        aggregateVersion: 2n,
        id: 'event-1002-3',
        payload: { sku: 'banana', quantity: 1 },
      },
    ]);
    expect(second?.changes.map(({ schema, table, op, ordinal }) => ({ schema, table, op, ordinal }))).toEqual(
      [
        { schema: 'public', table: 'cart_items', op: 'c', ordinal: 1 },
        { schema: 'public', table: 'carts', op: 'u', ordinal: 2 },
      ],
    );
    expect(second?.commitTime).toBe('2026-11-21T07:41:54.669491Z');
    expect(join.stragglers).toEqual([]);
    expect(join.irregularities.count).toBe(0);
  });

  test('a bigint of a row and of a payload survive to the last digit', () => {
    const big = 9007199254740993n;
    const { out } = joinAll(
      panelRecords({
        at: 1,
        changes: [row({ id: big })],
        events: [{ type: 'Told', payload: { amount: big } }],
      }),
    );
    expect(out[0]?.changes[0]?.key).toEqual({ id: big });
    expect(out[0]?.changes[0]?.after).toEqual({ id: big });
    expect(out[0]?.domainEvents[0]?.payload).toEqual({ amount: big });
  });

  test('a transaction waits for the last record that its END counts, and holds back those behind it', () => {
    const first = panelRecords({ at: 1, changes: [row({ id: 1 }), row({ id: 2 })] });
    const second = panelRecords({ at: 2, changes: [row({ id: 3 })] });
    const [missing, ...rest] = first;
    const { join, out } = joinAll([...rest, ...second]);
    expect(out).toEqual([]);
    expect(join.blocking).toMatchObject({
      expected: { events: 0, changes: 2 },
      got: { events: 0, changes: 1 },
    });
    expect(join.heldBack).toBe(1);
    expect(join.stragglers.map(({ identity }) => identity.xid)).toEqual([1001]);
    if (missing) join.add(missing);
    expect(xids(join.complete())).toEqual([1001, 1002]);
  });

  test('a transaction that was given up is named, and the others go on', () => {
    const [, ...incomplete] = panelRecords({ at: 1, changes: [row({ id: 1 })] });
    const { join, out } = joinAll([...incomplete, ...panelRecords({ at: 2, changes: [row({ id: 2 })] })]);
    expect(out).toEqual([]);
    expect(join.giveUp()?.identity.xid).toBe(1001);
    expect(xids(join.complete())).toEqual([1002]);
    expect(join.giveUp()).toBeUndefined();
  });

  test('records whose END never came are named once a later END is there', () => {
    const [lost] = panelRecords({ at: 1, changes: [row({ id: 1 })] });
    const { join } = joinAll([
      ...(lost ? [lost] : []),
      ...panelRecords({ at: 2, changes: [row({ id: 2 })] }),
    ]);
    expect(join.stragglers).toMatchObject([{ expected: null, got: { events: 0, changes: 1 } }]);
  });

  test('a key change counts as two change events, and its tombstone as none', () => {
    const deleted = { table: 'things', op: 'd', key: { id: 1 }, before: { id: 1 } } as const;
    const { out } = joinAll(panelRecords({ at: 1, changes: [deleted, row({ id: 2 })] }));
    expect(out[0]?.changes.map(({ op }) => op)).toEqual(['d', 'c']);
  });

  test('a truncate is in every partition and counts once, whenever its copies come', () => {
    const truncate = panelRecords({ at: 1, changes: [{ table: 'things', op: 't' }] });
    const end = truncate.at(-1);
    const copies = truncate.slice(0, -1);
    expect(copies.length).toBeGreaterThan(1);
    const late = copies.slice(1);
    const { join, out } = joinAll([...copies.slice(0, 1), ...(end ? [end] : []), ...late]);
    expect(out.map(({ changes }) => changes.length)).toEqual([1]);
    expect(join.irregularities.count).toBe(0);
    for (const copy of late.slice(0, 1)) join.add(copy);
    expect(join.irregularities.first).toMatchObject([{ what: 'repeated' }]);
  });

  test('a snapshot is no part of any transaction, and other topics are none of ours', () => {
    const [record] = panelRecords({ at: 1, changes: [row({ id: 1 })] });
    if (!record) throw new Error('no record');
    const headers = new Map([...record.headers, ['diptych-snapshot', 's1']]);
    const strange = ['diptych.checkpoint.diptych', 'diptych.parked', 'orders', 'diptych2.public.things'];
    const others = strange.map((topic) => ({ ...record, topic }));
    const { join } = joinAll([{ ...record, headers }, ...others, ...panelRecords({ at: 2 })]);
    expect(join.stragglers).toEqual([]);
  });

  test('a record of somebody else in our topics is refused by its place', () => {
    const [record] = panelRecords({ at: 1, changes: [row({ id: 1 })] });
    if (!record) throw new Error('no record');
    const join = new Join({ prefix: testPrefix });
    expect(() => join.add({ ...record, headers: new Map() })).toThrow(/diptych\.public\.things, partition/);
    expect(() => join.add({ ...record, value: Buffer.from('{"op":"c"}') })).toThrow('names no table');
    expect(() => join.add({ ...record, value: Buffer.from('{') })).toThrow('not JSON');
  });
});

describe('what is part of no transaction', () => {
  const tags = (items: readonly JoinedItem[]): string[] =>
    items.map((item) => (item.tag === 'transaction' ? `${item.transaction.identity.xid}` : item.tag));

  test('a parked event that is released later is no repeat, and its transaction was whole without it', () => {
    const parked = { at: 1, changes: [row({ id: 1 })], parked: 1 };
    const later = panelRecords({ at: 2, events: [{ type: 'E', payload: 1 }] });
    const released = releasedRecord({ type: 'Late', payload: 1 }, 1);
    const join = new Join({ prefix: testPrefix });
    for (const record of [...panelRecords(parked), ...later, released]) join.add(record);
    const items = join.drain();
    expect(tags(items)).toEqual(['1001', '1002', 'released']);
    expect(items[2]).toMatchObject({ identity: { xid: 1001 }, late: { event: { type: 'Late' } } });
    expect(join.irregularities.count).toBe(0);
  });

  test('a row of a snapshot comes out in the place that it has in its partition', () => {
    const read = (n: number) => baselineRecord({ table: 'things', key: { id: 1 }, row: { id: 1, n } });
    const early = read(1);
    const [change, end] = panelRecords({ at: 1, changes: [row({ id: 1 })] });
    const late = read(2);
    const join = new Join({ prefix: testPrefix, baseline: true });
    const drained = [early, change, late, end].map((record) => {
      if (record) join.add(record);
      return tags(join.drain());
    });
    expect(drained).toEqual([['baseline'], [], [], ['1001', 'baseline']]);
  });
});

describe('exactly once', () => {
  const records = panelRecords({
    at: 1,
    changes: [row({ id: 1 }), row({ id: 2 })],
    events: [{ type: 'E', payload: 1 }],
  });

  test.each(records.map((record, index) => [record.topic, index] as const))(
    'a repeat in %s is found, before its transaction is whole and after (record %i)',
    (_topic, index) => {
      const repeated = records[index];
      if (!repeated) throw new Error('no record');
      const before = joinAll([...records.slice(0, index + 1), repeated, ...records.slice(index + 1)]);
      const after = joinAll([...records, ...panelRecords({ at: 2 }), repeated]);
      for (const { join, out } of [before, after]) {
        expect(join.irregularities).toMatchObject({
          count: 1,
          first: [{ what: 'repeated', topic: repeated.topic }],
        });
        expect(out[0]?.changes).toHaveLength(2);
        expect(out[0]?.domainEvents).toHaveLength(1);
      }
    },
  );

  test('a record behind a later one of its partition is misplaced', () => {
    const [first] = panelRecords({ at: 1, changes: [row({ id: 1 })] });
    const [second] = panelRecords({ at: 2, changes: [row({ id: 1 })] });
    const { join } = joinAll([second, first].filter((record) => record !== undefined));
    expect(join.irregularities.first).toMatchObject([{ what: 'misplaced', identity: { xid: 1001 } }]);
  });

  test('more records than END counts are never taken for a whole', () => {
    const [extra] = panelRecords({ at: 1, changes: [row({ id: 1 })] });
    const { join, out } = joinAll([...(extra ? [extra] : []), ...panelRecords({ at: 1 })]);
    expect(out).toEqual([]);
    expect(join.blocking).toMatchObject({ expected: { changes: 0 }, got: { changes: 1 } });
    const late = joinAll([...panelRecords({ at: 1 }), ...(extra ? [extra] : [])]);
    expect(late.join.irregularities.first).toMatchObject([{ what: 'surplus' }]);
  });
});

describe('bounds', () => {
  const big: TestTransaction = { at: 1, changes: Array.from({ length: 20 }, (_, id) => row({ id })) };

  test('a transaction beyond its bound is counted to its end, but not kept', () => {
    const { join, out } = joinAll(panelRecords(big), { recordsPerTransactionMax: 5 });
    expect(out).toMatchObject([{ omitted: 15 }]);
    expect(out[0]?.changes).toHaveLength(5);
    expect(join.irregularities.count).toBe(0);
  });

  test('the bound is on what waits, not on what has passed', () => {
    const small = Array.from({ length: 20 }, (_, at) => panelRecords({ at, changes: [row({ id: at })] }));
    expect(joinAll(small.flat(), { pendingRecordsMax: 1 }).out).toHaveLength(20);
  });

  test('too many records without the rest of their transactions end the join by name', () => {
    expect(() => joinAll(panelRecords(big), { pendingRecordsMax: 10 })).toThrow(
      `the first waiting is 1001:${testIdentity(big).commitLsn}`,
    );
  });
});

test('in any interleaving of partitions the same transactions come out, in END order', () => {
  const change = fc.oneof(
    fc.record({ table: fc.constantFrom('a', 'b'), op: fc.constant('t' as const) }),
    fc
      .record({
        table: fc.constantFrom('a', 'b'),
        op: fc.constantFrom('c' as const, 'u' as const, 'd' as const),
        id: fc.nat(20),
      })
      .map(({ id, ...rest }) => ({ ...rest, key: { id }, after: rest.op === 'd' ? undefined : { id } }))
      .map(({ after, ...rest }) => (after === undefined ? rest : { ...rest, after })),
  );
  const event = fc.record({
    type: fc.constantFrom('X', 'Y'),
    key: fc.constantFrom('1', '2', '3'),
    payload: fc.nat(),
  });
  const body = fc.record({
    changes: fc.array(change, { maxLength: 4 }),
    events: fc.array(event, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(body, { maxLength: 8 }), fc.infiniteStream(fc.nat()), (bodies, choices) => {
      const transactions = bodies.map((one, index) => ({
        ...one,
        at: index + 1,
        timeline: index < 4 ? 1 : 2,
      }));
      const records = transactions.flatMap(panelRecords);
      const expected = joinAll(records);
      expect(xids(expected.out)).toEqual(transactions.map(({ at }) => 1000 + at));
      const queues = [...Map.groupBy(records, ({ topic, partition }) => `${topic} ${partition}`).values()];
      const interleaved = function* () {
        for (;;) {
          const open = queues.filter((queue) => queue.length > 0);
          const next = open[(choices.next().value ?? 0) % open.length]?.shift();
          if (!next) return;
          yield next;
        }
      };
      const { join, out } = joinAll(interleaved());
      expect(out).toEqual(expected.out);
      expect(join.irregularities.count).toBe(0);
      expect(join.stragglers).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('a join that goes on from where another one was cut off brings what that one had not', () => {
  const keys = ['1', '2', '3', '4'];
  const choices = fc.record({
    cut: fc.nat(),
    order: fc.infiniteStream(fc.nat()),
    kinds: fc.array(fc.nat(5), { minLength: 1, maxLength: 10 }),
  });
  fc.assert(
    fc.property(choices, ({ cut, order, kinds }) => {
      const records = kinds.flatMap((kind, index) => {
        const at = index + 1;
        const key = keys[(kind + index) % keys.length] ?? '';
        const event = { type: 'E', key, payload: at };
        const whole = panelRecords({ at, changes: [row({ id: key }), row({ id: kind })], events: [event] });
        if (kind === 0) return [...whole, baselineRecord({ table: 'things', key: { id: key }, row: { at } })];
        if (kind === 1) return [...whole, releasedRecord(event, 1)];
        return kind === 2 ? [...whole, ...whole.slice(0, 1)] : whole;
      });
      const queues = [...Map.groupBy(records, ({ topic, partition }) => `${topic} ${partition}`).values()];
      const stream: IncomingRecord[] = [];
      while (stream.length < records.length) {
        const open = queues.filter((queue) => queue.length > 0);
        const next = open[(order.next().value ?? 0) % open.length]?.shift();
        if (next) stream.push({ ...next, offset: BigInt(stream.length) });
      }
      const through = (join: Join, some: readonly IncomingRecord[]): JoinedItem[] =>
        some.flatMap((record) => {
          join.add(record);
          return join.drain();
        });
      const options = { prefix: testPrefix, baseline: true };
      const expected = through(new Join(options), stream);
      const first = new Join(options);
      const before = through(first, stream.slice(0, cut % (stream.length + 1)));
      const points = first.resumePoints;
      const second = new Join({ ...options, resume: { horizon: first.horizon, points } });
      const rest = stream.filter(({ topic, partition, offset }) => {
        const point = points.find((one) => one.topic === topic && one.partition === partition);
        return point === undefined || offset >= point.offset;
      });
      const sorted = (items: readonly JoinedItem[]) => {
        const isTransaction = (item: JoinedItem) => item.tag === 'transaction';
        return {
          transactions: items.filter(isTransaction),
          others: new Set(items.filter((item) => !isTransaction(item))),
        };
      };
      expect(sorted([...before, ...through(second, rest)])).toEqual(sorted(expected));
    }),
    { numRuns: 300 },
  );
});
