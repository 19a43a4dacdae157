import { EventContract } from '@diptych/events/event-contract';
import { z } from 'zod';

export const addressContract = {
  AddressChanged: EventContract.first({
    since: '2026-01-01',
    payload: z.strictObject({ customer: z.string(), address: z.string() }),
    example: { customer: 'ann', address: 'Main St 1, Springfield' },
  }).next({
    since: '2026-06-01',
    payload: z.strictObject({ customer: z.string(), street: z.string(), city: z.string().nullable() }),
    example: { customer: 'ann', street: 'Main St 1', city: 'Springfield' },
    upcast: ({ customer, address }) => {
      const [street = '', city] = address.split(', ');
      return { customer, street, city: city ?? null };
    },
  }),
};
