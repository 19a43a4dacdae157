/** What a publisher must know of its topics before it sends: how many partitions, and how large a batch may be. */
import { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import { type AdminOptions, administrate } from './admin-client.ts';
import type { TopicLocation } from './fetch-client.ts';
import { knownTopics } from './known-topics.ts';
import { askTopics } from './topics.ts';

export interface TopicLimits {
  readonly partitions: number;
  /** `max.message.bytes`: the largest record batch. https://kafka.apache.org/43/configuration/topic-configs/ */
  readonly messageBytesMax: number;
}

/** Cached for the life of a publisher: a partition count that grows, or a changed limit, is seen by the next session. */
export class TopicCatalog {
  readonly #options: AdminOptions;
  readonly #limits = new Map<string, TopicLimits>();

  constructor(options: AdminOptions) {
    this.#options = options;
  }

  /** Whether `load` need not be asked for a topic. */
  has(topic: string): boolean {
    return this.#limits.has(topic);
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
    const found = await untilKnown({ brokers: this.#options.brokers, timeoutMs: limitMs }, wanted);
    const bytesMax = await administrate({ ...this.#options, limitMs, what: 'asking for limits' }, (admin) =>
      admin.topicSettings(wanted, 'max.message.bytes'),
    );
    for (const [topic, { leaders }] of found) {
      const messageBytesMax = Number(bytesMax.get(topic) ?? unreadable(topic));
      this.#limits.set(topic, { partitions: leaders.length, messageBytesMax });
    }
  }
}

async function untilKnown(
  request: { readonly brokers: Brokers; readonly timeoutMs: number },
  wanted: readonly string[],
): Promise<Map<string, TopicLocation>> {
  const found = await knownTopics((names) => askTopics(request, names), wanted);
  const unknown = wanted.filter((topic) => !found.has(topic));
  return unknown.length === 0 ? found : missing(unknown);
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
