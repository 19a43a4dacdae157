/** The topics that a drain leaves in Kafka. */
import { withAdmin } from '@diptych/kafka/kafkajs-client';

const requestTimeoutMs = 10_000;
const limitMs = 60_000;

/**
 * Deletes the topics that begin with `prefix`. Their files go too (`log.segment.delete.delay.ms`): else each drain has the broker
 * write to memory that the machine has not used before, which a virtual one is only given page by page.
 */
export async function deleteTopics(brokers: readonly string[], prefix: string): Promise<void> {
  const options = { brokers, clientId: 'bench', requestTimeoutMs, limitMs, what: 'deleting topics' };
  await withAdmin(options, async (admin) => {
    const topics = (await admin.listTopics()).filter((name) => name.startsWith(prefix));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  });
}
