/**
 * Proves that a broker which dies while a Kafka transaction is open, all of its records written and its commit asked for,
 * costs nothing but time: neither what was open is lost nor what was committed repeated – with either driver.
 */
import { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import { parseAddress } from '@diptych/testkit/port';
import { type Stack, startStack } from '@diptych/testkit/stack';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { FaultProxy } from '../chaos/fault-proxy.ts';
import { endTransaction } from '../chaos/kafka-frames.ts';
import { CountingLoad, expectCountedOnce } from './counting-load-for-tests.ts';

/** Of this file's own, and embedded whatever the run's is: docs/decisions/0008 says what a killed container may lose. */
let stack: Exclude<Stack, { kind: 'external' }>;
beforeAll(async () => {
  const started = await startStack({ env: { ...process.env, DIPTYCH_STACK: 'embedded' } });
  if (started.kind === 'external') throw new Error('this test needs servers of its own');
  stack = started;
}, 120_000);
afterAll(() => stack.stop());

let relay: RelayUnderTest;
let proxy: FaultProxy;
afterEach(async () => {
  await relay.close();
  await proxy.close();
});

const kills = 2;

test.each(['platformatic', 'kafkajs'])(
  'a broker that dies with a transaction open has it once, or not and gets it again, with the driver %s',
  { timeout: 240_000 },
  async (driver) => {
    proxy = await FaultProxy.openKafka(present(parseAddress(stack.brokers[0] ?? ''), 'the broker'));
    const database = async () => {
      const url = await createDatabase(stack.databaseUrl);
      return { url, drop: () => dropDatabase(url) };
    };
    const settings = { DIPTYCH_KAFKA_DRIVER: driver, DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '200' };
    relay = await RelayUnderTest.create(settings, { database, brokers: [`127.0.0.1:${proxy.port}`] });
    await relay.initialise();
    const running = relay.start();
    await relay.active(running);
    const load = await CountingLoad.start(relay);
    for (let kill = 0; kill < kills; kill += 1) {
      await proxy.holdAt(endTransaction);
      await stack.kafka.kill();
      proxy.cut();
      proxy.release();
      await stack.kafka.start();
      const { published } = running.board;
      await poll(() => (running.board.published > published ? true : undefined), {
        what: 'the relay publishes again',
        timeoutMs: 90_000,
      });
    }
    await load.stop();
    await relay.caughtUp();
    await running.stop();
    expect(load.answered).toBeGreaterThan(0);
    await expectCountedOnce(relay);
  },
);
