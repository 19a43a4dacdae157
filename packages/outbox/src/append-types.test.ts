/** What does not compile: each expectation fails under `tsc` when the compiler accepts the line below it. */
import { cartContract } from '@diptych/contracts/cart-events';
import { expect, test } from 'vitest';
import { type AppendOptions, append } from './append.ts';
import type { OutboxPort } from './port.ts';

const untouched: OutboxPort = { rows: () => Promise.reject(new Error('nothing may be written')) };
const aggregate = { type: 'cart', id: '101' };
const totals = { subtotal: '0.00', discount: '0.00', total: '0.00' };

test('a wrong payload does not compile, and is refused with the field named before anything is written', async () => {
  const wrong: Promise<unknown>[] = [
    append(untouched, {
      aggregate,
      contract: cartContract,
      // @ts-expect-error a field has another type
      events: { type: 'CartOpened', payload: { cartId: '101', actor: 'ann', totals } },
    }),
    append(untouched, {
      aggregate,
      contract: cartContract,
      // @ts-expect-error a field is missing
      events: [{ type: 'CartOpened', payload: { cartId: 101, totals } }],
    }),
    append(untouched, {
      aggregate,
      contract: cartContract,
      // @ts-expect-error the payload belongs to another type
      events: { type: 'ItemAdded', payload: { cartId: 101, actor: 'ann', totals } },
    }),
    append(untouched, {
      aggregate,
      contract: cartContract,
      // @ts-expect-error the contract does not know the type
      events: { type: 'CartSold', payload: { cartId: 101, actor: 'ann', totals } },
    }),
  ];
  const messages = (await Promise.allSettled(wrong)).map((one) =>
    one.status === 'rejected' ? String(one.reason) : 'accepted',
  );
  expect(messages).toEqual([
    expect.stringMatching(/payload of CartOpened breaks its contract: cartId$/),
    expect.stringMatching(/payload of CartOpened breaks its contract: actor$/),
    expect.stringMatching(/payload of ItemAdded breaks its contract: .*sku/),
    expect.stringContaining('the contract of event CartSold is missing'),
  ]);
});

test('a right payload compiles, one event or many', () => {
  const event = { type: 'CartOpened' as const, payload: { cartId: 101, actor: 'ann', totals } };
  const one: AppendOptions<typeof cartContract> = { aggregate, contract: cartContract, events: event };
  const many: AppendOptions<typeof cartContract> = { ...one, events: [event, event] };
  expect([one.events, many.events]).toEqual([event, [event, event]]);
});
