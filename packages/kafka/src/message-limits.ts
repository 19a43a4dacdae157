/** How large a record each topic takes, known beforehand: what is set aside for its size is decided before it is sent. */
import { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import { administrate } from './admin-client.ts';
import { batchOverheadBytes, recordBytes, recordBytesMax } from './packing.ts';
import type { OutgoingRecord } from './record.ts';
import { askTopics } from './topics.ts';

/** Three questions to a broker: two requests' time is plenty. */
const requestTimeoutMs = 10_000;
const limitMs = 20_000;

const ofTopic = 'max.message.bytes';
const ofBroker = 'message.max.bytes';

/** `max.message.bytes` of topics as they were at one moment. */
export class MessageLimits {
  readonly #byTopic: ReadonlyMap<string, number>;
  readonly #bytesMax: number;
  /** Every topic takes so much. */
  readonly #bytesOfAll: number;

  /** `bytesMax`: the broker's `message.max.bytes`, for topics that do not exist yet. */
  constructor(byTopic: ReadonlyMap<string, number>, bytesMax: number) {
    this.#byTopic = byTopic;
    this.#bytesMax = bytesMax;
    this.#bytesOfAll = Math.min(bytesMax, ...byTopic.values());
  }

  /** The largest record batch of a topic, in bytes. */
  of(topic: string): number {
    return this.#byTopic.get(topic) ?? this.#bytesMax;
  }

  /** Whether a topic takes a batch of so many bytes. Nearly all are far smaller, and this is asked of each record. */
  takes(topic: string, bytes: number): boolean {
    return bytes <= this.#bytesOfAll || bytes <= this.of(topic);
  }

  /** What a batch of this one record takes, in bytes, when the topic does not take it; null when it does. */
  excess(record: OutgoingRecord): number | null {
    if (this.takes(record.topic, batchOverheadBytes + recordBytesMax(record))) return null;
    const bytes = batchOverheadBytes + recordBytes(record);
    return this.takes(record.topic, bytes) ? null : bytes;
  }

  /** The topics whose limit is another one there. */
  differences(later: MessageLimits): string[] {
    const topics = new Set([...this.#byTopic.keys(), ...later.#byTopic.keys()]);
    return [...topics].filter((topic) => this.of(topic) !== later.of(topic));
  }
}

/**
 * Asks Kafka for the limits of the existing topics that `wanted` names, and for the broker's own.
 * https://kafka.apache.org/43/configuration/topic-configs/#topicconfigs_max.message.bytes
 * Throws OperatingError: `kafka-refused`, `kafka-unreachable`.
 */
export async function readMessageLimits({
  brokers,
  wanted,
}: {
  brokers: Brokers;
  wanted: (topic: string) => boolean;
}): Promise<MessageLimits> {
  const options = { brokers, clientId: 'diptych-limits', requestTimeoutMs, limitMs };
  const existing = await askTopics({ brokers, timeoutMs: limitMs }, 'all');
  return await administrate({ ...options, what: 'asking for the limits of topics' }, async (admin) => {
    const topics = [...existing.keys()].filter(wanted);
    const ofTopics = await admin.topicSettings(topics, ofTopic);
    const { nodeIds } = await admin.cluster();
    const ofNodes = await Promise.all(
      nodeIds.map(async (id) => told(await admin.brokerSetting(id, ofBroker), ofBroker, `broker ${id}`)),
    );
    const byTopic = new Map(topics.map((name) => [name, told(ofTopics.get(name), ofTopic, name)]));
    return new MessageLimits(byTopic, Math.min(...ofNodes));
  });
}

function told(value: string | undefined, setting: string, name: string): number {
  return value === undefined ? untold(setting, name) : Number(value);
}

function untold(setting: string, name: string): never {
  throw new OperatingError('kafka-refused', `Kafka does not tell ${setting} of ${name}`, {
    remedy: 'Give the relay the ACL DescribeConfigs on its topics and on the cluster.',
  });
}
