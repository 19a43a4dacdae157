import { EventContract, type EventOf } from '@diptych/events/event-contract';
import type { Decider } from '@diptych/journal/decider';
import { z } from 'zod';

const cents = z.int().min(1);
const since = '2026-01-01';

export const accountContract = {
  AccountOpened: EventContract.first({
    since,
    payload: z.strictObject({ owner: z.string() }),
    example: { owner: 'ann' },
  }),
  PaidIn: EventContract.first({ since, payload: z.strictObject({ cents }), example: { cents: 500 } }),
  PaidOut: EventContract.first({ since, payload: z.strictObject({ cents }), example: { cents: 200 } }),
};

export type AccountEvent = EventOf<typeof accountContract>;
export type AccountCommand =
  | { readonly tag: 'open'; readonly owner: string }
  | { readonly tag: 'pay-in' | 'pay-out'; readonly cents: number };

/** null: nobody has opened it. */
export type Account = { readonly owner: string; readonly cents: number } | null;

export const account: Decider<
  Account,
  AccountCommand,
  AccountEvent,
  'not-open' | 'open-already' | 'overdrawn'
> = {
  initial: null,
  decide: (state, command) => {
    if (command.tag === 'open') {
      if (state) return { ok: false, reason: 'open-already' };
      return { ok: true, events: [{ type: 'AccountOpened', payload: { owner: command.owner } }] };
    }
    if (!state) return { ok: false, reason: 'not-open' };
    const payload = { cents: command.cents };
    if (command.tag === 'pay-in') return { ok: true, events: [{ type: 'PaidIn', payload }] };
    if (state.cents < command.cents) return { ok: false, reason: 'overdrawn' };
    return { ok: true, events: [{ type: 'PaidOut', payload }] };
  },
  evolve: (state, { type, payload }) => {
    if (type === 'AccountOpened') return { owner: payload.owner, cents: 0 };
    if (!state) return null;
    return { ...state, cents: state.cents + (type === 'PaidIn' ? payload.cents : -payload.cents) };
  },
};
