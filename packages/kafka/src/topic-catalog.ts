/** What a publisher must know of its topics before it sends: how many partitions, and how large a batch may be. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '@diptych/runtime/failure';
import kafkajs, { type Admin } from 'kafkajs';
import { type KafkaClientOptions, withAdmin } from './kafkajs-client.ts';

export interface TopicLimits {
  readonly partitions: number;
  /** `max.message.bytes`: the largest record batch. https://kafka.apache.org/43/configuration/topic-configs/ */
  readonly messageBytesMax: number;
}

/** A topic just created may not have reached the broker that is asked. */
const unknownTopicWaitMs = 1000;

/** Cached for the life of a publisher: a partition count that grows, or a changed limit, is seen by the next session. */
export class TopicCatalog {
  readonly #options: KafkaClientOptions;
  readonly #limits = new Map<string, TopicLimits>();

  constructor(options: KafkaClientOptions) {
    this.#options = options;
  }

  /** The limits of a topic that `load` was asked for. */
  limitsOf(topic: string): TopicLimits {
    return this.#limits.get(topic) ?? missing([topic]);
  }

  /** Asks Kafka for the topics that are not known yet. Throws OperatingError: `kafka-refused`, `kafka-unreachable`. */
  async load(topics: Iterable<string>): Promise<void> {
    const wanted = [...new Set(topics)].filter((topic) => !this.#limits.has(topic));
    if (wanted.length === 0) return;
    const limitMs = this.#options.requestTimeoutMs * 2;
    await withAdmin({ ...this.#options, limitMs, what: 'asking for topics' }, (admin) =>
      this.#load(admin, wanted),
    );
  }

  async #load(admin: Admin, wanted: string[]): Promise<void> {
    await untilKnown(admin, wanted);
    const { topics } = await admin.fetchTopicMetadata({ topics: wanted });
    const { resources } = await admin.describeConfigs({
      resources: wanted.map((name) => ({
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name,
        configNames: ['max.message.bytes'],
      })),
      includeSynonyms: false,
    });
    for (const { name, partitions } of topics) {
      const entries = resources.find((resource) => resource.resourceName === name)?.configEntries ?? [];
      const bytes = entries.find((entry) => entry.configName === 'max.message.bytes')?.configValue;
      if (bytes === undefined) return unreadable(name);
      this.#limits.set(name, { partitions: partitions.length, messageBytesMax: Number(bytes) });
    }
  }
}

/** The metadata request fails as a whole, without a name, when one topic is unknown: so look at the list first. */
async function untilKnown(admin: Admin, wanted: readonly string[]): Promise<void> {
  const deadline = performance.now() + unknownTopicWaitMs;
  for (;;) {
    const existing = new Set(await admin.listTopics());
    const unknown = wanted.filter((topic) => !existing.has(topic));
    if (unknown.length === 0) return;
    if (performance.now() > deadline) missing(unknown);
    await sleep(250);
  }
}

function missing(topics: readonly string[]): never {
  throw new OperatingError('kafka-refused', `Kafka does not know the topic ${topics.join(', ')}`, {
    remedy:
      'Create the topic, run `diptych init`, or let the relay describe and create topics (ACL Describe, Create).',
  });
}

function unreadable(topic: string): never {
  throw new OperatingError('kafka-refused', `Kafka does not tell max.message.bytes of the topic ${topic}`, {
    remedy: 'Give the relay the ACL DescribeConfigs on its topics.',
  });
}
