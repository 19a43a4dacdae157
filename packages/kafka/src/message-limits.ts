/** How large a record each topic takes, known beforehand: what is set aside for its size is decided before it is sent. */
import { OperatingError } from '@diptych/runtime/failure';
import kafkajs, { type Admin } from 'kafkajs';
import { withAdmin } from './kafkajs-client.ts';
import { batchOverheadBytes, recordBytes } from './packing.ts';
import type { OutgoingRecord } from './record.ts';
import { askTopics } from './topics.ts';

/** Three questions to a broker: two requests' time is plenty. */
const requestTimeoutMs = 10_000;
const limitMs = 20_000;

/** `max.message.bytes` of topics as they were at one moment. */
export class MessageLimits {
  readonly #byTopic: ReadonlyMap<string, number>;
  readonly #bytesMax: number;

  /** `bytesMax`: the broker's `message.max.bytes`, for topics that do not exist yet. */
  constructor(byTopic: ReadonlyMap<string, number>, bytesMax: number) {
    this.#byTopic = byTopic;
    this.#bytesMax = bytesMax;
  }

  /** The largest record batch of a topic, in bytes. */
  of(topic: string): number {
    return this.#byTopic.get(topic) ?? this.#bytesMax;
  }

  /** What a batch of this one record takes, in bytes, when the topic does not take it; null when it does. */
  excess(record: OutgoingRecord): number | null {
    const bytes = batchOverheadBytes + recordBytes(record);
    return bytes > this.of(record.topic) ? bytes : null;
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
  brokers: readonly string[];
  wanted: (topic: string) => boolean;
}): Promise<MessageLimits> {
  const options = { brokers, clientId: 'diptych-limits', requestTimeoutMs, limitMs };
  const existing = await askTopics({ brokers, timeoutMs: limitMs }, 'all');
  return await withAdmin({ ...options, what: 'asking for the limits of topics' }, async (admin) => {
    const topics = [...existing.keys()].filter(wanted);
    const { brokers: nodes } = await admin.describeCluster();
    const byTopic = await settings(admin, {
      type: kafkajs.ConfigResourceTypes.TOPIC,
      names: topics,
      setting: 'max.message.bytes',
    });
    const byNode = await settings(admin, {
      type: kafkajs.ConfigResourceTypes.BROKER,
      names: nodes.map((node) => String(node.nodeId)),
      setting: 'message.max.bytes',
    });
    return new MessageLimits(byTopic, Math.min(...byNode.values()));
  });
}

async function settings(
  admin: Admin,
  { type, names, setting }: { type: kafkajs.ConfigResourceTypes; names: readonly string[]; setting: string },
): Promise<Map<string, number>> {
  if (names.length === 0) return new Map();
  const { resources } = await admin.describeConfigs({
    resources: names.map((name) => ({ type, name, configNames: [setting] })),
    includeSynonyms: false,
  });
  return new Map(
    resources.map(({ resourceName, configEntries }) => {
      const value = configEntries.find((entry) => entry.configName === setting)?.configValue;
      return [resourceName, value === undefined ? untold(setting, resourceName) : Number(value)];
    }),
  );
}

function untold(setting: string, name: string): never {
  throw new OperatingError('kafka-refused', `Kafka does not tell ${setting} of ${name}`, {
    remedy: 'Give the relay the ACL DescribeConfigs on its topics and on the cluster.',
  });
}
