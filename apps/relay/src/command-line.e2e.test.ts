/** The `diptych` command as a process: exit codes, drain, what it prints and what it never prints. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { poll } from '@diptych/runtime/poll';
import { freePorts } from '@diptych/testkit/port';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Status } from './commands/status.ts';
import { RelayUnderTest } from './relay-under-test.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

let relay: RelayUnderTest;
let environment: Record<string, string>;
const running = new Set<ChildProcess>();
beforeEach(async () => {
  relay = await RelayUnderTest.create();
  const [port] = await freePorts(1);
  environment = { ...relay.environment, DIPTYCH_HTTP_PORT: String(port) };
});
afterEach(async () => {
  for (const child of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  running.clear();
  await relay.close();
});

interface Output {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function begin(args: readonly string[], extra: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...environment, ...extra },
  });
  running.add(child);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = once(child, 'close').then(([code]): Output => ({ code: code as number | null, out, err }));
  return { child, ended, printed: () => ({ out, err }) };
}

const whole = (args: readonly string[], extra: Record<string, string> = {}): Promise<Output> =>
  begin(args, extra).ended;

const url = (path: string): string => `http://127.0.0.1:${environment.DIPTYCH_HTTP_PORT}${path}`;
const ready = (): Promise<true> =>
  poll(async () => ((await fetch(url('/readyz')).catch(() => null))?.ok ? true : undefined), {
    what: 'the relay is ready',
    timeoutMs: 30_000,
  });

test('bad use exits with 2 and names what is wrong', async () => {
  const option = await whole(['init', '--fast']);
  expect(option).toMatchObject({ code: 2 });
  expect(option.err).toContain('--fast');
  const setting = await whole(['status'], { DIPTYCH_KAFKA_BROKER: 'x:1' });
  expect(setting).toMatchObject({ code: 2 });
  expect(setting.err).toContain('DIPTYCH_KAFKA_BROKER is not a setting');
});

test('an operating error exits with 4 and says the way out', async () => {
  const unprepared = await whole(['run']);
  expect(unprepared).toMatchObject({ code: 4 });
  expect(unprepared.err).toContain('diptych init');
  const refused = await whole(['init'], {
    DIPTYCH_DATABASE_URL: 'postgres://nobody:hunter2@127.0.0.1:1/nothing',
  });
  expect(refused).toMatchObject({ code: 4 });
  expect(refused.err).toContain('postgres-unreachable');
  const brokerless = await whole(['init'], { DIPTYCH_KAFKA_BROKERS: '127.0.0.1:1' });
  expect(brokerless).toMatchObject({ code: 4 });
  expect(brokerless.err).toContain('kafka-unreachable');
});

test('a role that may not replicate is refused with the statement that lets it', async () => {
  const role = relay.configuration.slot;
  await relay.sql.query(`create role ${role} login password 'hunter2'`);
  const address = new URL(relay.configuration.database.url);
  address.username = role;
  address.password = 'hunter2';
  const refused = await whole(['init'], { DIPTYCH_DATABASE_URL: address.href });
  expect(refused).toMatchObject({ code: 4 });
  expect(refused.err).toContain(`alter role ${role} replication`);
  address.password = 'wrong';
  const denied = await whole(['init'], { DIPTYCH_DATABASE_URL: address.href });
  await relay.sql.query(`drop role ${role}`);
  expect(denied.err).toMatch(/postgres-refused-login|postgres-privilege-missing/);
});

test('init says which transaction the slot waits for, and is done when that ends', {
  timeout: 180_000,
}, async () => {
  const blocker = new pg.Client({
    connectionString: relay.configuration.database.url,
    application_name: 'month end',
  });
  await blocker.connect();
  await blocker.query('begin; insert into carts (id) values (1)');
  const init = begin(['init']);
  await poll(() => (init.printed().out.includes('month end') ? true : undefined), {
    what: 'init names the open transaction',
    timeoutMs: 90_000,
  });
  await blocker.query('commit');
  await blocker.end();
  expect(await init.ended).toMatchObject({ code: 0 });
});

test('SIGTERM drains: what was received is published and reported, and the exit code is 0', async () => {
  await whole(['init']);
  const run = begin(['run']);
  await ready();
  await relay.sql.query('insert into carts (id) select generate_series(1, 20000)');
  run.child.kill('SIGTERM');
  expect(await run.ended).toMatchObject({ code: 0 });
  const again = begin(['run']);
  await ready();
  await relay.caughtUp();
  again.child.kill('SIGINT');
  expect(await again.ended).toMatchObject({ code: 0 });
  expect(await relay.records(relay.topicOf('carts'))).toHaveLength(20_000);
});

test('status, health and metrics say where things stand', { timeout: 240_000 }, async () => {
  await whole(['init']);
  const without = JSON.parse((await whole(['status', '--json'])).out) as Status;
  expect(without).toMatchObject({ state: 'unheld', slot: { active: false }, relay: null });
  begin(['run']);
  await ready();
  await relay.sql.query('insert into carts (id) values (1)');
  await relay.caughtUp();
  const status = JSON.parse((await whole(['status', '--json'])).out) as Status;
  expect(status).toMatchObject({
    slot: { name: relay.configuration.slot, active: true, walStatus: 'reserved' },
    relay: { role: 'active', lastError: null },
    lagMs: 0,
  });
  expect(status).toMatchObject({ state: 'active', lastError: null });
  expect(status.checkpoint?.reportedLsn).toBe(status.relay?.publishedLsn);
  const metrics = await (await fetch(url('/metrics'))).text();
  expect(metrics).toContain('diptych_records_published_total{panel="change"} 1');
  expect(metrics).toMatch(/diptych_lag_bytes \d+/);
  expect((await fetch(url('/healthz'))).status).toBe(200);
  // Under a relay that works nothing is dropped, whatever was answered to the question.
  const dropped = await whole(['slot', 'drop', '--yes', '--publications']);
  expect(dropped).toMatchObject({ code: 4, out: '' });
  expect(dropped.err).toContain('slot-held');
  expect(JSON.parse((await whole(['status', '--json'])).out)).toMatchObject({
    slot: { active: true },
    checkpoint: { reportedLsn: status.checkpoint?.reportedLsn },
  });
});

test('status says what is wrong while no relay runs: the refusal, the part of the WAL, the way on, and exits with 4', async () => {
  const before = await whole(['status', '--json']);
  expect(before).toMatchObject({ code: 4 });
  await whole(['init']);
  const status = async () => JSON.parse((await whole(['status', '--json'])).out) as Status;
  expect(await status()).toMatchObject({ state: 'unheld', lastError: null });
  const { slot } = relay.configuration;
  await relay.sql.query('insert into carts (id) values (1)');
  await relay.sql.query('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [slot]);
  const moved = await status();
  expect(moved).toMatchObject({
    state: 'refused',
    lastError: { code: 'slot-moved-or-recreated', retry: 'operator' },
    problems: [],
  });
  const { reportedLsn } = moved.checkpoint ?? {};
  const range = `changes from ${reportedLsn} to ${moved.slot?.confirmedFlushLsn} are missing`;
  const text = await whole(['status']);
  expect(text).toMatchObject({ code: 4 });
  for (const words of ['state       refused', 'needs a person', range, 'init --from-slot'])
    expect(text.out).toContain(words);
  expect((await whole(['init', '--from-slot'])).out).toContain('the gap is written down');
  expect((await whole(['parked', 'list'])).out).toContain(`gap from ${reportedLsn} to `);
  expect(await whole(['status'])).toMatchObject({ code: 0 });
});

test('a relay whose brokers are away is alive, not ready, and says why', async () => {
  await whole(['init']);
  const run = begin(['run'], { DIPTYCH_KAFKA_BROKERS: '127.0.0.1:1' });
  await poll(
    async () => {
      const answer = await fetch(url('/readyz')).catch(() => null);
      const text = (await answer?.text()) ?? '';
      return answer?.status === 503 && text.includes('kafka-unreachable') ? true : undefined;
    },
    { what: 'the relay says that Kafka is unreachable', timeoutMs: 60_000 },
  );
  expect((await fetch(url('/healthz'))).status).toBe(200);
  const askedAt = performance.now();
  run.child.kill('SIGTERM');
  expect(await run.ended).toMatchObject({ code: 0 });
  expect(performance.now() - askedAt).toBeLessThan(10_000);
});

test('a second relay on one machine needs its own port, and says so', async () => {
  await whole(['init']);
  begin(['run']);
  await ready();
  const second = await whole(['run']);
  expect(second).toMatchObject({ code: 4 });
  expect(second.err).toContain('DIPTYCH_HTTP_PORT');
});

test('tail ends quietly when nobody reads any more', { timeout: 240_000 }, async () => {
  await whole(['init']);
  await relay.sql.query('insert into carts (id) values (1)');
  begin(['run']);
  await ready();
  await relay.caughtUp();
  const tail = begin(['tail', '--from-beginning']);
  await poll(() => (tail.printed().out.includes('(no event)') ? true : undefined), {
    what: 'tail shows the first transaction',
    timeoutMs: 20_000,
  });
  const asJson = begin(['tail', '--from-beginning', '--json']);
  const line = await poll(() => asJson.printed().out.split('\n').at(-2), {
    what: 'tail --json shows it too',
    timeoutMs: 20_000,
  });
  expect(JSON.parse(line)).toMatchObject({
    ...{ transaction: expect.stringMatching(/^\d+:\d+$/), parkedCount: 0, omitted: 0, domainEvents: [] },
    changes: [{ table: 'carts', op: 'c', key: { id: 1 }, before: null, after: { id: 1, status: 'open' } }],
  });
  asJson.child.kill('SIGTERM');
  expect(await asJson.ended).toMatchObject({ code: 0, err: '' });
  tail.child.stdout.destroy();
  await relay.sql.query('insert into carts (id) select generate_series(2, 40)');
  expect(await tail.ended).toMatchObject({ code: 0, err: '' });
});

test('no command ever prints the password', async () => {
  const password = new URL(relay.configuration.database.url).password;
  const outputs = [await whole(['init']), await whole(['status'])];
  const run = begin(['run'], { DIPTYCH_LOG_LEVEL: 'trace' });
  await ready();
  run.child.kill('SIGTERM');
  outputs.push(await run.ended, await whole(['init'], { DIPTYCH_KAFKA_BROKERS: '127.0.0.1:1' }));
  expect(password.length).toBeGreaterThan(3);
  for (const { out, err } of outputs) expect(out + err).not.toContain(password);
});

test('outbox retain prints what it did as one line of JSON, and says the way out', async () => {
  const retain = (...args: string[]) => whole(['outbox', 'retain', ...args]);
  const bad = await retain('--keep', 'soon');
  expect([bad.code, bad.err]).toEqual([2, expect.stringContaining('days or hours')]);
  const refused = await retain('--keep', '30d');
  expect([refused.code, refused.err]).toEqual([4, expect.stringContaining('outbox-not-partitioned')]);
  await relay.sql.query(`drop table outbox;
    create table outbox (id uuid, occurred_at timestamptz not null) partition by range (occurred_at)`);
  const done = await retain('--keep', '30d', '--ahead', '0d', '--json');
  const created = [expect.stringMatching(/^outbox_p\d{8}$/)];
  expect(done.code).toBe(0);
  expect(JSON.parse(done.out)).toEqual({
    ...{ table: 'public.outbox', created, postponed: [], dropped: [], kept: [] },
  });
});
