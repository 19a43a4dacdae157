/** The README's section "On your own database", each command as it stands there, on a database that is not ours. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { poll } from '@diptych/runtime/poll';
import { testBrokers, testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import { freePorts } from '@diptych/testkit/port';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The commands of a section of the README, comments cut off. */
function commandsOf(section: string): string[] {
  const text = readFileSync(`${root}/README.md`, 'utf8');
  const body = text.split(`## ${section}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...body.matchAll(/```sh\n(.*?)```/gs)]
    .flatMap((block) => (block[1] ?? '').split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('export '));
}

let database: Awaited<ReturnType<typeof testDatabase>>;
let sql: pg.Client;
let environment: Record<string, string>;
const running: ChildProcess[] = [];

beforeAll(async () => {
  database = await testDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  await sql.query('create table customers (id int primary key, name text)');
  const prefix = testPrefix();
  const [port] = await freePorts(1);
  environment = {
    DIPTYCH_DATABASE_URL: database.url,
    DIPTYCH_KAFKA_BROKERS: testBrokers().join(','),
    DIPTYCH_SLOT: prefix,
    DIPTYCH_PREFIX: prefix,
    DIPTYCH_OUTBOX_TOPIC_PREFIX: `${prefix}.outbox.event.`,
    DIPTYCH_HTTP_PORT: String(port),
  };
});
afterAll(async () => {
  for (const child of running) {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), 'SIGKILL');
  }
  await sql.end();
  await database.drop();
});

/** A command in a process group of its own, and everything that it printed so far. */
function begin(command: string): { child: ChildProcess; printed: () => string } {
  const child = spawn('sh', ['-c', command], {
    cwd: root,
    env: { ...process.env, ...environment },
    detached: true,
  });
  running.push(child);
  let text = '';
  const keep = (chunk: Buffer) => {
    text += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return { child, printed: () => text };
}

async function whole(command: string): Promise<string> {
  const { child, printed } = begin(command);
  const [code] = (await once(child, 'exit')) as [number | null];
  expect({ command, code, printed: printed() }).toMatchObject({ code: 0 });
  return printed();
}

test('init, run, tail, status and slot drop do on a foreign database what the README says', {
  timeout: 120_000,
}, async () => {
  const [init = '', run = '', tail = '', status = '', drop = ''] = commandsOf('On your own database');
  expect(await whole(init)).toContain('public.customers');
  const relay = begin(run);
  await poll(
    async () =>
      (await fetch(`http://127.0.0.1:${environment.DIPTYCH_HTTP_PORT}/readyz`).catch(() => null))?.ok
        ? true
        : undefined,
    { what: 'the relay is ready', timeoutMs: 30_000 },
  );
  const tailing = begin(`${tail} --from-beginning`);
  await sql.query(`insert into customers values (1, 'Ada')`);
  await poll(() => (tailing.printed().includes('name=Ada') ? true : undefined), {
    what: `tail shows the row: ${tailing.printed()}`,
    timeoutMs: 30_000,
  });
  expect(tailing.printed()).toContain('(no event)');
  expect(await whole(status)).toMatch(/relay +active/);
  for (const { child } of [tailing, relay]) process.kill(-(child.pid ?? 0), 'SIGTERM');
  await poll(() => (relay.printed().includes('"stopped"') ? true : undefined), {
    what: `the relay stops: ${relay.printed()}`,
    timeoutMs: 30_000,
  });
  await whole(drop);
  const left = await sql.query(
    `select slot_name as name from pg_replication_slots where database = current_database()
     union all select pubname from pg_publication`,
  );
  expect(left.rows).toEqual([]);
});
