/**
 * Proves that `diptych init --from-slot` disturbs nobody and hides nothing: while it works no relay gets the slot, also none
 * that a supervisor starts in that moment; and what would come again is told first.
 */
import { Destination } from '@diptych/relay-app/destination';
import { initialise } from '@diptych/relay-app/initialise';
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import { formatLsn } from '@diptych/wal/lsn';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OwnPostgres, startOwnPostgres } from './own-postgres-for-tests.ts';
import {
  brokerOf,
  createShop,
  expectAllOnce,
  publishedIds,
  runAndPublish,
  slotNow,
} from './shop-for-tests.ts';

/** https://kafka.apache.org/protocol#The_Messages_InitProducerId */
const initProducerId = 22;

let postgres: OwnPostgres;
let shop: RelayUnderTest;
let kafka: FaultProxy;
beforeEach(async () => {
  postgres = await startOwnPostgres();
  shop = await createShop({}, postgres.servers);
  await shop.initialise();
  kafka = await FaultProxy.openKafka(brokerOf(shop));
});
afterEach(async () => {
  await shop.close();
  await kafka.close();
  await postgres.remove();
});

test('a relay that starts while init --from-slot is at work stands by, and goes on from where that began', {
  timeout: 120_000,
}, async () => {
  await runAndPublish(shop, 1);
  await shop.sql.query('insert into carts (id) values (2)');
  const { configuration } = shop;
  const throughProxy = { ...configuration.kafka, brokers: [`127.0.0.1:${kafka.port}`] };
  const reached = kafka.holdAt(initProducerId);
  const init = initialise({
    configuration: { ...configuration, kafka: throughProxy },
    ...{ fromSlot: true, say: () => {} },
  });
  await Promise.race([reached, init]);
  const running = shop.start();
  await poll(() => (['standby', 'active'].includes(running.board.role) ? true : undefined), {
    what: 'the relay has looked at the slot',
    timeoutMs: 60_000,
  });
  expect(running.board.role).toBe('standby');
  kafka.release();
  expect(await init).toBe(true);
  await shop.active(running);
  await shop.caughtUp();
  await running.stop();
  await expectAllOnce(shop);
});

test('what would come again from a slot that fell back is told and asked, and declined nothing is changed', {
  timeout: 120_000,
}, async () => {
  const running = shop.start();
  await shop.active(running);
  for (let id = 1; id <= 5; id += 1) await shop.sql.query('insert into carts (id) values ($1)', [id]);
  await shop.caughtUp();
  await running.stop();
  await postgres.control.stopImmediately();
  await postgres.control.start();
  await shop.reconnect();
  const { flushed } = await slotNow(shop);
  const before = await new Destination(shop.configuration).readCheckpoint();
  const reported = before && formatLsn(before.reportedLsn);
  expect(flushed).not.toBe(reported);
  const { configuration } = shop;
  const asked: string[] = [];
  const fromSlot = (answer: boolean) =>
    initialise({
      ...{ configuration, fromSlot: true, say: () => {} },
      confirm: async (question) => {
        asked.push(question);
        return answer;
      },
    });
  expect(await fromSlot(false)).toBe(false);
  expect(asked).toEqual([
    expect.stringMatching(new RegExp(`published already from ${flushed} to ${reported} comes again`)),
  ]);
  expect(await new Destination(configuration).readCheckpoint()).toEqual(before);
  expect((await slotNow(shop)).holder).toBeNull();
  expect(await fromSlot(true)).toBe(true);
  await runAndPublish(shop, 6);
  expect(await publishedIds(shop)).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6]);
});
