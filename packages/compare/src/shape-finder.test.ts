import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AuditOptions, audit } from './audit.ts';
import { intentLoss } from './intent-loss.ts';
import { joinedForTests } from './joined-for-tests.ts';
import type { JoinedTransaction } from './joined-transaction.ts';
import type { TestChange, TestEvent, TestTransaction } from './panels-for-tests.ts';
import { ShapeFinder, type ShapeFinderOptions } from './shape-finder.ts';
import { legacyWrite, workedExample } from './worked-example-for-tests.ts';

function learnedFrom(
  transactions: readonly JoinedTransaction[],
  options: ShapeFinderOptions = {},
): ReturnType<ShapeFinder['learned']> {
  const finder = new ShapeFinder(options);
  for (const transaction of transactions) finder.add(transaction);
  return finder.learned();
}

const auditOf = (transactions: readonly TestTransaction[], options: AuditOptions = {}) =>
  audit(learnedFrom(joinedForTests(transactions)), options);

/** Orders that go their way, `each` of them; ids begin at `from`. */
const statuses = ['new', 'paid', 'sent'];
function orders({ each, from = 0 }: { each: number; from?: number }): TestTransaction[] {
  return Array.from({ length: each }, (_, index) => from + index).flatMap((id) =>
    statuses.map(
      (status, step): TestTransaction => ({
        at: 1 + id * 10 + step,
        changes: [order(id, { status, note: `note ${id}` }, step === 0 ? 'c' : 'u')],
        events: [told(`Order${step}`, id)],
      }),
    ),
  );
}

const order = (id: number, columns: object, op: 'c' | 'u' = 'u'): TestChange => ({
  table: 'orders',
  op,
  key: { id },
  after: { id, ...columns },
});
const told = (type: string, id: number): TestEvent => ({
  type,
  key: String(id),
  aggregateType: 'order',
  payload: { id },
});

describe('the leak report', () => {
  test('of an ordinary run is empty, and every transaction carries its event', () => {
    expect(auditOf(workedExample)).toMatchObject({
      transactions: 8,
      leaks: 0,
      percent: 100,
      shapes: [],
      rowless: [],
    });
  });

  test('names a legacy write by what it did, though the server sent no row before', () => {
    expect(auditOf([...workedExample, legacyWrite(9)]).shapes).toMatchObject([
      {
        shape: 'public.cart_items u (quantity)',
        carries: 'never',
        leaks: 1,
        percent: 0,
        events: [],
        first: { xid: 1009 },
        last: { xid: 1009 },
      },
    ]);
  });

  test('tells by old and new state what is sometimes silent; free text is no state', () => {
    const silent = [7, 9].map(
      (id): TestTransaction => ({
        at: 2000 + id,
        changes: [order(id, { status: 'lost', note: `note ${id}` })],
      }),
    );
    const found = auditOf([
      ...orders({ each: 20 }),
      ...silent,
      { at: 3000, changes: [order(3, { status: 'lost', note: 'note 3' })], events: [told('OrderLost', 3)] },
    ]);
    expect(found.shapes).toMatchObject([
      {
        shape: 'public.orders u (status: sent → lost)',
        carries: 'sometimes',
        transactions: 3,
        leaks: 2,
        percent: 33.333,
        events: [{ type: 'order OrderLost', transactions: 1 }],
        first: { xid: 3007 },
        last: { xid: 3009 },
      },
    ]);
  });

  test('a shape that is accepted counts for nothing, with the values of its states or without', () => {
    const silent: TestTransaction = { at: 900, changes: [order(3, { status: 'lost', note: 'note 3' })] };
    const transactions = [...orders({ each: 20 }), silent];
    for (const shape of ['public.orders u (status: sent → lost)', 'public.orders u (status)']) {
      const accepted = [{ shape, reason: 'written off' }];
      const found = auditOf(transactions, { accepted });
      expect(found.shapes).toEqual([]);
      expect(found.accepted).toMatchObject([{ leaks: 1, reason: 'written off' }]);
      expect(found.acceptedUnused).toEqual([]);
    }
    const accepted = [{ shape: 'public.orders u (status: sent → stolen)', reason: 'never happens' }];
    expect(auditOf(transactions, { accepted })).toMatchObject({
      leaks: 1,
      acceptedUnused: [accepted[0]?.shape],
    });
  });

  test('events without a row are told by type, unless their aggregate needs none', () => {
    const transactions = [...orders({ each: 2 }), { at: 500, events: [told('Pinged', 1)] }];
    expect(auditOf(transactions).rowless).toMatchObject([{ type: 'order Pinged', transactions: 1 }]);
    expect(auditOf(transactions, { eventOnly: ['order'] }).rowless).toEqual([]);
  });

  test('what lies before the range only teaches', () => {
    const joined = joinedForTests([
      ...orders({ each: 5 }),
      { at: 900, changes: [order(1, { status: 'lost', note: 'note 1' })] },
    ]);
    const countFromUs = joined.at(-1)?.identity.commitTimeUs;
    expect(audit(learnedFrom(joined, { countFromUs }))).toMatchObject({
      tables: ['public.orders'],
      transactions: 1,
      leaks: 1,
      shapes: [{ shape: 'public.orders u (status: sent → lost)' }],
    });
  });
});

