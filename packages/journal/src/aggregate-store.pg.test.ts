/** Aggregates of which only events are stored: folded, snapshotted, decided upon by many at once. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AggregateStore } from './aggregate-store.ts';
import { account } from './examples/account-for-tests.ts';
import { accountJournal, accounts } from './examples/accounts-for-tests.ts';
import { balance, payOut, statement } from './examples/statement-for-tests.ts';
import { JournalUnderTest } from './journal-for-tests.ts';
import { parseMoment } from './moment.ts';
import { Snapshots } from './snapshots.ts';

let on: JournalUnderTest;
beforeAll(async () => {
  on = await JournalUnderTest.create();
});
afterAll(() => on?.close());

const execute = async (id: string, command: Parameters<typeof account.decide>[1]) =>
  (await on.transaction((client) => accounts.execute(client, { id, command }))).result;

/** A stream of so many events, written by the server itself: 100,000 through `append` would be most of the run. */
async function fill(stream: string, count: number): Promise<void> {
  await on.pool.query(
    `insert into outbox (id, aggregatetype, aggregateid, type, payload, aggregateversion)
     select gen_random_uuid(), 'account', $1, case version when 1 then 'AccountOpened' else 'PaidIn' end,
       case version when 1 then '{"owner": "ann"}' else '{"cents": 1}' end::jsonb, version
     from generate_series(1, $2::int) version`,
    [stream, count],
  );
  await on.pool.query(`insert into outbox_heads values ('account', $1, $2)`, [stream, count]);
}

describe('executing a command', () => {
  test('appends what was decided, or refuses and changes nothing', async () => {
    expect(await execute('a', { tag: 'pay-in', cents: 1 })).toEqual({ ok: false, reason: 'not-open' });
    expect(await execute('a', { tag: 'open', owner: 'ann' })).toMatchObject({ ok: true, version: 1n });
    await execute('a', { tag: 'pay-in', cents: 500 });
    expect(await execute('a', { tag: 'pay-out', cents: 501 })).toEqual({ ok: false, reason: 'overdrawn' });
    expect(await execute('a', { tag: 'pay-out', cents: 200 })).toEqual({
      ...{ ok: true, version: 3n, appended: 1 },
      state: { owner: 'ann', cents: 300 },
    });
  });

  test('by many at once decides each on what the others left: nothing is overdrawn, nothing is lost', async () => {
    await execute('b', { tag: 'open', owner: 'bob' });
    await execute('b', { tag: 'pay-in', cents: 700 });
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => execute('b', { tag: 'pay-out', cents: 100 })),
    );
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(7);
    const { result } = await on.transaction((client) => accounts.load(client, 'b'));
    expect(result).toEqual({ ok: true, version: 9n, state: { owner: 'bob', cents: 0 } });
  });

  test('two that open the same aggregate at once: one does, the other is refused', async () => {
    const both = await Promise.all(['ann', 'bob'].map((owner) => execute('c', { tag: 'open', owner })));
    expect(both.filter(({ ok }) => ok)).toHaveLength(1);
    expect(both.find(({ ok }) => !ok)).toEqual({ ok: false, reason: 'open-already' });
  });
});

