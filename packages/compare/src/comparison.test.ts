import { parseLossless, stringifyLossless } from '@diptych/runtime/json';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cartMapping } from './cart-mapping.ts';
import { Comparison, type SavedComparison } from './comparison.ts';
import { DriftFinder } from './drift.ts';
import { joinedForTests } from './joined-for-tests.ts';
import type { JoinedItem } from './joined-transaction.ts';
import { type KeyedEntry, KeyedState } from './keyed-state.ts';
import type { TestTransaction } from './panels-for-tests.ts';
import { cartEvent, legacyWrite, workedExample } from './worked-example-for-tests.ts';

const drifts = [(options: object) => new DriftFinder(cartMapping, options)];
const rowsMax = 4;

/** Carts beside 101: opened, touched by hand, told of anew; and now and then everything is truncated. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ cart: fc.integer({ min: 102, max: 105 }), silent: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant('truncate' as const) },
);

function transactionsOf(
  steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
): TestTransaction[] {
  const versions = new Map<number, number>();
  const own = steps.map((one, index): TestTransaction => {
    const at = 100 + index;
    if (one === 'truncate') return { at, changes: [{ table: 'carts', op: 't' }] };
    const version = (versions.get(one.cart) ?? 0) + 1;
    const op = version === 1 ? 'c' : 'u';
    const changes = [
      {
        table: 'carts',
        op,
        key: { id: one.cart },
        after: { id: one.cart, status: 'open', total: null, n: index },
      } as const,
    ];
    if (one.silent && version > 1) return { at, changes };
    versions.set(one.cart, version);
    const event = cartEvent(version === 1 ? 'CartOpened' : 'ItemAdded', version, {
      cartId: one.cart,
      ...{ sku: 'tea', name: 'Tea', quantity: 1, unitPrice: '1.00', quantityInCart: version - 1 },
    });
    return { at, changes, events: [{ ...event, key: String(one.cart) }] };
  });
  return [...workedExample, ...own, legacyWrite(900)];
}

/** What an engine's database does: keeps what changed, gives back what is asked for. */
class Shelf {
  readonly #kinds = new Map<string, Map<string, KeyedEntry<string>>>();

  keep(comparison: Comparison): void {
    for (const [kind, texts] of comparison.keyed) {
      const shelved = this.#of(kind);
      const { put, deleted } = texts.takeChanges();
      for (const entry of put) shelved.set(entry.key, entry);
      for (const key of deleted) shelved.delete(key);
      texts.unloadOldest();
    }
  }

  fetch(comparison: Comparison, item: JoinedItem): void {
    for (const [kind, keys] of comparison.missingFor(item)) {
      const texts = comparison.keyed.get(kind);
      const shelved = [...this.#of(kind).values()].filter(({ key }) => keys === 'all' || keys.includes(key));
      texts?.load(shelved.filter(({ key }) => !texts.has(key)));
    }
  }

  restore(comparison: Comparison): void {
    for (const [kind, texts] of comparison.keyed) {
      const inOrder = [...this.#of(kind).values()].sort((left, right) => left.used - right.used);
      texts.load(inOrder.slice(-texts.residentMax));
      texts.clock = inOrder.at(-1)?.used ?? 0;
    }
  }

  #of(kind: string): Map<string, KeyedEntry<string>> {
    const shelved = this.#kinds.get(kind) ?? new Map<string, KeyedEntry<string>>();
    this.#kinds.set(kind, shelved);
    return shelved;
  }
}

describe('what is found', () => {
  test('is the same however often it is put away and taken up again, and whatever is in memory meanwhile', () => {
    const plan = fc.record({
      steps: fc.array(step, { maxLength: 25 }),
      ends: fc.infiniteStream(fc.constantFrom('go on', 'go on', 'keep', 'die')),
    });
    fc.assert(
      fc.property(plan, ({ steps, ends }) => {
        const items = joinedForTests(transactionsOf(steps)).map(
          (transaction): JoinedItem => ({ tag: 'transaction', transaction }),
        );
        const undisturbed = new Comparison({ drifts, rowsMax });
        for (const item of items) undisturbed.take(item);

        const shelf = new Shelf();
        const bounds = { drifts, rowsMax, aggregates: { aggregatesMax: 1, unloads: true } };
        let comparison = new Comparison(bounds);
        let saved: SavedComparison | undefined;
        let kept = 0;
        for (let next = 0; next < items.length; next += 1) {
          const item = items[next];
          if (item === undefined) break;
          shelf.fetch(comparison, item);
          comparison.take(item);
          const end = ends.next().value;
          if (end === 'keep') {
            shelf.keep(comparison);
            saved = parseLossless(stringifyLossless(comparison.save())) as SavedComparison;
            kept = next + 1;
          } else if (end === 'die') {
            comparison = new Comparison({ ...bounds, saved });
            shelf.restore(comparison);
            next = kept - 1;
          }
        }
        expect(comparison.answer()).toEqual(undisturbed.answer());
      }),
      { numRuns: 100 },
    );
  });

  test('has the horizon, and counts what is part of no transaction apart', () => {
    const comparison = new Comparison();
    const [first] = joinedForTests(workedExample);
    if (first) comparison.take({ tag: 'transaction', transaction: first });
    const row = {
      topic: 'diptych.public.carts',
      schema: 'public',
      table: 'carts',
      key: { id: 7 },
      row: { id: 7 },
    };
    comparison.take({ tag: 'baseline', row: { ...row, snapshot: 's1' } });
    expect(comparison.answer()).toMatchObject({
      horizon: { xid: 1001 },
      counts: { transactions: 1, events: 1, changes: 1, baseline: 1, released: 0, irregular: 0 },
    });
  });
});

test('what changed since it was kept stays in memory, whatever the bound', () => {
  const state = new KeyedState<string>({ residentMax: 1 });
  for (const key of ['a', 'b', 'c']) state.set(key, key);
  expect(state.unloadOldest()).toBe(0);
  state.takeChanges();
  state.set('a', 'anew');
  expect(state.unloadOldest()).toBe(2);
  expect([state.get('a'), state.has('b'), state.has('c')]).toEqual(['anew', false, false]);
  expect(state.takeChanges()).toEqual({ put: [{ key: 'a', used: 4, value: 'anew' }], deleted: [] });
});
