import { AggregateStore } from '@diptych/journal/aggregate-store';
import { Journal } from '@diptych/journal/journal';
import { Snapshots } from '@diptych/journal/snapshots';
import { z } from 'zod';
import { account, accountContract } from './account-for-tests.ts';

const stored = z.strictObject({ owner: z.string(), cents: z.int() });

export const accountJournal = new Journal({ type: 'account', contract: accountContract });
export const accounts = new AggregateStore({
  journal: accountJournal,
  decider: account,
  snapshots: new Snapshots({
    every: 100,
    stateVersion: 1,
    read: (state) => stored.safeParse(state).data,
  }),
});
