/** The console on a real Kafka and Postgres: what it shows, live, exactly once over a kill, masked, and as data. */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  EngineState,
  Facets,
  Found,
  Session,
  TimelineItem,
  TimelinePage,
} from '@diptych/compare/console-api';
import type { AggregateAnswer, DriftAnswer, LeaksAnswer } from '@diptych/compare/console-reports';
import { panelRecords, releasedRecord, type TestTransaction } from '@diptych/compare/panels-for-tests';
import { testSurroundings } from '@diptych/compare/published-for-tests';
import {
  cartRow,
  itemRow,
  legacyWrite,
  products,
  workedExample,
} from '@diptych/compare/worked-example-for-tests';
import { ensureTopics, eventTopicSpec } from '@diptych/kafka/topics';
import { poll } from '@diptych/runtime/poll';
import { expect, onTestFinished, test } from 'vitest';
import { ConsoleProcess, liveEvents, liveTransactions } from './console-process-for-tests.ts';

async function surroundings() {
  const { panels, databaseUrl } = await testSurroundings();
  await ensureTopics({
    brokers: panels.brokers,
    specs: [{ ...eventTopicSpec(`${panels.names.prefix}.checkpoint.diptych`), partitions: 1 }],
  });
  const start = async (...more: string[]): Promise<ConsoleProcess> => {
    const { prefix, domainPrefix } = panels.names;
    const console = await ConsoleProcess.start([
      ...['--brokers', panels.brokers.join(','), '--prefix', prefix, '--domain-prefix', domainPrefix],
      ...['--database', databaseUrl, ...more],
    ]);
    onTestFinished(async () => await console.kill());
    return console;
  };
  const publish = async (...transactions: TestTransaction[]): Promise<void> =>
    await panels.publish(transactions.flatMap(panelRecords));
  return { panels, start, publish };
}

const bound = { timeoutMs: 120_000, intervalMs: 100 };

/** The timeline, oldest first, when it has so many transactions. */
const timelineOf = async (console: ConsoleProcess, count: number): Promise<readonly TimelineItem[]> =>
  await poll(
    async () => {
      const { items } = await console.json<TimelinePage>('/api/timeline?limit=500');
      return items.length >= count ? items.toReversed() : undefined;
    },
    { ...bound, what: `${count} transactions in the timeline` },
  );

const words = (items: readonly TimelineItem[]): string[] =>
  items.map(({ xid, events: [event] }) => `${xid} ${event?.type ?? '–'}`);

/** Texts that want to be more than texts. */
const script = '<script>alert(1)</script>\u2028 " \u0000';
const nasty: TestTransaction = {
  at: 30,
  events: [
    {
      type: '=cmd|calc',
      aggregateType: 'note',
      key: '=1+1',
      payload: { text: script, big: 9_007_199_254_740_993n, actor: '@SUM(A1)' },
    },
  ],
  changes: [
    {
      table: 'notes',
      op: 'c',
      key: { id: 1 },
      after: { id: 1, text: script, secret: 'grandma', big: 9_007_199_254_740_993n },
    },
  ],
};

