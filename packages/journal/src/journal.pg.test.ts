/** The event store on real Postgres: streams, conflicts, moments, versions of contracts, gaps. */
import { EventContract } from '@diptych/events/event-contract';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { accountJournal } from './examples/accounts-for-tests.ts';
import { Journal, type ReadOptions } from './journal.ts';
import { JournalUnderTest } from './journal-for-tests.ts';
import { parseMoment } from './moment.ts';

let on: JournalUnderTest;
beforeAll(async () => {
  on = await JournalUnderTest.create();
});
afterAll(() => on?.close());

const opened = { type: 'AccountOpened' as const, payload: { owner: 'ann' } };
const paidIn = { type: 'PaidIn' as const, payload: { cents: 500 } };
const paidOut = { type: 'PaidOut' as const, payload: { cents: 200 } };
type Event = typeof opened | typeof paidIn | typeof paidOut;

/** Appends in a transaction of its own. */
const append = (stream: string, expectedVersion: bigint, ...events: Event[]) =>
  on.transaction((client) => accountJournal.append(client, { stream, expectedVersion, events }));

/** `version type` of all that is read, or the refusal. */
const readBy = async (client: PoolClient, stream: string, options?: ReadOptions) => {
  const reading = await accountJournal.read(client, stream, options);
  if (!reading.ok) return reading.reason;
  const recorded = await Array.fromAsync(reading.events);
  return recorded.map(({ version, event }) => `${version} ${event.type}`);
};
const read = async (stream: string, options?: ReadOptions) =>
  (await on.transaction((client) => readBy(client, stream, options))).result;

describe('appending', () => {
  test('to a stream that is where it is expected gives versions without gaps, and nothing is ever changed', async () => {
    expect((await append('a', 0n, opened, paidIn)).result).toMatchObject({ ok: true, version: 2n });
    expect((await append('a', 2n, paidOut)).result).toMatchObject({ ok: true, firstVersion: 3n });
    expect(await read('a')).toEqual(['1 AccountOpened', '2 PaidIn', '3 PaidOut']);
  });

  test('to a stream that has moved on is a conflict as a value, writes nothing and leaves the transaction usable', async () => {
    await append('b', 0n, opened);
    const { result } = await on.transaction(async (client) => [
      await accountJournal.append(client, { stream: 'b', expectedVersion: 0n, events: [opened] }),
      await accountJournal.append(client, { stream: 'b', expectedVersion: 7n, events: [paidIn] }),
      await accountJournal.append(client, { stream: 'b', expectedVersion: 1n, events: [paidIn] }),
    ]);
    const conflict = { ok: false, reason: 'version-conflict' };
    expect(result).toMatchObject([conflict, conflict, { ok: true, version: 2n }]);
    expect(await read('b')).toEqual(['1 AccountOpened', '2 PaidIn']);
  });
});

