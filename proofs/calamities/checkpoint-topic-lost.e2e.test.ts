/** Proves that a checkpoint topic which was deleted, or emptied, is refused and not taken for a new beginning; and that the way on loses nothing. */
import { withAdmin } from '@diptych/kafka/kafkajs-client';
import { ownTopicNames } from '@diptych/kafka/topics';
import { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import type { Admin } from 'kafkajs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acceptedGaps } from './shop-for-tests.ts';

let relay: RelayUnderTest;
beforeEach(async () => {
  relay = await RelayUnderTest.create();
  await relay.initialise();
});
afterEach(() => relay.close());

const checkpointTopic = () => ownTopicNames(relay.configuration).checkpoint;

function administrate<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
  const { brokers } = relay.configuration.kafka;
  const limits = { requestTimeoutMs: 10_000, limitMs: 30_000 };
  return withAdmin({ brokers, clientId: 'test', ...limits, what: 'losing the checkpoint' }, use);
}

async function publishRow(id: number): Promise<void> {
  const running = relay.start();
  await relay.active(running);
  await relay.sql.query('insert into carts (id) values ($1)', [id]);
  await relay.caughtUp();
  await running.stop();
}

const publishedIds = async () =>
  (await relay.records(relay.topicOf('carts')))
    .map(({ key }) => Number(JSON.parse(String(key)).id))
    .toSorted((a, b) => a - b);

/** Gone, and seen to be gone by every broker. */
async function deleteTopic(): Promise<void> {
  await administrate(async (admin) => {
    await admin.deleteTopics({ topics: [checkpointTopic()] });
    await poll(async () => ((await admin.listTopics()).includes(checkpointTopic()) ? undefined : true), {
      what: 'the topic is gone',
      timeoutMs: 30_000,
    });
  });
}

/** A compacted topic may lose its beginning by hand only where deletion is allowed. */
async function emptyTopic(): Promise<void> {
  await administrate(async (admin) => {
    const entry = (value: string) => ({
      resources: [{ type: 2, name: checkpointTopic(), configEntries: [{ name: 'cleanup.policy', value }] }],
      validateOnly: false,
    });
    await admin.alterConfigs(entry('compact,delete'));
    // The controller has answered; the broker that leads the partition hears of it a moment later, and refuses until then.
    await poll(async () => await deletedRecords(admin), {
      what: 'the records may be deleted',
      timeoutMs: 30_000,
    });
  });
}

const deletedRecords = async (admin: Admin): Promise<true | undefined> =>
  await admin
    .deleteTopicRecords({ topic: checkpointTopic(), partitions: [{ partition: 0, offset: '-1' }] })
    .then(() => true as const)
    .catch((error: unknown) => {
      if (JSON.stringify(error).includes('POLICY_VIOLATION')) return undefined;
      throw error;
    });

test.each([
  ['deleted', deleteTopic],
  ['emptied', emptyTopic],
])(
  'a checkpoint topic that was %s is refused by run and by init, and nothing is published',
  async (_what, lose) => {
    await publishRow(1);
    await lose();
    await relay.sql.query('insert into carts (id) values (2)');
    await expect(relay.start().ended).rejects.toMatchObject({ code: 'checkpoint-missing' });
    await expect(relay.initialise()).rejects.toMatchObject({ code: 'checkpoint-missing' });
    expect(await publishedIds()).toEqual([1]);
  },
);

test.each([
  ['deleted', deleteTopic],
  ['emptied', emptyTopic],
])(
  'after one that was %s init --from-slot goes on at the slot’s position: nothing lost, and nothing twice when the relay had stopped in order',
  async (_what, lose) => {
    await publishRow(1);
    await lose();
    await relay.sql.query('insert into carts (id) values (2)');
    await relay.initialise({ fromSlot: true });
    expect(await acceptedGaps(relay)).toMatchObject([{ from: null, reason: 'checkpoint-missing' }]);
    await publishRow(3);
    expect(await publishedIds()).toEqual([1, 2, 3]);
  },
);

test('a checkpoint topic that is deleted under the running relay is not silently begun anew', async () => {
  const running = relay.start();
  await relay.active(running);
  await relay.sql.query('insert into carts (id) values (1)');
  await relay.caughtUp();
  await deleteTopic();
  await relay.sql.query('insert into carts (id) values (2)');
  await expect(running.ended).rejects.toMatchObject({ code: 'checkpoint-missing' });
  expect(await publishedIds()).toEqual([1]);
});