describe('a snapshot', () => {
  const versions = async (stream: string) =>
    (
      await on.pool.query(
        'select stateversion, version::int from outbox_snapshots where aggregateid = $1 order by 1, 2',
        [stream],
      )
    ).rows.map(({ stateversion, version }) => `${stateversion}: ${version}`);
  const stored = (state: unknown) => state as { owner: string; cents: number };
  const storeWith = (stateVersion: number, every = 2, read = stored) =>
    new AggregateStore({
      ...{ journal: accountJournal, decider: account },
      snapshots: new Snapshots({ every, stateVersion, read }),
    });
  const loadBy = async (store: ReturnType<typeof storeWith>, id: string, at?: string) =>
    (
      await on.transaction((client) =>
        store.load(client, id, { at: at === undefined ? at : parseMoment(at) }),
      )
    ).result;

  test('is taken every so many events, and what is folded on top of it is what is folded from the beginning', async () => {
    const store = storeWith(1, 3);
    for (const command of [
      { tag: 'open', owner: 'ann' } as const,
      ...Array.from({ length: 9 }, () => ({ tag: 'pay-in', cents: 5 }) as const),
    ]) {
      await on.transaction((client) => store.execute(client, { id: 's1', command }));
    }
    expect(await versions('s1')).toEqual(['1: 3', '1: 6', '1: 9']);
    const plain = new AggregateStore({ journal: accountJournal, decider: account });
    for (let version = 0; version <= 10; version += 1) {
      const folded = (
        await on.transaction((client) => plain.load(client, 's1', { at: parseMoment(`${version}`) }))
      ).result;
      expect(await loadBy(store, 's1', `${version}`)).toEqual(folded);
    }
  });

  test('is used: what it says stands, until the events after it', async () => {
    await fill('s2', 4);
    await on.pool.query(
      `insert into outbox_snapshots values ('account', 's2', 1, 3, '{"owner": "eve", "cents": 90}')`,
    );
    expect(await loadBy(storeWith(1), 's2')).toMatchObject({ state: { owner: 'eve', cents: 91 } });
    expect(await loadBy(storeWith(1), 's2', '2')).toMatchObject({ state: { owner: 'ann', cents: 1 } });
  });

  test('of an older state version is discarded, not trusted; of a newer one it is left alone', async () => {
    await fill('s3', 4);
    await on.pool.query(`insert into outbox_snapshots values
      ('account', 's3', 1, 3, '{"owner": "eve", "cents": 90}'), ('account', 's3', 3, 3, '{"owner": "later"}')`);
    const store = storeWith(2);
    expect(await loadBy(store, 's3')).toMatchObject({ state: { owner: 'ann', cents: 3 } });
    await on.transaction((client) =>
      store.execute(client, { id: 's3', command: { tag: 'pay-in', cents: 1 } }),
    );
    await on.transaction((client) =>
      store.execute(client, { id: 's3', command: { tag: 'pay-in', cents: 1 } }),
    );
    expect(await versions('s3')).toEqual(['2: 6', '3: 3']);
  });

  test('that cannot be read is folded anew', async () => {
    await fill('s4', 3);
    await on.pool.query(`insert into outbox_snapshots values ('account', 's4', 1, 3, '{"owner": 7}')`);
    const { result } = await on.transaction((client) => accounts.load(client, 's4'));
    expect(result).toMatchObject({ state: { owner: 'ann', cents: 2 } });
  });

  test('of 100,000 events costs at most a twentieth of folding them', { timeout: 240_000 }, async () => {
    const events = 100_000;
    await fill('s5', events);
    const whole = new AggregateStore({ journal: accountJournal, decider: account });
    const { result: folded } = await on.transaction((client) => whole.load(client, 's5'));
    expect(folded).toMatchObject({ version: BigInt(events), state: { cents: events - 1 } });
    // The worst case: every event since the last one has to be folded.
    const state = JSON.stringify({ owner: 'ann', cents: events - 100 });
    await on.pool.query(
      `insert into outbox_snapshots values ('account', 's5', 1, ${events - 99}, '${state}')`,
    );
    const fromSnapshot = await medianMs(() => on.transaction((client) => accounts.load(client, 's5')));
    const byFolding = await medianMs(() => on.transaction((client) => whole.load(client, 's5')));
    process.stdout.write(
      `a stream of ${events} events: ${byFolding.toFixed(0)} ms folded, ${fromSnapshot.toFixed(1)} ms from a snapshot and 99 events\n`,
    );
    expect((await on.transaction((client) => accounts.load(client, 's5'))).result).toEqual(folded);
    expect(fromSnapshot * 20).toBeLessThanOrEqual(byFolding);
  });
});

/** Of five. */
async function medianMs(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    const begun = performance.now();
    await work();
    times.push(performance.now() - begun);
  }
  return times.toSorted((a, b) => a - b)[2] ?? Infinity;
}

describe('the code of docs/replay.md', () => {
  test('pays, tells the balance of any moment, and who did what and why', async () => {
    await execute('page', { tag: 'open', owner: 'ann' });
    await execute('page', { tag: 'pay-in', cents: 500 });
    const paid = await on.transaction((client) => payOut(client, 'page', 200));
    expect(paid.result).toBe(true);
    expect((await on.transaction((client) => payOut(client, 'page', 900))).result).toBe(false);
    const at = async (text: string) =>
      (await on.transaction((client) => balance(client, 'page', text))).result;
    expect([await at('1'), await at('2'), await at(paid.token)]).toEqual([0, 500, 300]);
    expect(await at('4')).toBe('version-unknown');
    const { result } = await on.transaction((client) => statement(client, 'page'));
    expect(result.at(-1)).toMatch(/^3 \d{4}-\d\d-\d\dT[\d:.]+Z PaidOut ann cash$/);
  });

  test('is the code that runs here', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/replay.md'), 'utf8');
    const directory = join(import.meta.dirname, 'examples');
    for (const name of readdirSync(directory)) {
      const code = readFileSync(join(directory, name), 'utf8');
      expect(page, name).toContain(`\`\`\`ts\n${code}\`\`\``);
    }
  });
});
