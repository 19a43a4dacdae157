/** What the projections are, over random histories: a rebuild is the live one, and each answer is what the events add up to. */
import { fold } from '@diptych/contracts/cart-fold';
import { totalsOf } from '@diptych/contracts/cart-state';
import { fromCents, money, toCents } from '@diptych/contracts/money';
import { createInbox } from '@diptych/inbox/inbox-table';
import { inTransaction } from '@diptych/inbox/transaction';
import { applyEvents } from '@diptych/projection/apply-events';
import { fingerprint } from '@diptych/projection/fingerprint';
import {
  beginGeneration,
  createRegistry,
  dropRetired,
  type Generation,
  retire,
} from '@diptych/projection/generations';
import { testDatabase } from '@diptych/testkit/for-tests';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAbandonedCarts } from './abandoned-carts.ts';
import { type HistoryEvent, history } from './cart-histories-for-tests.ts';
import type { CartProjection } from './cart-key.ts';
import { cartProjections } from './cart-projections.ts';
import { readCurrentCarts } from './current-carts.ts';
import { readRemovedBeforeCheckout } from './removed-before-checkout.ts';
import { readRevenuePerDay, readRevenuePerDiscount } from './revenue.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: pg.Pool;
beforeAll(async () => {
  database = await testDatabase();
  // Hundreds of small transactions that nobody misses after a crash.
  pool = new pg.Pool({ connectionString: database.url, options: '-c synchronous_commit=off' });
  await createInbox(pool);
  await createRegistry(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function begin(projection: CartProjection, state: 'live' | 'building'): Promise<Generation> {
  const generation = await beginGeneration(pool, { projection, state, groupPrefix: 'test' });
  if (!generation) throw new Error('there is one');
  return generation;
}

async function drop(generation: Generation): Promise<void> {
  await retire(pool, generation);
  await dropRetired(pool, generation, { graceMs: 0 });
}

const apply = (projection: CartProjection, generation: Generation, events: readonly HistoryEvent[]) =>
  inTransaction(pool, (tx) => applyEvents(tx, { projection, generation, events }));

/** As a rebuild reads it: partition by partition, which is another order than that in which all of it came. */
const byPartition = (events: readonly HistoryEvent[]) =>
  events.toSorted((one, other) => one.at.partition - other.at.partition);

const random = { numRuns: 15 };

test('a rebuild at any moment is equal to the live one, whatever came in one transaction, and whatever came twice', {
  timeout: 240_000,
}, async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      history,
      sizes,
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (events, batches, moment) => {
        const there = events.slice(0, Math.ceil(moment * events.length));
        for (const projection of cartProjections) {
          const live = await begin(projection, 'live');
          for (let from = 0, turn = 0; from < there.length; turn += 1) {
            const size = batches[turn % batches.length] ?? 1;
            await apply(projection, live, there.slice(from, from + size));
            // A relay that delivers at least once tells the end of it again.
            await apply(projection, live, there.slice(Math.max(0, from - 2), from + size));
            from += size;
          }
          const rebuilt = await begin(projection, 'building');
          await apply(projection, rebuilt, byPartition(there));
          expect(await fingerprint(pool, rebuilt)).toBe(await fingerprint(pool, live));
          await apply(projection, rebuilt, there);
          expect(await fingerprint(pool, rebuilt)).toBe(await fingerprint(pool, live));
          await drop(rebuilt);
          await drop(live);
        }
      },
    ),
    random,
  );
});

/** The events of each cart. */
const cartsOf = (events: readonly HistoryEvent[]) => [
  ...Map.groupBy(events, ({ at: { topic }, payload }) => `${topic.split('.').at(-1)} ${payload.cartId}`),
];

async function projected<T>(events: readonly HistoryEvent[], ask: () => Promise<T>): Promise<T> {
  const generations: Generation[] = [];
  for (const projection of cartProjections) {
    const live = await begin(projection, 'live');
    generations.push(live);
    await apply(projection, live, events);
  }
  const answer = await ask();
  for (const live of generations) await drop(live);
  return answer;
}

test('each answer is what the events say: the fold of each cart, days, discounts, what was taken out, what was left', {
  timeout: 240_000,
}, async () => {
  const limit = 1_000;
  await fc.assert(
    fc.asyncProperty(history, async (events) => {
      const answers = await projected(events, async () => ({
        carts: (
          await Promise.all(
            ['cart', 'es-cart'].map((aggregateType) =>
              readCurrentCarts(pool, { aggregateType, after: 0, limit }),
            ),
          )
        ).flat(),
        open: await readAbandonedCarts(pool, { before: new Date('2027-01-01'), limit }),
        days: await readRevenuePerDay(pool, { limit }),
        discounts: await readRevenuePerDiscount(pool, { limit }),
        removed: await readRemovedBeforeCheckout(pool, { limit }),
      }));
      const expected = cartsOf(events).map(([name, told]) => {
        const state = fold(told);
        if (!state) throw new Error('each history begins with its beginning');
        const [first, last] = [told[0], told.at(-1)];
        const [aggregateType] = name.split(' ');
        const totals = totalsOf(state);
        return { ...state, aggregateType, totals, openedAt: first?.time, changedAt: last?.time };
      });
      const byName = (one: { aggregateType?: string | undefined; cartId: number }) =>
        `${one.aggregateType} ${one.cartId}`;
      const sorted = <T extends Parameters<typeof byName>[0]>(carts: readonly T[]) =>
        carts.toSorted((one, other) => byName(one).localeCompare(byName(other)));
      expect(sorted(answers.carts)).toEqual(sorted(expected));
      expect(sorted(answers.open).map(byName)).toEqual(
        sorted(expected.filter(({ status }) => status === 'open')).map(byName),
      );

      const sold = events.filter((event) => event.type === 'CartCheckedOut');
      const cents = (amounts: readonly string[]) =>
        amounts.reduce((all, amount) => all + toCents(money(amount)), 0n);
      const total = fromCents(cents(sold.map(({ payload }) => payload.totals.total)));
      expect(fromCents(cents(answers.days.map((day) => day.total)))).toBe(total);
      expect(answers.days.reduce((all, { carts }) => all + carts, 0)).toBe(sold.length);
      expect(new Set(answers.days.map(({ day }) => day))).toEqual(
        new Set(sold.map(({ time }) => time.toISOString().slice(0, 10))),
      );
      const given = sold.flatMap(({ payload }) => payload.discounts);
      expect(cents(answers.discounts.map(({ discount }) => discount))).toBe(
        cents(given.map(({ amount }) => amount)),
      );
      expect(answers.discounts.reduce((all, { carts }) => all + carts, 0)).toBe(given.length);
      expect(answers.removed.map(({ pieces }) => pieces).reduce((all, one) => all + one, 0)).toBe(
        takenOut(events),
      );
    }),
    random,
  );
});

/** Pieces that went in and came out of carts that were checked out: what was added and was not bought. */
function takenOut(events: readonly HistoryEvent[]): number {
  let pieces = 0;
  for (const [, told] of cartsOf(events)) {
    const last = told.at(-1);
    if (last?.type !== 'CartCheckedOut') continue;
    for (const event of told) {
      if (event.type === 'ItemAdded') pieces += event.payload.quantity;
      if (event.type === 'QuantityChanged')
        pieces += Math.max(0, event.payload.quantity - event.payload.previousQuantity);
    }
    for (const { quantity } of last.payload.lines) pieces -= quantity;
  }
  return pieces;
}
