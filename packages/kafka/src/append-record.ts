/** One record to one topic, outside every transaction: for a person's command, not for the stream. */
import type { Brokers } from '@diptych/runtime/kafka-access';
import { classify } from './classify.ts';
import { within } from './deadline.ts';
import { createKafka } from './kafkajs-client.ts';
import type { OutgoingRecord } from './record.ts';

const requestTimeoutMs = 10_000;
const limitMs = 20_000;

/**
 * Appends the record, once, to the topic's partition 0. Resolves when all in-sync replicas have it.
 * Throws OperatingError: `kafka-unreachable`, `kafka-refused`, `record-too-large`.
 */
export async function appendRecord(
  brokers: Brokers,
  { topic, key, value, headers, timestampMs }: OutgoingRecord,
): Promise<void> {
  const producer = createKafka({ brokers, clientId: 'diptych-command', requestTimeoutMs }).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  });
  const timestamp = timestampMs.toString();
  const message = { partition: 0, key, value, headers: Object.fromEntries(headers), timestamp };
  const append = async (): Promise<void> => {
    await producer.connect();
    await producer.send({ topic, acks: -1, messages: [message] });
  };
  try {
    await within(append(), { limitMs, what: 'appending a record' });
  } catch (error) {
    throw classify(error, 'asking');
  } finally {
    await producer.disconnect().catch(() => undefined);
  }
}
