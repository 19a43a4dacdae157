/** The process itself: how it begins, how it is killed, how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { testBrokers, testDatabase, testPrefix } from '@diptych/testkit/for-tests';
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

function run(
  environment: Record<string, string>,
  args: readonly string[] = [],
): { child: ChildProcess; said: () => string } {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH, PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  return { child, said: () => said };
}

async function ended(child: ChildProcess) {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  running.delete(child);
  return { code: child.exitCode, signal: child.signalCode };
}

async function start(settings: Record<string, string>): Promise<Service> {
  const { child, said } = run(settings);
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

test('a service killed right after a shipment has shipped it for good, and SIGTERM ends it with 0', async () => {
  const database = await testDatabase();
  const topic = new CartTopic(`${testPrefix()}.outbox.event.cart`);
  await topic.create(1);
  const settings = {
    SHIPPING_DATABASE_URL: database.url,
    KAFKA_BROKERS: testBrokers().join(','),
    KAFKA_TOPIC: topic.name,
  };
  const killed = await start({ ...settings, KAFKA_GROUP: `${topic.name}-killed` });
  await topic.publish([{ cartId: 101 }]);
  await untilShipped(killed.url, [101]);
  const shipped = await query(database.url, 'select * from shipments');
  expect(await killed.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });

  // A group without offsets gets every event again, whether the killed one had committed or not; and it need not wait
  // until the broker gives up the dead member (30 s).
  const back = await start({ ...settings, KAFKA_GROUP: `${topic.name}-back` });
  await topic.publish([{ cartId: 102 }]);
  await untilShipped(back.url, [101, 102]);
  expect(await query(database.url, 'select * from shipments where cart_id = 101')).toEqual(shipped);
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

test('what is parked is listed on the command line', { timeout: 120_000 }, async () => {
  const database = await testDatabase();
  const topic = new CartTopic(`${testPrefix()}.outbox.event.cart`);
  await topic.create(1);
  const settings = {
    SHIPPING_DATABASE_URL: database.url,
    KAFKA_BROKERS: testBrokers().join(','),
    KAFKA_TOPIC: topic.name,
    KAFKA_GROUP: topic.name,
  };
  const service = await start(settings);
  await topic.publish([{ cartId: 101, version: 9 }, { cartId: 102 }]);
  await untilShipped(service.url, [102]);
  const { child, said } = run(settings, ['inbox', 'parked']);
  expect(await ended(child)).toMatchObject({ code: 0 });
  expect(said()).toContain('key 101  CartCheckedOut  contract-unknown-version');
  await service.end('SIGTERM');
  await topic.close();
  await database.drop();
});
