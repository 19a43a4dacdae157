/**
 * Proves that a broker which dies while a Kafka transaction is open, all of its records written and its commit asked for,
 * costs nothing but time: neither what was open is lost nor what was committed repeated – with either driver.
 */
import { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import { endTransaction } from '@diptych/testkit/kafka-frames';
import { parseAddress } from '@diptych/testkit/port';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CountingLoad, expectCountedOnce } from './counting-load-for-tests.ts';
import { type OwnStack, startOwnStack } from './own-stack-for-tests.ts';

let own: OwnStack;
beforeAll(async () => {
  own = await startOwnStack();
}, 120_000);
afterAll(() => own.stack.stop());

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
    proxy = await FaultProxy.openKafka(present(parseAddress(own.stack.brokers[0] ?? ''), 'the broker'));
    const settings = { DIPTYCH_KAFKA_DRIVER: driver, DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '200' };
    relay = await RelayUnderTest.create(settings, { ...own.servers, brokers: [`127.0.0.1:${proxy.port}`] });
    await relay.initialise();
    const running = relay.start();
    await relay.active(running);
    const load = await CountingLoad.start(relay);
    for (let kill = 0; kill < kills; kill += 1) {
      await proxy.holdAt(endTransaction);
      await own.stack.kafka.kill();
      proxy.cut();
      proxy.release();
      await own.stack.kafka.start();
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
