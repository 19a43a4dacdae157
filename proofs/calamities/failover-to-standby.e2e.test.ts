/** The primary dies, its standby is promoted, and the relay goes on there: whole, or not without saying what is not. */

import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Board } from '@diptych/relay-app/board';
import { listPhantoms } from '@diptych/relay-app/commands/parked';
import { readStatus } from '@diptych/relay-app/commands/status';
import { Metrics } from '@diptych/relay-app/metrics';
import { runRelay } from '@diptych/relay-app/relay';
import { acceptedNothing } from '@diptych/relay-app/session-context';
import { createLogger } from '@diptych/runtime/log';
import { poll } from '@diptych/runtime/poll';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { formatLsn, parseLsn } from '@diptych/wal/lsn';
import { identifySystem } from '@diptych/wal/server';
import { afterEach, expect, test } from 'vitest';
import {
  documented,
  insertCart,
  PrimaryAndStandby,
  switchPoint,
  synchronising,
  withCatalogue,
} from './primary-and-standby.ts';

let servers: PrimaryAndStandby | null = null;
afterEach(async () => {
  await servers?.close();
  servers = null;
});

const testTimeoutMs = 300_000;
const goesOnTimeoutMs = 120_000;

/** Inserts numbered rows one by one into whichever server is the primary, over the failover. */
function writer(url: string): { written(): number; stop(): Promise<void> } {
  let [id, writing, written] = [0, true, 0];
  const work = (async () => {
    let sql: Catalogue | null = null;
    while (writing) {
      id += 1;
      try {
        sql ??= await openCatalogue(url);
        await insertCart(sql, { id });
        written += 1;
      } catch {
        await sql?.close();
        sql = null;
      }
    }
    await sql?.close();
  })();
  return {
    written: () => written,
    stop: async () => {
      writing = false;
      await work;
    },
  };
}

/** Waits until so many more rows are written. */
function more(load: { written(): number }, rows: number): Promise<true> {
  const enough = load.written() + rows;
  return poll(() => load.written() >= enough || undefined, {
    what: `${rows} more rows are written`,
    timeoutMs: goesOnTimeoutMs,
  });
}

/** Waits until `diptych status` names exactly these settings as missing: a standby's show after its next report (10 s). */
async function showsGaps({ relay }: PrimaryAndStandby, expected: readonly string[]): Promise<void> {
  const gaps = async (): Promise<true | undefined> => {
    const { failoverGaps } = await readStatus(relay.configuration);
    const named = failoverGaps?.map(({ on, setting }) => `${on} ${setting}`);
    return named?.join() === expected.join() || undefined;
  };
  await poll(gaps, {
    what: `what is missing is: ${expected.join() || 'nothing'}`,
    timeoutMs: goesOnTimeoutMs,
  });
}

