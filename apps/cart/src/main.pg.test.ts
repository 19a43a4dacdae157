import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { poll } from '@diptych/runtime/poll';
import { testDatabase } from '@diptych/testkit/for-tests';
import { Client } from 'pg';
import { expect, test } from 'vitest';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

function run(file: string, environment: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [here(file)], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  return { child, ended: once(child, 'exit'), output: text(child.stderr) };
}

test('on SIGTERM the service finishes the request in flight, takes no other, and exits 0', async () => {
  const database = await testDatabase();
  const client = new Client({ connectionString: database.url });
  await client.connect();
  const migration = run('migrate.ts', { DATABASE_URL: database.url });
  expect((await migration.ended)[0]).toBe(0);
  const { child, ended } = run('main.ts', { DATABASE_URL: database.url, PORT: '0' });
  try {
    const url = await new Promise<string>((resolve) => {
      let seen = '';
      child.stderr.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
        const found = /"url":"(http:[^"]+)"/.exec(seen)?.[1];
        if (found) resolve(found);
      });
    });
    expect((await fetch(`${url}/carts`, { method: 'POST' })).status).toBe(201);

    await client.query('begin');
    await client.query('select from carts for update');
    const inFlight = fetch(`${url}/carts/101`, { method: 'DELETE' });
    await poll(
      async () => {
        // Inside a transaction the server shows the activity of its first look, until told to look again.
        await client.query('select pg_stat_clear_snapshot()');
        const { rowCount } = await client.query(
          "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
        );
        return rowCount === 1 ? true : undefined;
      },
      { what: 'the command waits for the cart', timeoutMs: 10_000 },
    );
    child.kill('SIGTERM');
    const refused = () =>
      fetch(`${url}/healthz`).then(
        () => undefined,
        () => true,
      );
    await poll(refused, { what: 'the service takes no other request', timeoutMs: 10_000 });
    const released = performance.now();
    await client.query('commit');

    const answer = await inFlight;
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ id: 101, status: 'abandoned' });
    expect(await ended).toEqual([0, null]);
    // Nothing but this request kept it: not a connection that is kept alive, nor the pool.
    expect(performance.now() - released).toBeLessThan(5_000);
  } finally {
    child.kill('SIGKILL');
    await client.end();
    await database.drop();
  }
});

test('without a database to use the service exits 2 and names the variable', async () => {
  const { ended, output } = run('main.ts', {});
  expect(await ended).toEqual([2, null]);
  expect(await output).toContain('DATABASE_URL');
});
