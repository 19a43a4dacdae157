/** The topics that a relay needs: by name, and as they have to be. */
import {
  changeTopicName,
  eventTopicSpec,
  ofAnyTime,
  ownTopicNames,
  type TopicSpec,
  topicSpecs,
} from '@diptych/kafka/topics';
import type { Configuration } from '../configuration.ts';
import type { wantedPublications } from '../publications.ts';

export interface TopicNeed extends TopicSpec {
  /** What it is for. Of `own` topics one partition is the right number; records of the others are placed by their keys. */
  readonly kind: 'own' | 'change' | 'domain';
}

/** Of the relay itself, and of the change events of these tables. */
export function topicNeeds(
  configuration: Configuration,
  { change }: Pick<Awaited<ReturnType<typeof wantedPublications>>, 'change'>,
): TopicNeed[] {
  const { prefix, slot, heartbeat } = configuration;
  const own = topicSpecs({ prefix, slot, eventTopics: [], heartbeat: heartbeat.intervalMs > 0 });
  const asPublished = change.tables.flatMap((table) =>
    table.isPartitioned && !change.viaRoot ? table.partitions : [table],
  );
  const ofTables = asPublished.map(({ schema, name }) => changeTopicName({ prefix, schema, table: name }));
  return [
    ...own.map((spec) => ({ ...spec, kind: 'own' }) as const),
    ...ofTables.map((name) => ({ ...eventNeed(configuration, name), kind: 'change' }) as const),
  ];
}

/** Those of domain events are named by the events: which there are, only Kafka knows. */
export function domainTopicNeeds(configuration: Configuration, existing: readonly string[]): TopicNeed[] {
  const own = new Set(Object.values(ownTopicNames(configuration)));
  const { topicPrefix } = configuration.outbox;
  return existing
    .filter((name) => topicPrefix !== '' && name.startsWith(topicPrefix) && !own.has(name))
    .map((name) => ({ ...eventNeed(configuration, name), kind: 'domain' }) as const);
}

const eventNeed = ({ kafka }: Configuration, name: string): TopicSpec => ({
  ...eventTopicSpec(name),
  partitions: kafka.partitions,
});

/** With the settings that every topic of ours is made with. */
export const settingsOf = ({ config }: TopicSpec): Readonly<Record<string, string>> => ({
  ...ofAnyTime,
  ...config,
});
