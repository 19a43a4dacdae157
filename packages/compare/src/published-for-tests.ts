/** Puts records of both panels into a real Kafka, as the relay does: one Kafka transaction for some transactions. */
import { createPublisher } from '@diptych/kafka/create-publisher';
import type { IncomingRecord } from '@diptych/kafka/record';
import { ensureTopics, eventTopicSpec } from '@diptych/kafka/topics';
import { testBrokers, testPrefix as uniquePrefix } from '@diptych/testkit/for-tests';
import type { PanelNames } from './panel-topic.ts';
import { testPartitions, testPrefix } from './panels-for-tests.ts';

/** Topics of one test: the names that `panelRecords` gives, under a prefix that no other test has. */
export interface TestPanels {
  readonly names: Required<PanelNames>;
  readonly brokers: readonly string[];
  /** Creates the transaction topic, as `diptych init` does. */
  create(): Promise<void>;
  /** Publishes the records in one Kafka transaction; their topics are created when they are missing. */
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
    },
    close: async () => await publisher.close(),
  };
}
