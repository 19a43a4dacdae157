/** `diptych doctor` as a process, on real servers; that it finds each fault is proved by `npm run prove:doctor`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { testBrokers, testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TopicRow } from '../commands/topics.ts';
import type { Examination } from './doctor.ts';
import type { Finding } from './finding.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));
const role = testPrefix();
let database: Awaited<ReturnType<typeof testDatabase>>;
let sql: pg.Client;
let environment: Record<string, string>;

beforeAll(async () => {
  database = await testDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  await sql.query(`
    create table carts (id int primary key, note text);
    create table outbox (id uuid primary key, aggregatetype text, aggregateid text, type text, payload jsonb);
    create role ${role} login replication password 'hunter2'`);
  environment = {
    DIPTYCH_DATABASE_URL: database.url,
    DIPTYCH_KAFKA_BROKERS: testBrokers().join(','),
    DIPTYCH_SLOT: role,
    DIPTYCH_PREFIX: role,
    DIPTYCH_OUTBOX_TOPIC_PREFIX: `${role}.outbox.event.`,
    DIPTYCH_HTTP_PORT: '0',
  };
});
afterAll(async () => {
  await sql.query(`drop owned by ${role}; drop role ${role}`);
  await sql.end();
  await database.drop();
});

async function diptych(args: readonly string[], extra: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...environment, ...extra },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await exited)[0], out, err };
}

const reportOf = ({ out }: { out: string }) =>
  JSON.parse(out) as Examination & { ran: readonly { statement: string; refused: string | null }[] };
const complaints = (findings: readonly Finding[]) => findings.filter(({ tag }) => tag !== 'ok');
const asRole = (): Record<string, string> => {
  const address = new URL(database.url);
  address.username = role;
  address.password = 'hunter2';
  return { DIPTYCH_DATABASE_URL: address.href };
};

/** All that a statement of the doctor could change here. */
async function catalogueState(): Promise<unknown> {
  const { rows } = await sql.query(
    `
    select (select json_agg(p order by oid) from pg_publication p) as publications,
      (select json_agg(json_build_array(relname, relreplident, relpersistence) order by relname) from pg_class
        where relnamespace = 'public'::regnamespace) as tables,
      (select json_agg(slot_name order by slot_name) from pg_replication_slots where database = current_database()) as slots,
      (select json_agg(rolname order by rolname) from pg_roles where rolreplication and rolname = $1) as roles`,
    [role],
  );
  return rows[0];
}

test('before init it says what init makes; after it nothing is wrong, and the exit codes say so', {
  timeout: 180_000,
}, async () => {
  const before = reportOf(await diptych(['doctor', '--json']));
  const commands = complaints(before.findings)
    .flatMap((finding) => (finding.tag === 'ok' ? [] : finding.remedies))
    .filter(({ tag }) => tag === 'diptych');
  expect(commands.map(({ statement }) => statement)).toEqual([
    'diptych init',
    'diptych init',
    'diptych init',
  ]);
  expect((await diptych(['init'])).code).toBe(0);
  const after = await diptych(['doctor', '--json']);
  expect(after.code).toBe(0);
  expect(reportOf(after)).toMatchObject({ ok: true, reached: { database: true, kafka: true }, ran: [] });
  await sql.query('alter table carts replica identity nothing');
  const wrong = await diptych(['doctor']);
  expect(wrong.code).toBe(1);
  expect(wrong.out).toContain('→ alter table "public"."carts" replica identity full;');
});