test('of a generated workload every planted shape is found, none is invented, and each leak is named', () => {
  const tables = ['a', 'b', 'c'] as const;
  const planted = fc.uniqueArray(
    fc.record({
      table: fc.constantFrom(...tables),
      kind: fc.constantFrom('amount', 'status', 'delete', 'insert'),
    }),
    { selector: ({ table, kind }) => `${table} ${kind}`, maxLength: 8 },
  );
  fc.assert(
    fc.property(
      planted,
      fc.infiniteStream(fc.nat(1000)),
      fc.integer({ min: 1, max: 5 }),
      (leaks, random, each) => {
        const draw = (below: number): number => (random.next().value ?? 0) % below;
        const row = (table: string, id: number, op: TestChange['op'], columns: object): TestChange =>
          op === 'd'
            ? { table, op, key: { id }, before: { id } }
            : { table, op, key: { id }, after: { id, note: `${table} ${id} ${op}`, ...columns } };
        const transactions: TestTransaction[] = [];
        const silent = new Set<number>();
        let at = 0;
        const add = (changes: TestChange[], events: TestEvent[]): void => {
          at += 1;
          transactions.push({ at, changes, events });
          if (events.length === 0) silent.add(1000 + at);
        };
        const leakOf = (table: string, kind: string, id: number): TestChange => {
          switch (kind) {
            case 'amount':
              return row(table, id, 'u', { note: `${table} ${id} c`, status: 'open', amount: 999 });
            case 'status':
              return row(table, id, 'u', { note: `${table} ${id} c`, status: 'closed', amount: id });
            case 'delete':
              return row(table, id, 'd', {});
            default:
              return row(table, 1000 + id, 'c', { status: 'open', amount: 1 });
          }
        };
        for (let id = 0; id < 40; id += 1) {
          for (const table of tables)
            add([row(table, id, 'c', { status: 'open', amount: id })], [told('Opened', id)]);
          // With events a row closes together with its amount, so that each planted shape is one of its own.
          const table = tables[draw(3)] ?? 'a';
          if (id < 20)
            add([row(table, id, 'u', { status: 'closed', amount: -id - 1 })], [told('Closed', id)]);
        }
        for (const [index, { table, kind }] of leaks.entries())
          for (let n = 0; n < each; n += 1) add([leakOf(table, kind, 20 + ((index * each + n) % 20))], []);
        const found = audit(learnedFrom(joinedForTests(transactions)));
        const named = new Set(found.shapes.flatMap(({ examples }) => examples.map(({ xid }) => xid)));
        expect(named).toEqual(silent);
        expect(found.leaks).toBe(silent.size);
        for (const { table, kind } of leaks) {
          const op = { amount: 'u', status: 'u', delete: 'd', insert: 'c' }[kind] ?? '?';
          expect(found.shapes.some(({ shape }) => shape.startsWith(`public.${table} ${op}`))).toBe(true);
        }
      },
    ),
    { numRuns: 40 },
  );
});

