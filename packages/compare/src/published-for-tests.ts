/** Puts records of both panels into a real Kafka, as the relay does: one Kafka transaction for some transactions. */
import { createPublisher } from '@diptych/kafka/create-publisher';
import { FetchClient } from '@diptych/kafka/fetch-client';
import type { IncomingRecord } from '@diptych/kafka/record';
import { ensureTopics, eventTopicSpec } from '@diptych/kafka/topics';
import { poll } from '@diptych/runtime/poll';
import { testBrokers, testDatabase, testPrefix as uniquePrefix } from '@diptych/testkit/for-tests';
import { onTestFinished } from 'vitest';
import type { PanelNames } from './panel-topic.ts';
import { testPartitions, testPrefix } from './panels-for-tests.ts';

/** Topics of one test: the names that `panelRecords` gives, under a prefix that no other test has. */
export interface TestPanels {
  readonly names: Required<PanelNames>;
  readonly brokers: readonly string[];
  /** Creates the transaction topic, as `diptych init` does. */
  create(): Promise<void>;
  /** Publishes the records in one Kafka transaction, until readers see them; missing topics are created. */
  publish(records: readonly IncomingRecord[]): Promise<void>;
  close(): Promise<void>;
}

export async function testPanels(): Promise<TestPanels> {
  const unique = uniquePrefix();
  const names = { prefix: unique, domainPrefix: `${unique}.outbox.event.` };
  const brokers = testBrokers();
  const publisher = createPublisher('platformatic', {
    brokers,
    clientId: unique,
    transactionalId: unique,
    transactionTimeoutMs: 15_000,
    requestTimeoutMs: 10_000,
  });
  await publisher.fence();
  const own = (topic: string): string =>
    topic.startsWith(`${testPrefix}.`) ? unique + topic.slice(testPrefix.length) : `${unique}.${topic}`;
  const ensure = async (topics: Iterable<string>): Promise<void> => {
    const specs = [...new Set(topics)].map((name) => ({
      ...eventTopicSpec(name),
      partitions: name.endsWith('.transaction') ? 1 : testPartitions,
    }));
    await ensureTopics({ brokers, specs });
  };
  return {
    names,
    brokers,
    create: async () => await ensure([`${unique}.transaction`]),
    publish: async (records) => {
      await ensure(records.map(({ topic }) => own(topic)));
      // The copies of a truncate that the builder made are made by the publisher here.
      const once = records.filter(({ key, partition }) => key !== null || partition === 0);
      await publisher.publish(
        once.map(({ topic, key, value, headers, timestampMs }) => ({
          topic: own(topic),
          key,
          value,
          headers: [...headers],
          timestampMs,
          ...(key === null ? { spread: 'every' as const } : {}),
        })),
      );
      await visible(brokers, new Set(once.map(({ topic }) => own(topic))));
    },
    close: async () => await publisher.close(),
  };
}

/** Both panels, empty, and a database for what reads them; gone with the test that asks. */
export async function testSurroundings(): Promise<{
  readonly panels: TestPanels;
  readonly databaseUrl: string;
}> {
  const panels = await testPanels();
  const database = await testDatabase();
  onTestFinished(async () => {
    await panels.close();
    await database.drop();
  });
  await panels.create();
  return { panels, databaseUrl: database.url };
}

/** The markers of a committed transaction reach its partitions one by one: until then a reader does not see all of it. */
async function visible(brokers: readonly string[], names: ReadonlySet<string>): Promise<void> {
  const client = new FetchClient({ brokers, requestTimeoutMs: 10_000 });
  const look = async (): Promise<true | undefined> => {
    const topics = [...(await client.topics([...names])).values()];
    const stable = await client.offsets(topics, 'last-stable');
    const ends = await client.offsets(topics, 'end');
    return topics.every(({ name }) => String(stable.get(name)) === String(ends.get(name))) || undefined;
  };
  try {
    await poll(look, { what: 'what was published is visible', timeoutMs: 30_000, intervalMs: 20 });
  } finally {
    await client.close();
  }
}