test('`topics` lists what the relay needs with its differences, `config` shows no secret, `status --watch` looks again and again', {
  timeout: 180_000,
}, async () => {
  const rows = JSON.parse((await diptych(['topics', '--json'])).out) as TopicRow[];
  expect(rows.map(({ topic, state, differences }) => [topic, state, differences])).toEqual([
    ...['transaction', 'parked', 'snapshot', `checkpoint.${role}`, 'public.carts'].map((name) => [
      `${role}.${name}`,
      'there',
      [],
    ]),
  ]);
  const other = await diptych(['topics'], { DIPTYCH_KAFKA_PARTITIONS: '9' });
  expect(other.code).toBe(1);
  expect(other.out).toContain(`≠ ${role}.public.carts has 6 partitions, kafka.partitions is 9`);
  const shown = await diptych(['config', 'print', '--json'], asRole());
  expect(JSON.parse(shown.out)).toMatchObject({ slot: role, timing: { statusIntervalMs: 1000 } });
  const changed = await diptych(['config', 'print', '--changed', '--json'], asRole());
  expect(JSON.parse(changed.out)).not.toHaveProperty('timing');
  expect(shown.out + changed.out).not.toContain('hunter2');
  const refused = await diptych(['config', 'check', '--json'], { DIPTYCH_HTTP_PORT: '99999' });
  expect(refused.code).toBe(2);
  expect(JSON.parse(refused.out)).toMatchObject({ ok: false, code: 'configuration-invalid' });
  const looks = spawn(process.execPath, [main, 'status', '--watch', '--json', '--interval', '0.1'], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(looks, 'exit') as Promise<[number | null]>;
  const states: string[] = [];
  for await (const line of createInterface({ input: looks.stdout })) {
    states.push((JSON.parse(line) as { state: string }).state);
    if (states.length === 3) looks.kill('SIGINT');
  }
  expect(states.slice(0, 3)).toEqual(['unheld', 'unheld', 'unheld']);
  expect((await ended)[0]).toBe(0);
});

test('without --fix nothing is changed; with it what loses nothing is run and said, and the rest is left', {
  timeout: 180_000,
}, async () => {
  await sql.query('create table keyless (note text)');
  const before = await catalogueState();
  expect((await diptych(['doctor', '--json'])).code).toBe(1);
  expect(await catalogueState()).toEqual(before);
  // Nobody can be asked, and nobody said --yes.
  const unasked = await diptych(['doctor', '--fix', '--json']);
  expect(unasked.code).toBe(1);
  expect(reportOf(unasked).ran).toEqual([]);
  expect(await catalogueState()).toEqual(before);
  // Settings of the server are another test's too.
  const fixed = await diptych([
    'doctor',
    '--fix',
    '--yes',
    '--json',
    '--only',
    'replica-identity,publications,primary-keys',
  ]);
  expect(reportOf(fixed).ran.filter(({ refused }) => refused !== null)).toEqual([]);
  expect(reportOf(fixed).ran.map(({ statement }) => statement)).toEqual(
    expect.arrayContaining([
      'alter table "public"."carts" replica identity full',
      'alter table "public"."keyless" replica identity full',
    ]),
  );
  expect(fixed.err).toContain('left     alter table public.keyless add column');
  expect(complaints(reportOf(fixed).findings).map(({ check }) => check)).toEqual(['primary-keys']);
});

test('a role with the least rights gets an answer from every check, and no secret is in any of it', {
  timeout: 180_000,
}, async () => {
  const report = await diptych(['doctor', '--json', '--all'], asRole());
  const { findings } = reportOf(report);
  const unseen = findings.filter(({ tag }) => tag === 'unseen');
  expect(unseen.map(({ check, object }) => [check, object])).toEqual([['long-transactions', role]]);
  const reading = complaints(findings).filter(({ check }) => check === 'reading');
  expect(reading.length).toBeGreaterThan(0);
  for (const finding of reading)
    expect(finding.tag === 'ok' ? [] : finding.remedies.map(({ statement }) => statement)).toEqual([
      expect.stringMatching(new RegExp(`^grant select on public.\\w+ to ${role}$`)),
    ]);
  expect(report.out + report.err).not.toContain('hunter2');
});

test('what cannot be reached is a finding with its remedy, and exit code 4', {
  timeout: 180_000,
}, async () => {
  const away = await diptych(['doctor', '--json'], {
    DIPTYCH_DATABASE_URL: 'postgres://nobody:hunter2@127.0.0.1:1/nothing',
  });
  expect(away.code).toBe(4);
  expect(reportOf(away).reached).toEqual({ database: false, kafka: true });
  expect(away.out).not.toContain('hunter2');
  const brokerless = await diptych(['doctor', '--json'], { DIPTYCH_KAFKA_BROKERS: '127.0.0.1:1' });
  expect(brokerless.code).toBe(4);
  expect(reportOf(brokerless).reached).toEqual({ database: true, kafka: false });
});
