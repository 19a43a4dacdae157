/** Proves that a Kafka transaction which was committed, or records which were written, but whose answer was lost with the connection, are neither lost nor there twice. */
import { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import { testBrokers, testDatabase } from '@diptych/testkit/for-tests';
import { endTransaction, produce } from '@diptych/testkit/kafka-frames';
import { parseAddress } from '@diptych/testkit/port';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CountingLoad, expectCountedOnce } from './counting-load-for-tests.ts';

let proxy: FaultProxy;
beforeEach(async () => {
  proxy = await FaultProxy.openKafka(present(parseAddress(testBrokers()[0] ?? ''), 'the broker'));
});
let relay: RelayUnderTest;
afterEach(async () => {
  await relay.close();
  await proxy.close();
});

const rounds = 5;

test.each([
  { what: 'a commit', request: endTransaction, driver: 'platformatic' },
  { what: 'a commit', request: endTransaction, driver: 'kafkajs' },
  // The same bytes are sent again, and known by their sequence numbers.
  { what: 'a batch', request: produce, driver: 'platformatic' },
])(
  '$what that Kafka carried out and whose answer was lost is there once, with the driver $driver',
  { timeout: 120_000 },
  async ({ request, driver }) => {
    relay = await RelayUnderTest.create(
      { DIPTYCH_KAFKA_DRIVER: driver },
      { database: testDatabase, brokers: [`127.0.0.1:${proxy.port}`] },
    );
    await relay.initialise();
    const running = relay.start();
    await relay.active(running);
    const load = await CountingLoad.start(relay);
    for (let round = 0; round < rounds; round += 1) {
      expect(await proxy.loseAnswer(request, { timeoutMs: 30_000 })).toBe(true);
      const { published } = running.board;
      await poll(() => (running.board.published > published ? true : undefined), {
        what: 'the relay publishes on',
        timeoutMs: 60_000,
      });
    }
    await load.stop();
    await relay.caughtUp();
    await running.stop();
    await expectCountedOnce(relay);
  },
);
