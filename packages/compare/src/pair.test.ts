import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { describeCartEvent } from './cart-mapping.ts';
import { joinedForTests } from './joined-for-tests.ts';
import { type PairOptions, renderPair } from './pair.ts';
import { pairJson } from './pair-json.ts';
import type { TestTransaction } from './panels-for-tests.ts';
import { cartEvent, legacyWrite, workedExample } from './worked-example-for-tests.ts';

function render(transaction: TestTransaction, options: Partial<PairOptions> = {}): string {
  return joinedForTests([transaction])
    .map((one) => renderPair(one, { columns: 130, describe: describeCartEvent, ...options }))
    .join('\n');
}

const at = (index: number): TestTransaction => workedExample[index] ?? { at: 0 };

test('a transaction is shown as a pair: left what was meant, right what was done', () => {
  expect(render({ ...at(1), changes: at(1).changes?.slice(0, 1) ?? [] })).toBe(
    [
      '2026-11-21 07:41:54.669491Z  xid 1002  1/200',
      '  ItemAdded  cart 101  banana ×1  $1.00  (customer)              │ cart_items  c  cart_id=101 sku=banana name=Banana quantity=1',
      '                                                                 │   unit_price=1.00',
    ].join('\n'),
  );
});

test('cart events are told in words, with actor and reason', () => {
  const told = (index: number): string =>
    joinedForTests([at(index)])
      .flatMap(({ domainEvents }) => domainEvents.map(describeCartEvent))
      .join();
  expect(told(0)).toBe('CartOpened  cart 101  (customer)');
  expect(told(4)).toBe('ItemRemoved  cart 101  apple ×1  (customer)');
  expect(told(5)).toBe('DiscountApplied  cart 101  two-bananas  -$0.10  (customer)');
  expect(told(7)).toBe('CartCheckedOut  cart 101  banana ×2, mango ×1  $3.90  (customer)');
  const abandoned = cartEvent('CartAbandoned', 2, { lines: [], discounts: [], reason: 'too dear' });
  expect(render({ at: 1, events: [abandoned] })).toContain('(customer: too dear)');
});

test('other events are told by their members', () => {
  const event = {
    type: 'OrderPlaced',
    aggregateType: 'order',
    key: '7',
    payload: { amount: '9.90', lines: [1, 2] },
  };
  expect(render({ at: 1, events: [event] })).toContain('OrderPlaced  order 7  amount=9.90 lines=[1,2]');
});

test('of an update only the changed columns are shown when the row before is known, else its values', () => {
  const change = {
    table: 'cart_items',
    op: 'u' as const,
    key: { id: 1 },
    after: { id: 1, quantity: 2, note: 'x' },
  };
  const before = { id: 1, quantity: 1, note: 'x' };
  expect(render({ at: 1, changes: [{ ...change, before }] })).toContain(
    'cart_items  u  id=1  quantity 1 → 2',
  );
  expect(render({ at: 1, changes: [{ ...change, before }] })).not.toContain('note');
  expect(render({ at: 1, changes: [change] })).toContain('cart_items  u  id=1  quantity=2 note=x');
});

test('a leak says that there was no event', () => {
  expect(render(legacyWrite(1))).toMatch(/^ {2}\(no event\) +│ cart_items {2}u/m);
  expect(render({ at: 1, parked: 2 })).toContain('(2 parked)');
});

test('colours take no room, and there are none without a terminal', () => {
  const plain = render(legacyWrite(1));
  const colored = render(legacyWrite(1), { color: true });
  expect(stripVTControlCharacters(plain)).toBe(plain);
  expect(colored).not.toBe(plain);
  expect(stripVTControlCharacters(colored)).toBe(plain);
});

test('no line is wider than the terminal, and a narrow one stacks the sides', () => {
  for (const columns of [50, 64, 80, 200]) {
    for (const line of render(at(7), { columns }).split('\n'))
      expect(line.length).toBeLessThanOrEqual(columns);
  }
  expect(render(at(7), { columns: 50 })).not.toContain('│');
});

test('data cannot drive the terminal', () => {
  const change = { table: 'a', op: 'c' as const, key: { id: '\u001b[2J\u202e\n' }, after: {} };
  expect(render({ at: 1, changes: [change] })).toContain('id=\\u001b[2J\\u202e\\u000a');
});

test('a large transaction shows its beginning and says how much there is', () => {
  const changes = Array.from({ length: 100 }, (_, id) => ({
    table: 'a',
    op: 'c' as const,
    key: { id },
    after: {},
  }));
  const text = render({ at: 1, changes }, { linesMax: 3 });
  expect(text).toContain('… and 97 more');
  expect(text.split('\n')).toHaveLength(5);
});

test('for scripts a transaction is one line of JSON, every number with its digits', () => {
  const payload = { n: 9007199254740993n, text: 'a\nb' };
  const event = { ...cartEvent('CartOpened', 2), payload };
  const [line = '', ...others] = joinedForTests([{ at: 1, events: [event] }]).map(pairJson);
  expect([others, line.includes('\n')]).toEqual([[], false]);
  expect(line).toContain('"payload":{"n":9007199254740993,"text":"a\\nb"}');
  expect(JSON.parse(line)).toMatchObject({
    ...{
      timeline: 1,
      transaction: expect.stringMatching(/^\d+:\d+$/),
      commitTime: expect.stringMatching(/Z$/),
    },
    domainEvents: [{ type: 'CartOpened', aggregateVersion: 2, headers: { eventType: 'CartOpened' } }],
    changes: [],
  });
});