test('each transaction is shown as a pair, with leak and drift, found and filtered, and what is masked is nowhere', {
  timeout: 240_000,
}, async () => {
  const { start, publish } = await surroundings();
  await publish(...workedExample, legacyWrite(20), nasty);
  const masks = join(tmpdir(), `masks-${process.pid}.json`);
  await writeFile(
    masks,
    JSON.stringify({ tables: { 'public.notes': ['secret'] }, events: { note: ['actor'] } }),
  );
  const console = await start('--masks', masks);
  const items = await timelineOf(console, 10);
  expect(words(items)).toEqual([
    '1001 CartOpened',
    '1002 ItemAdded',
    '1003 ItemAdded',
    '1004 ItemAdded',
    '1005 ItemRemoved',
    '1006 DiscountApplied',
    '1007 ItemAdded',
    '1008 CartCheckedOut',
    '1020 –',
    '1030 =cmd|calc',
  ]);
  const [, added, , more] = items;
  expect(added?.events[0]).toMatchObject({
    words: 'ItemAdded  cart 101  banana ×1  $1.00  (customer)',
    actor: 'customer',
  });
  expect(more?.changes[0]?.columns).toContainEqual({
    column: 'quantity',
    before: { tag: 'value', text: '1', cut: false },
    after: { tag: 'value', text: '2', cut: false },
    changed: true,
  });
  const [leak] = (await console.json<TimelinePage>('/api/timeline?differences=only')).items;
  expect(leak).toMatchObject({ xid: 1020, leak: true, drifts: [{ aggregateType: 'cart', id: '101' }] });
  const only = async (filter: string) =>
    words((await console.json<TimelinePage>(`/api/timeline?${filter}`)).items);
  expect(await only('type=ItemRemoved&aggregate=cart:101')).toEqual(['1005 ItemRemoved']);
  expect(await only('table=public.cart_discounts')).toEqual(['1006 DiscountApplied']);
  expect(await only('aggregate=cart:102')).toEqual([]);
  // Pages join, whichever way they are asked for.
  const position = (at: number) => items[at]?.position ?? '';
  expect(await only(`before=${position(2)}&limit=1`)).toEqual(['1002 ItemAdded']);
  expect(await console.json(`/api/timeline?after=${position(2)}&limit=2`)).toMatchObject({
    items: [{ xid: 1005 }, { xid: 1004 }],
    hasOlder: true,
    hasNewer: true,
  });
  expect(await console.json(`/api/timeline?around=${position(4)}&limit=4`)).toMatchObject({
    items: [{ xid: 1007 }, { xid: 1006 }, { xid: 1005 }, { xid: 1004 }, { xid: 1003 }],
  });
  const find = async (asked: string) => await console.json<Found>(`/api/find?${asked}`);
  expect(await find('xid=1004')).toEqual({ position: position(3), exact: true });
  expect(await find(`lsn=${items[3]?.commitLsn}`)).toEqual({ position: position(3), exact: true });
  expect(await find('token=4294968300@FFFF/0')).toEqual({ position: position(3), exact: true });
  expect(await find(`time=${items[3]?.commitTime.replace('Z', '%2B00:00')}`)).toEqual({
    position: position(3),
    exact: false,
  });
  expect(await find('xid=7')).toEqual({ position: null, exact: false });
  expect(await console.json('/await?token=4294968300@FFFF/0')).toMatchObject({ passed: true });
  const later = await fetch(`${console.url}/await?token=4294968299@0/1&timeoutMs=100`);
  expect([later.status, await later.json()]).toEqual([
    504,
    expect.objectContaining({ code: 'commit-not-published' }),
  ]);
  expect(await console.json<Facets>('/api/facets')).toMatchObject({ aggregateTypes: ['cart', 'note'] });

  const cart = await console.json<AggregateAnswer>('/api/aggregates/cart/101');
  expect(cart).toMatchObject({ verdict: { tag: 'drifted', since: { xid: 1020 } }, hasOlder: false });
  expect(cart.moments).toHaveLength(9);
  expect(cart.moments[4]?.facts).toContainEqual({
    fact: 'line banana',
    events: '2 × 1.00',
    rows: '2 × 1.00',
    differs: false,
  });
  expect(cart.moments[8]?.facts).toContainEqual({
    fact: 'line banana',
    events: '2 × 1.00',
    rows: '5 × 1.00',
    differs: true,
  });
  expect((await console.json<LeaksAnswer>('/api/leaks')).shapes[0]).toMatchObject({
    leaks: 1,
    first: { position: position(8) },
  });
  expect((await console.json<DriftAnswer>('/api/drift')).types[0]).toMatchObject({ driftedCount: 1 });

  // Any path that is no file is a view of the page; unknown questions are no page.
  const view = await fetch(`${console.url}/aggregates/cart/101`);
  expect([view.status, view.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect((await fetch(`${console.url}/api/nothing`)).status).toBe(404);
  expect((await fetch(`${console.url}/api/timeline?tabel=x`)).status).toBe(400);

  // Data stays data: exact, escaped, and what is masked is not even in the words.
  const answer = await fetch(`${console.url}/api/transactions/${position(9)}`);
  expect(answer.headers.get('content-type')).toContain('application/json');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  const text = await answer.text();
  expect(text).not.toMatch(/grandma|@SUM/);
  const { events, changes } = JSON.parse(text) as TimelineItem;
  expect(JSON.parse(events[0]?.payload.text ?? '').text).toBe(script);
  expect(events[0]?.payload.text).toContain('9007199254740993');
  const cells = new Map(changes[0]?.columns.map(({ column, after }) => [column, after]));
  expect(cells.get('big')).toMatchObject({ text: '9007199254740993' });
  expect(cells.get('secret')).toMatchObject({ tag: 'masked' });
  const exported = await (await fetch(`${console.url}/api/export/timeline.csv`)).text();
  expect(exported.split('\r\n')).toHaveLength(1 + 14 + 9 + 2 + 1);
  expect(exported).toContain('"\'=cmd|calc"');
  expect(exported).not.toMatch(/(^|,)"?[=@]/m);
  expect(await console.json('/api/export/drift.json')).toEqual(await console.json('/api/drift'));

  // With other masks all is folded anew: what was masked before is not mixed with what is not.
  await console.kill();
  const open = await start();
  const [note] = await poll(
    async () => {
      const { items: anew } = await open.json<TimelinePage>('/api/timeline?aggregate=note:=1%2B1');
      return JSON.stringify(anew).includes('grandma') ? anew : undefined;
    },
    { ...bound, what: 'the timeline without masks' },
  );
  expect(note).toMatchObject({ xid: 1030, events: [{ actor: '@SUM(A1)' }] });
  expect(await timelineOf(open, 10)).toHaveLength(10);
});

test('who listens gets each transaction once and in order, also over a kill -9 of the server, and marks that change', {
  timeout: 240_000,
}, async () => {
  const { panels, start, publish } = await surroundings();
  const [first, second, third, , removed, , mango] = workedExample;
  if (!first || !second || !third || !removed || !mango) throw new Error('the worked example is longer');
  await publish(first, second, { ...legacyWrite(20), at: 3 });
  const before = await start();
  const [one] = await timelineOf(before, 3);
  const live = liveTransactions(`${before.url}/api/live?after=${one?.position}`, { count: 4 });
  const { state } = await before.json<Session>('/api/session');
  expect(state).toMatchObject({ transactions: 3, kept: { count: 3 }, trouble: null });
  await publish({ ...third, at: 4 }, { at: 5, changes: [cartRow('u', { status: 'open' })], parked: 1 });
  const seen = await live;
  expect(words(seen)).toEqual(['1002 ItemAdded', '1003 –', '1004 ItemAdded', '1005 –']);
  await before.kill();
  await publish({ ...removed, at: 6 }, { ...mango, at: 7 });
  const after = await start();
  const missed = await liveTransactions(`${after.url}/api/live`, {
    count: 2,
    lastEventId: seen.at(-1)?.position ?? '',
  });
  expect(words(missed)).toEqual(['1006 ItemRemoved', '1007 ItemAdded']);
  expect(words(await timelineOf(after, 7))).toEqual([
    '1001 CartOpened',
    '1002 ItemAdded',
    '1003 –',
    '1004 ItemAdded',
    '1005 –',
    '1006 ItemRemoved',
    '1007 ItemAdded',
  ]);

  // The parked event is released: its transaction has it then. Rows say what events say again: no drift any more.
  const stop = new AbortController();
  const updates: TimelineItem[] = [];
  const states: EngineState[] = [];
  const listening = (async () => {
    for await (const event of liveEvents(`${after.url}/api/live`, { signal: stop.signal })) {
      if (event.tag === 'state') states.push(event.data);
      if (event.tag === 'update') updates.push(event.data);
      // One transaction may change more than once on the way.
      if (new Set(updates.map(({ xid }) => xid)).size === 2) break;
    }
  })();
  await poll(() => states[0], { ...bound, what: 'the state comes first' });
  await panels.publish([releasedRecord({ type: 'Noted', payload: {}, key: '7', aggregateType: 'note' }, 5)]);
  await publish({ at: 8, changes: [itemRow('u', products.banana, 1)] });
  await listening;
  stop.abort();
  expect(new Set(updates.map(({ xid }) => xid))).toEqual(new Set([1003, 1005]));
  const released = await after.json<TimelineItem>(`/api/transactions/${seen[3]?.position}`);
  expect(released).toMatchObject({ parkedCount: 0, events: [{ type: 'Noted', released: true }] });
  const begun = await after.json<TimelineItem>(`/api/transactions/${seen[1]?.position}`);
  expect(begun).toMatchObject({ leak: true, drifts: [] });
  // What the row was is known from before the kill.
  const healed = (await timelineOf(after, 8)).at(-1);
  expect(healed?.changes[0]?.columns).toContainEqual({
    column: 'quantity',
    before: { tag: 'value', text: '5', cut: false },
    after: { tag: 'value', text: '1', cut: false },
    changed: true,
  });
});
