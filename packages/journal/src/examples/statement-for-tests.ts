import type { MomentRefusal } from '@diptych/journal/journal';
import { momentForms, parseMoment } from '@diptych/journal/moment';
import type { PoolClient } from 'pg';
import { accountJournal, accounts } from './accounts-for-tests.ts';

/** `client` has begun a transaction; it commits when the answer is true. */
export async function payOut(client: PoolClient, id: string, cents: number): Promise<boolean> {
  const done = await accounts.execute(client, {
    id,
    command: { tag: 'pay-out', cents },
    telling: { actor: 'ann', reason: 'cash' },
  });
  return done.ok;
}

/** What was there `at`: `3`, `2026-11-21T12:00:00Z` or `757@0/16B37480`. */
export async function balance(client: PoolClient, id: string, at: string): Promise<number | MomentRefusal> {
  const moment = parseMoment(at);
  if (!moment) throw new Error(`not ${momentForms}`);
  const loaded = await accounts.load(client, id, { at: moment });
  return loaded.ok ? (loaded.state?.cents ?? 0) : loaded.reason;
}

/** What happened, when, who did it and why. */
export async function statement(client: PoolClient, id: string): Promise<string[]> {
  const reading = await accountJournal.read(client, id);
  if (!reading.ok) throw new Error(reading.reason);
  const lines: string[] = [];
  for await (const { version, event, occurredAt, headers } of reading.events) {
    lines.push([version, occurredAt, event.type, headers.actor, headers.reason].join(' '));
  }
  return lines;
}