test('a standby that is promoted in the middle of load has every transaction in Kafka once, and Kafka no other', {
  timeout: testTimeoutMs,
}, async () => {
  servers = await PrimaryAndStandby.create(synchronising);
  const { relay, standbyUrl } = servers;
  await servers.runOnPrimary(documented('On the primary', 'sql'));
  const running = relay.start();
  await relay.active(running);
  const load = writer(relay.configuration.database.url);
  await servers.slotSynchronised();
  await showsGaps(servers, []);
  await more(load, 200);
  await servers.failOver();
  await more(load, 200);
  await load.stop();
  await servers.caughtUpOnPromoted();
  expect(running.board.role).toBe('active');
  await running.stop();

  const published = await servers.published();
  expect(published.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(await servers.rowsOnPromoted());
  const switched = switchPoint((await identifySystem(standbyUrl)).history);
  const misplaced = published.filter(
    ({ timeline, commitLsn }) => (commitLsn < switched ? 1 : 2) !== timeline,
  );
  expect(misplaced).toEqual([]);
  expect(new Set(published.map(({ timeline }) => timeline))).toEqual(new Set([1, 2]));
  for (const partition of new Set(published.map((one) => one.partition))) {
    const commits = published.filter((one) => one.partition === partition).map(({ commitLsn }) => commitLsn);
    expect(commits).toEqual(commits.toSorted((a, b) => Number(a - b)));
  }
  expect(await relay.records(relay.transactionTopic)).toHaveLength(published.length);
  expect(await relay.records(relay.domainTopic('cart'))).toHaveLength(published.length);

  // The old primary comes back as it was: nothing is streamed from it, and the relay on the new one is not fenced.
  await servers.stack.postgres.start();
  const next = relay.start();
  await relay.active(next);
  const left = await strayRelay(servers);
  await withCatalogue(standbyUrl, (sql) => insertCart(sql, { id: 1_000_000 }));
  await servers.caughtUpOnPromoted();
  expect(left.board.lastError?.code).toBe('timeline-stale');
  expect(next.board.lastError).toBeNull();
  await left.stop();
  await next.stop();
  expect((await servers.published()).filter(({ id }) => id === 1_000_000)).toHaveLength(1);
});

/** A relay of the same slot that knows the old primary only; resolves when it has found something to object to. */
async function strayRelay({ relay, primaryUrl }: PrimaryAndStandby) {
  const stopping = new AbortController();
  const board = new Board();
  const ended = runRelay({
    configuration: { ...relay.configuration, database: { ...relay.configuration.database, url: primaryUrl } },
    ...{ board, metrics: new Metrics(board), log: createLogger('stray', { level: 'silent' }) },
    ...{ ...acceptedNothing, stopping: stopping.signal },
  });
  ended.catch(() => {});
  await poll(() => board.lastError ?? undefined, {
    what: 'the stray relay objects',
    timeoutMs: goesOnTimeoutMs,
  });
  return {
    board,
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}

test('what Kafka has and the promoted server never had is refused by name, and parked as a list when accepted', {
  timeout: testTimeoutMs,
}, async () => {
  servers = await PrimaryAndStandby.create(synchronising);
  const { relay, primaryUrl, standbyUrl } = servers;
  const running = relay.start();
  await relay.active(running);
  await withCatalogue(primaryUrl, async (sql) => {
    for (let id = 1; id <= 20; id += 1) await insertCart(sql, { id });
  });
  await servers.slotSynchronised();
  await showsGaps(servers, ['primary synchronized_standby_slots']);
  await servers.cutOff();
  // Large ones, so that the promoted server's next transactions stand at LSNs that the old one has used.
  const note = randomBytes(250_000).toString('base64');
  const phantoms = await withCatalogue(primaryUrl, async (sql) => [
    await insertCart(sql, { id: 101, note }),
    await insertCart(sql, { id: 102, note }),
    await insertCart(sql, { id: 103, note }),
  ]);
  await relay.caughtUp();
  await servers.failOver();

  await expect(running.ended).rejects.toMatchObject({ code: 'kafka-ahead-of-database', retry: 'operator' });
  const refused = await running.ended.catch((error: Error) => error.message);
  const named = [...String(refused).matchAll(/\(xid (\d+)\)/g)].map((match) => Number(match[1]));
  expect(named).toEqual(phantoms.map(({ xid }) => xid));
  expect(await relay.unheldStatus()).toMatchObject({
    state: 'refused',
    lastError: { code: 'kafka-ahead-of-database', message: refused },
  });

  const written = await withCatalogue(standbyUrl, async (sql) => [
    await insertCart(sql, { id: 21 }),
    await insertCart(sql, { id: 22 }),
  ]);
  expect(written.every(({ after }) => after < (phantoms.at(-1)?.after ?? 0n))).toBe(true);
  const accepted = relay.start({ acceptPhantoms: true });
  await relay.active(accepted);
  await servers.caughtUpOnPromoted();
  await accepted.stop();

  const out = new PassThrough();
  await listPhantoms({ configuration: relay.configuration, json: true, out });
  out.end();
  const list = JSON.parse(await text(out));
  const switched = switchPoint((await identifySystem(standbyUrl)).history);
  expect(list).toMatchObject({
    timeline: 1,
    newTimeline: 2,
    from: formatLsn(switched),
    count: 3,
    part: null,
  });
  expect(list.phantoms.map((one: { xid: number }) => one.xid)).toEqual(named);
  expect(list.phantoms).toMatchObject(named.map(() => ({ changes: 1, domainEvents: 1 })));
  expect(parseLsn(list.phantoms[0].commitLsn) >= switched).toBe(true);

  const goesOn = relay.start();
  await relay.active(goesOn);
  await withCatalogue(standbyUrl, (sql) => insertCart(sql, { id: 23 }));
  await servers.caughtUpOnPromoted();
  await goesOn.stop();
  const ids = (await servers.published()).map(({ id }) => id).toSorted((a, b) => a - b);
  const rows = await servers.rowsOnPromoted();
  expect(rows).toEqual(Array.from({ length: 23 }, (_, index) => index + 1));
  expect(ids).toEqual([...rows, 101, 102, 103]);
});

test('a position that was reported beyond the switch point costs nothing of the new timeline', {
  timeout: testTimeoutMs,
}, async () => {
  servers = await PrimaryAndStandby.create(synchronising, {
    DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '200',
  });
  const { relay, primaryUrl, standbyUrl } = servers;
  const running = relay.start();
  await relay.active(running);
  await withCatalogue(primaryUrl, (sql) => insertCart(sql, { id: 1 }));
  await servers.slotSynchronised();
  await servers.cutOff();
  // WAL that concerns no published table: the relay reports it, and nothing of it is in Kafka.
  await withCatalogue(primaryUrl, (sql) =>
    sql.query(`create table foreign_to_us as select repeat('x', 1000) from generate_series(1, 5000)`),
  );
  await relay.caughtUp();
  const { flushed } = running.board;
  await servers.failOver();
  // A first session tells the promoted server how far it is, a second one begins with what that has left.
  await servers.heldOnPromoted();
  await relay.active(running);
  await running.stop();
  const written = await withCatalogue(standbyUrl, (sql) => insertCart(sql, { id: 2 }));
  expect(written.after < flushed).toBe(true);
  const next = relay.start();
  await relay.active(next);
  await servers.caughtUpOnPromoted();
  await next.stop();
  expect((await servers.published()).map(({ id }) => id)).toEqual([1, 2]);
});

test('a promoted server that never synchronised the slot is refused as a lost slot', {
  timeout: testTimeoutMs,
}, async () => {
  servers = await PrimaryAndStandby.create({ hot_standby_feedback: 'on' });
  const { relay } = servers;
  const running = relay.start();
  await relay.active(running);
  await withCatalogue(servers.primaryUrl, (sql) => insertCart(sql, { id: 1 }));
  await relay.caughtUp();
  const missing = ['primary synchronized_standby_slots', 'standby sync_replication_slots'];
  await showsGaps(servers, missing);
  await servers.failOver();
  await expect(running.ended).rejects.toMatchObject({
    code: 'slot-lost',
    remedy: expect.stringMatching(/init --from-slot/),
  });
});
