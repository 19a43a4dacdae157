/** The server's grant and its first messages come in one read of the socket, as they do over a slow network. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { poll } from '@diptych/runtime/poll';
import { testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { ReplicationSession } from './session.ts';

/** Of the server's first words; less than one read of a socket takes (64 KiB). */
const grantBytes = 4096;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** From START_REPLICATION on it holds back what the server says until that is `grantBytes`, and hands it on at once. */
async function holdingGrant(target: URL): Promise<{ url: string; handedOn: () => number }> {
  let handedOn = 0;
  const sockets: Socket[] = [];
  const proxy = createServer((client) => {
    const server = connect({ host: target.hostname, port: Number(target.port || 5432) });
    sockets.push(client, server);
    let held: Buffer[] | null = null;
    client.on('data', (chunk) => {
      if (chunk.includes('START_REPLICATION')) held = [];
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      held?.push(chunk);
      const bytes = held ? Buffer.concat(held) : chunk;
      if (held && bytes.length < grantBytes) return;
      held = null;
      client.write(bytes, () => {
        handedOn += bytes.length;
      });
    });
    for (const socket of [client, server]) socket.on('error', () => socket.destroy());
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const url = new URL(target);
  url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return { url: url.href, handedOn: () => handedOn };
}

test('who pauses at a message that came with the grant gets no more than came with it', async () => {
  const database = await testDatabase();
  closers.push(() => database.drop());
  const sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  closers.push(() => sql.end());
  const slot = testPrefix();
  await sql.query('create table carts (id int primary key)');
  await sql.query('create publication carts for table carts');
  await sql.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
  await sql.query('insert into carts select generate_series(1, 2000)');
  const { url, handedOn } = await holdingGrant(new URL(database.url));
  let messages = 0;
  const session = new ReplicationSession(
    { databaseUrl: url, slot, publications: ['carts'], walSenderTimeoutMs: 60_000 },
    {
      onMessage: () => {
        messages += 1;
        session.pause();
      },
      onKeepalive: () => {},
      onEnd: () => {},
    },
  );
  closers.push(() => session.stop());
  await session.start();
  session.stream();
  const early = messages;
  expect(early).toBeGreaterThan(1);
  await poll(() => handedOn() > 2 * grantBytes || undefined, { what: 'more came', timeoutMs: 10_000 });
  for (let round = 0; round < 20; round += 1) await sql.query('select 1');
  expect(messages).toBe(early);
  session.resume();
  await poll(() => messages > early || undefined, { what: 'the rest was read', timeoutMs: 10_000 });
});