describe('what is remembered', () => {
  test('a column with many values is data: shapes that differed by them are one', () => {
    const changes = Array.from(
      { length: 40 },
      (_, n): TestTransaction => ({
        at: n + 2,
        changes: [order(1, { status: `status ${n}` })],
        events: [told('Moved', 1)],
      }),
    );
    const { entries } = learnedFrom(
      joinedForTests([{ at: 1, changes: [order(1, { status: 'x' }, 'c')] }, ...changes]),
    );
    expect(entries.map(({ transactions }) => transactions)).toEqual([1, 40]);
  });

  test('is bounded: rows that were forgotten are updates of unknown columns, too many shapes give up states', () => {
    const { entries } = learnedFrom(joinedForTests(orders({ each: 20 })), { shapesMax: 3 });
    expect(entries.length).toBeLessThanOrEqual(3);
    const forgotten = [
      ...orders({ each: 3 }),
      { at: 900, changes: [order(0, { status: 'new', note: 'x' })] },
    ];
    const found = audit(learnedFrom(joinedForTests(forgotten), { rowsMax: 1 }));
    expect(found.shapes).toMatchObject([{ shape: 'public.orders u (?)' }]);
  });

  test('saved and put back at any moment it learns the same', () => {
    const joined = joinedForTests([
      ...orders({ each: 6 }),
      { at: 900, changes: [order(1, { status: 'lost', note: 'x' })] },
    ]);
    for (let cut = 0; cut <= joined.length; cut += 1) {
      const first = new ShapeFinder();
      for (const transaction of joined.slice(0, cut)) first.add(transaction);
      const second = new ShapeFinder({ saved: JSON.parse(JSON.stringify(first.save())) });
      second.rows.load(first.rows.takeChanges().put);
      for (const transaction of joined.slice(cut)) second.add(transaction);
      expect(second.learned()).toEqual(learnedFrom(joined));
    }
  });
});

describe('intent loss', () => {
  test('two events that do the same to the rows are indistinguishable, whatever was meant', () => {
    const transactions = Array.from({ length: 24 }, (_, n): TestTransaction[] => [
      { at: n * 10 + 1, changes: [order(n, { status: 'open' }, 'c')], events: [told('Opened', n)] },
      {
        at: n * 10 + 2,
        changes: [order(n, { status: 'closed' })],
        events: [told(n % 2 === 0 ? 'Cancelled' : 'Expired', n)],
      },
    ]).flat();
    const loss = intentLoss(learnedFrom(joinedForTests(transactions)));
    expect(loss.events).toEqual([
      { type: 'order Cancelled', transactions: 12, changesPerEvent: 1, ambiguous: 12 },
      { type: 'order Expired', transactions: 12, changesPerEvent: 1, ambiguous: 12 },
      { type: 'order Opened', transactions: 24, changesPerEvent: 1, ambiguous: 0 },
    ]);
    expect(loss.pairs).toEqual([
      {
        left: 'order Cancelled',
        right: 'order Expired',
        transactions: 24,
        indistinguishable: 24,
        shapes: ['public.orders u (status: open → closed)'],
      },
    ]);
    expect(loss.matrix).toEqual([
      [0, 12, 0],
      [12, 0, 0],
      [0, 0, 0],
    ]);
  });

  test('a type that was seen less than ten times is left out', () => {
    expect(intentLoss(learnedFrom(joinedForTests(workedExample))).events).toEqual([]);
    expect(intentLoss(learnedFrom(joinedForTests(workedExample)), { sightingsMin: 1 }).events).toHaveLength(
      5,
    );
  });
});
