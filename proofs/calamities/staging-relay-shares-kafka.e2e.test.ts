/** Proves that a relay of a second database which by mistake has the names of the first – prefix, slot, Kafka – is refused before it fences or overwrites anything, and that the first one does not notice. */
import { dropSlotCommand } from '@diptych/relay-app/commands/slot-drop';
import { RelayUnderTest, type RunningRelay } from '@diptych/relay-app/relay-under-test';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import { testBrokers } from '@diptych/testkit/for-tests';
import type { Stack } from '@diptych/testkit/stack';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startOwnStack } from '../bridge.ts';
import { CountingLoad, expectCountedOnce } from './counting-load-for-tests.ts';

/** Of its Postgres: another server, with another system identifier. */
let stagingStack: Stack;
beforeAll(async () => {
  stagingStack = await startOwnStack({ say: () => {}, signal: new AbortController().signal });
}, 120_000);
afterAll(() => stagingStack?.stop());

let production: RelayUnderTest;
let staging: RelayUnderTest;
let running: RunningRelay;
beforeEach(async () => {
  production = await RelayUnderTest.create();
  await production.initialise();
  running = production.start();
  await production.active(running);
  const { prefix, slot, outbox } = production.configuration;
  const database = async () => {
    const url = await createDatabase(stagingStack.databaseUrl);
    return { url, drop: () => dropDatabase(url) };
  };
  staging = await RelayUnderTest.create(
    { DIPTYCH_PREFIX: prefix, DIPTYCH_SLOT: slot, DIPTYCH_OUTBOX_TOPIC_PREFIX: outbox.topicPrefix },
    { database, brokers: testBrokers() },
  );
});
afterEach(async () => {
  await production.close();
  await staging.close();
});

/** What `init` would have made: as if somebody had prepared staging by hand, or by a dump of production. */
async function prepareByHand(): Promise<void> {
  await staging.sql.query('create publication diptych_outbox for table outbox');
  await staging.sql.query('create publication diptych_change for table carts');
  await staging.sql.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [
    staging.configuration.slot,
  ]);
}

/** The first relay's session has gone on all the time, and everything is there once. */
async function expectUndisturbed(load: CountingLoad): Promise<void> {
  await load.stop();
  await production.caughtUp();
  expect(running.board.lastError).toBeNull();
  await running.stop();
  // The next session finds its checkpoint where it left it.
  running = production.start();
  await production.active(running);
  await running.stop();
  await expectCountedOnce(production);
}

test('a second relay with another system identifier is refused, and the first goes on in its session', async () => {
  const load = await CountingLoad.start(production);
  await prepareByHand();
  await staging.sql.query('insert into carts (id) values (1)');
  await expect(staging.start().ended).rejects.toMatchObject({ code: 'checkpoint-foreign' });
  await expectUndisturbed(load);
});

test('init is refused as well, --from-slot included, before it has touched either database’s things', async () => {
  const load = await CountingLoad.start(production);
  await expect(staging.initialise()).rejects.toMatchObject({ code: 'checkpoint-foreign' });
  await expect(staging.initialise({ fromSlot: true })).rejects.toMatchObject({ code: 'checkpoint-foreign' });
  const { rows } = await staging.sql.query(
    'select pubname from pg_publication union all select slot_name from pg_replication_slots',
  );
  expect(rows).toEqual([]);
  await expectUndisturbed(load);
});

test('dropping the second one’s slot leaves the first one’s checkpoint', async () => {
  await running.stop();
  await prepareByHand();
  await dropSlotCommand({ configuration: staging.configuration, yes: true, publications: true });
  const { rows } = await staging.sql.query('select slot_name from pg_replication_slots');
  expect(rows).toEqual([]);
  running = production.start();
  await production.active(running);
  await expectUndisturbed(await CountingLoad.start(production));
});