describe('reading', () => {
  test('a stream that nobody wrote to is empty, and streams do not mix', async () => {
    await append('c', 0n, opened);
    expect(await read('nobody')).toEqual([]);
    expect(await read('c')).toEqual(['1 AccountOpened']);
  });

  test('begins where it is asked to, over more events than one statement fetches', async () => {
    await append('long', 0n, opened, ...Array.from({ length: 2_500 }, () => paidIn));
    const versions = async (options?: ReadOptions) =>
      ((await read('long', options)) as string[]).map((line) => Number(line.split(' ')[0]));
    expect(await versions()).toEqual(Array.from({ length: 2_501 }, (_, index) => index + 1));
    expect(await versions({ fromVersion: 2_500n })).toEqual([2_500, 2_501]);
    expect(await versions({ fromVersion: 2_502n })).toEqual([]);
  });

  test('as of a version, a commit token and a time gives what was there, each to the event', async () => {
    const first = await append('d', 0n, opened, paidIn);
    const second = await append('d', 2n, paidOut, paidIn);
    await append('d', 4n, paidOut);
    const at = (text: string) => read('d', { at: parseMoment(text) });
    expect(await at('0')).toEqual([]);
    expect(await at('3')).toEqual(['1 AccountOpened', '2 PaidIn', '3 PaidOut']);
    expect(await at(first.token)).toEqual(['1 AccountOpened', '2 PaidIn']);
    expect(await at(second.token)).toHaveLength(4);
    const times = await on.transaction(async (client) => {
      const reading = await accountJournal.read(client, 'd');
      return reading.ok ? (await Array.fromAsync(reading.events)).map(({ occurredAt }) => occurredAt) : [];
    });
    const [begun = '', , later = ''] = times.result;
    expect(await at(begun)).toHaveLength(2);
    expect(await at(later)).toHaveLength(4);
    expect(await at('1999-12-31T23:59:59Z')).toEqual([]);
    expect(await at('9999-12-31T23:59:59-01:00')).toHaveLength(5);
    expect(await at('0001-01-01T00:00:00+23:59')).toEqual([]);
  });

  test('as of a moment that the stream does not have is refused as a value', async () => {
    await append('e', 0n, opened);
    const other = await append('other', 0n, opened);
    expect(await read('e', { at: parseMoment('2') })).toBe('version-unknown');
    expect(await read('e', { at: parseMoment(other.token) })).toBe('commit-unknown');
    expect(await read('e', { at: parseMoment('18446744073709551615@FFFFFFFF/FFFFFFFF') })).toBe(
      'commit-unknown',
    );
  });

  test('as of a time is a prefix, also when a transaction that began earlier wrote later', async () => {
    await append('f', 0n, opened);
    const slow = await on.pool.connect();
    await slow.query('begin');
    const {
      rows: [{ began }],
    } = await slow.query(
      `select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as began`,
    );
    await append('f', 1n, paidIn);
    await accountJournal.append(slow, { stream: 'f', expectedVersion: 2n, events: [paidOut] });
    await slow.query('commit');
    slow.release();
    // The third began before the second; what came second was not there then, so neither was what stands on it.
    expect(await read('f', { at: parseMoment(began) })).toEqual(['1 AccountOpened']);
  });

  test('sees the newest version of each contract, whichever was written, and stops at one that it does not know', async () => {
    const first = { since: '2026-01-01', payload: z.strictObject({ cents: z.int() }), example: { cents: 1 } };
    const older = { PaidIn: EventContract.first(first) };
    const newer = {
      PaidIn: EventContract.first(first).next({
        ...{ since: '2026-06-01', example: { cents: '1', currency: 'EUR' } },
        payload: z.strictObject({ cents: z.string(), currency: z.string() }),
        upcast: ({ cents }) => ({ cents: String(cents), currency: 'EUR' }),
      }),
    };
    const before = new Journal({ type: 'changed', contract: older });
    const after = new Journal({ type: 'changed', contract: newer });
    const { result } = await on.transaction(async (client) => {
      await before.append(client, { stream: '1', expectedVersion: 0n, events: [paidIn] });
      const events = [{ type: 'PaidIn' as const, payload: { cents: '7', currency: 'CHF' } }];
      await after.append(client, { stream: '1', expectedVersion: 1n, events });
      const reading = await after.read(client, '1');
      return reading.ok ? await Array.fromAsync(reading.events) : [];
    });
    expect(result.map(({ event, typeversion }) => [typeversion, event.payload])).toEqual([
      [1, { cents: '500', currency: 'EUR' }],
      [2, { cents: '7', currency: 'CHF' }],
    ]);
    const unknown = on.transaction(async (client) => {
      const reading = await before.read(client, '1');
      return reading.ok ? await Array.fromAsync(reading.events) : [];
    });
    await expect(unknown).rejects.toMatchObject({ code: 'contract-unknown-version' });
  });

  test('integers beyond what a double holds keep all their digits', async () => {
    const big = 9_007_199_254_740_993n;
    const contract = {
      Counted: EventContract.first({
        ...{ since: '2026-01-01', example: { count: big }, jsonSchema: {} },
        payload: z.strictObject({ count: z.bigint() }),
      }),
    };
    const journal = new Journal({ type: 'counter', contract });
    const { result } = await on.transaction(async (client) => {
      await journal.append(client, {
        ...{ stream: '1', expectedVersion: 0n },
        events: [{ type: 'Counted', payload: { count: big } }],
      });
      const reading = await journal.read(client, '1');
      return reading.ok ? await Array.fromAsync(reading.events) : [];
    });
    expect(result[0]?.event.payload.count).toBe(big);
  });

  test('says what is missing when retention has dropped events, and never folds the rest as if it were all', async () => {
    await append('g', 0n, opened, paidIn, paidOut);
    await on.pool.query(`delete from outbox where aggregateid = 'g' and aggregateversion < 3`);
    const gap = {
      code: 'history-incomplete',
      message: expect.stringContaining('it goes on with version 3'),
    };
    await expect(read('g')).rejects.toMatchObject(gap);
    expect(await read('g', { fromVersion: 3n })).toEqual(['3 PaidOut']);
    await expect(read('g', { at: parseMoment('2') })).rejects.toMatchObject({ code: 'history-incomplete' });
  });
});
