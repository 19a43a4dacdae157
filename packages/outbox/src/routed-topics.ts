/** The topics of the values that events are routed by. */
import type { TopicNaming } from '@diptych/transaction/panel-record';
import { topicSource } from './router-options.ts';
import type { TopicRoute } from './topic-route.ts';

/** Of so many values the topic is remembered: an expression may make one topic of very many. */
const knownMax = 1000;

export class RoutedTopics {
  readonly #options: {
    readonly topics: TopicNaming;
    readonly topicPrefix: string;
    readonly route: TopicRoute;
  };
  readonly #known = new Map<string, string>();

  constructor(options: {
    readonly topics: TopicNaming;
    readonly topicPrefix: string;
    readonly route: TopicRoute;
  }) {
    this.#options = options;
  }

  /** The topic of a value that it was asked before; undefined also when it has forgotten. */
  known(routedBy: string): string | undefined {
    return this.#known.get(routedBy);
  }

  /** Throws what TopicNaming throws. */
  of(routedBy: string): string {
    const known = this.#known.get(routedBy);
    if (known !== undefined) return known;
    const { topics, topicPrefix, route } = this.#options;
    const asked = route(routedBy);
    const topic = topics.of(topicSource(asked, topicPrefix), asked);
    if (this.#known.size < knownMax) this.#known.set(routedBy, topic);
    return topic;
  }
}
