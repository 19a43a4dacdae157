/** What the server makes of a session's settings: they are the session's own, whatever role and database say. */
import { createHash, randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { poll } from '@diptych/runtime/poll';
import { testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ReplicationSession, type SessionHandlers } from './session.ts';

const slot = testPrefix();
let database: Awaited<ReturnType<typeof testDatabase>>;
let sql: pg.Client;
const sessions: ReplicationSession[] = [];

beforeEach(async () => {
  database = await testDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  await sql.query('create table carts (id int primary key)');
  await sql.query('create publication "odd ""name""" for table carts');
  await sql.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
});

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.stop()));
  await sql.end();
  await database.drop();
});

function newSession(
  walSenderTimeoutMs: number,
  { ends = [], onMessage = () => {} }: { ends?: string[]; onMessage?: SessionHandlers['onMessage'] } = {},
): ReplicationSession {
  const options = { databaseUrl: database.url, slot, publications: ['odd "name"'], walSenderTimeoutMs };
  const session = new ReplicationSession(options, {
    onMessage,
    onKeepalive: () => {},
    onEnd: ({ code }) => ends.push(code),
  });
  sessions.push(session);
  return session;
}

test('a holder that hangs loses the slot after its own wal_sender_timeout', async () => {
  const session = newSession(300);
  await session.start(); // and then neither reads nor reports
  const isFree = async () => {
    const { rows } = await sql.query('select from pg_replication_slots where slot_name = $1 and not active', [
      slot,
    ]);
    return rows.length === 1 || undefined;
  };
  const what = 'the server has taken the slot away';
  expect(await poll(isFree, { what, timeoutMs: 5000 })).toBe(true);
});

test('a second session is refused while the slot is held', async () => {
  await newSession(10_000).start();
  const ends: string[] = [];
  await expect(newSession(10_000, { ends }).start()).rejects.toMatchObject({
    code: 'slot-held',
    retry: 'timed',
  });
  expect(ends).toEqual(['slot-held']);
});

test('the session speaks protocol version 1, in text, with logical messages', async () => {
  await newSession(10_000).start();
  const { rows } = await sql.query<{ query: string }>(
    `select query from pg_stat_activity where backend_type = 'walsender' and application_name = $1`,
    [`diptych ${slot}`],
  );
  expect(rows.map(({ query }) => query.slice(query.indexOf('LOGICAL')))).toEqual([
    `LOGICAL 0/0 (proto_version '1', publication_names '"odd ""name"""', messages 'true')`,
  ]);
});

test('a backlog comes whole and in order, and whoever pauses in it gets nothing more until resuming', async () => {
  const rows = 20_000;
  const pausesEvery = 5000;
  await sql.query('insert into carts select n from generate_series(1, $1::int) n', [rows]);
  const ids: number[] = [];
  const session = newSession(10_000, {
    onMessage: ({ bytes, start, end }) => {
      if (bytes[start] !== 0x49) return;
      ids.push(Number(bytes.toString('latin1', start + 13, end))); // behind oid, `N`, one column, `t`, its length
      if (ids.length % pausesEvery === 1) session.pause();
    },
  });
  const more = (than: number) =>
    poll(() => (ids.length > than ? true : undefined), {
      what: `more than ${than} rows`,
      timeoutMs: 20_000,
    });
  await session.start();
  session.stream();
  for (let due = 0; due < rows; due += pausesEvery) {
    await more(due);
    const held = ids.length;
    // Long enough for a rest to end, and for what it would let in.
    for (let trip = 0; trip < 20; trip += 1) await sql.query('select');
    expect(ids).toHaveLength(held);
    session.resume();
  }
  await more(rows - 1);
  expect(ids).toEqual(Array.from({ length: rows }, (_, index) => index + 1));
});

test('between two full reads of a backlog everybody else has a turn', async () => {
  const rows = 20_000;
  await sql.query('insert into carts select n from generate_series(1, $1::int) n', [rows]);
  let received = 0;
  let bytesInTurn = 0;
  let mostInTurn = 0;
  const session = newSession(10_000, {
    onMessage: ({ bytes, start, end }) => {
      received += bytes[start] === 0x49 ? 1 : 0;
      bytesInTurn += end - start + 30; // what carries it: CopyData, XLogData
      // Ten times slower than a server sends, a busy one too, so that there is always more to be read.
      if (received % 10 === 0) createHash('sha256').update(randomBytes(100_000)).digest();
    },
  });
  await session.start();
  session.stream();
  while (received < rows) {
    await setImmediate();
    mostInTurn = Math.max(mostInTurn, bytesInTurn);
    bytesInTurn = 0;
  }
  expect(mostInTurn).toBeGreaterThan(60_000);
  expect(mostInTurn).toBeLessThan(2 * 65_536);
});
