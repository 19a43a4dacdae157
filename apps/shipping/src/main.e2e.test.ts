/** The process itself: how it begins, how it is killed, how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { testBrokers, testDatabase } from '@diptych/testkit/for-tests';
import { afterEach, expect, test } from 'vitest';
import { CartTopic, query, untilShipped, untilTrue } from './for-tests.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

interface Service {
  readonly url: string;
  /** Sends the signal; what the process ended with. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

function run(environment: Record<string, string>): { child: ChildProcess; said: () => string } {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env.PATH, PORT: '0', ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  return { child, said: () => said };
}

async function ended(child: ChildProcess) {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  running.delete(child);
  return { code: child.exitCode, signal: child.signalCode };
}

async function start(databaseUrl: string): Promise<Service> {
  const { child, said } = run({
    SHIPPING_DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: testBrokers().join(','),
  });
  const listens = /"url":"(http:[^"]+)"/;
  await untilTrue('the service listens', () => listens.test(said()) || child.exitCode !== null);
  return {
    url: listens.exec(said())?.[1] ?? said(),
    end: (signal) => {
      child.kill(signal);
      return ended(child);
    },
  };
}

test('a service killed right after a shipment ships it once when it comes back, and SIGTERM ends it with 0', async () => {
  const database = await testDatabase();
  const topic = new CartTopic('outbox.event.cart');
  await topic.create(6);
  // The topic and the group have the names of the product, which other tests use too: carts of this one alone.
  const [first, second] = [700_101, 700_102];
  const shipments = (cartId: number) =>
    query(database.url, `select 1 from shipments where cart_id = ${cartId}`);

  const killed = await start(database.url);
  await topic.publish([{ cartId: first }]);
  await untilShipped(killed.url, [first]);
  expect(await killed.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });

  const back = await start(database.url);
  await topic.publish([{ cartId: second }]);
  await untilShipped(back.url, [first, second]);
  expect(await shipments(first)).toHaveLength(1);
  expect(await back.end('SIGTERM')).toEqual({ code: 0, signal: null });
  await topic.close();
  await database.drop();
});

test('bad settings end it with 2 and their names', async () => {
  const { child, said } = run({ KAFKA_BROKERS: 'nowhere' });
  expect(await ended(child)).toEqual({ code: 2, signal: null });
  expect(said()).toContain('SHIPPING_DATABASE_URL');
  expect(said()).toContain('KAFKA_BROKERS');
});
