import { OperatingError } from '@diptych/runtime/failure';
import type { TopicNaming } from '@diptych/transaction/panel-record';

/** Kafka's limit, in characters. https://kafka.apache.org/43/operations/basic-kafka-operations/ */
const nameLengthMax = 249;

/** Characters outside `[A-Za-z0-9._-]` become `_`, one for each UTF-16 unit. */
export function sanitize(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]/g, '_');
}

/**
 * The topics of both panels and what each stands for. Two sources never share a topic; names that differ only in `.` and
 * `_` collide as well, because Kafka refuses to create the second (they would share the names of their metrics).
 */
export class TopicNames implements TopicNaming {
  readonly #topicsMax: number;
  readonly #topics = new Map<string, string>();
  /** By the topic's name with `_` for each `.`. */
  readonly #sources = new Map<string, string>();

  constructor({ topicsMax = 1000 }: { readonly topicsMax?: number } = {}) {
    this.#topicsMax = topicsMax;
  }

  /**
   * The valid name of `topic`, which from now on belongs to `source`. Throws OperatingError: `topic-name-collision`,
   * `topics-exhausted`, and `topic-not-creatable` for a name that Kafka cannot hold.
   */
  of(source: string, topic: string): string {
    return this.#topics.get(source) ?? this.#register(source, topic);
  }

  #register(source: string, topic: string): string {
    const name = sanitize(topic);
    if (name.length > nameLengthMax || name === '' || name === '.' || name === '..') {
      throw new OperatingError(
        'topic-not-creatable',
        `${source} has no valid topic: ${name.slice(0, 80)} …`,
        {
          remedy: `Rename it or shorten the prefix: a topic has 1 to ${nameLengthMax} characters.`,
        },
      );
    }
    const family = name.replaceAll('.', '_');
    const other = this.#sources.get(family);
    if (other !== undefined) {
      throw new OperatingError(
        'topic-name-collision',
        `${source} and ${other} would share the topic ${name}`,
        {
          remedy: 'Rename one of them, or publish them under different prefixes.',
        },
      );
    }
    if (this.#sources.size >= this.#topicsMax) {
      throw new OperatingError(
        'topics-exhausted',
        `${source} would need topic number ${this.#topicsMax + 1}`,
        {
          remedy: 'Publish fewer tables or aggregate types, or raise topicsMax.',
        },
      );
    }
    this.#sources.set(family, source);
    this.#topics.set(source, name);
    return name;
  }
}
