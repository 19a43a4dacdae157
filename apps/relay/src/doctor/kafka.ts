/** The brokers and the topics, as far as they are told to the relay's principal. */
import type { OperatorClient, TopicState } from '@diptych/kafka/operator-client';
import type { SourceSystem } from '@diptych/wal/server';
import { transactionalIdOf } from '../destination.ts';
import type { Wish } from './subject.ts';
import { domainTopicNeeds, settingsOf, type TopicNeed } from './topic-needs.ts';

export interface TopicFacts {
  readonly need: TopicNeed;
  readonly state: TopicState;
  /** Null when they are not told. */
  readonly settings: ReadonlyMap<string, string> | null;
}

export interface KafkaFacts {
  readonly brokers: number;
  /** Of the broker that allows least; null when it does not tell. */
  readonly brokerSettings: ReadonlyMap<string, string> | null;
  readonly topics: readonly TopicFacts[];
  /** Whether a topic of each prefix could be made: its refusal, or null. */
  readonly creation: ReadonlyMap<string, string | null>;
  /** Null at least once, or while the database is not known: nobody asks for a transactional id. */
  readonly transactional: { readonly id: string; readonly isAllowed: boolean } | null;
}

export interface KafkaSource {
  readonly client: OperatorClient;
  readonly needs: readonly TopicNeed[];
  readonly source: SourceSystem | null;
}

const topicSettings = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'min.insync.replicas',
  'max.message.bytes',
  'message.timestamp.type',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'unclean.leader.election.enable',
] as const;

const brokerSettings = ['transaction.max.timeout.ms', 'auto.create.topics.enable'] as const;

/** Throws OperatingError or the client's error. */
export async function readKafka(
  { client, needs, source }: KafkaSource,
  { configuration }: Wish,
): Promise<KafkaFacts> {
  const nodeIds = await client.nodeIds();
  const all = [...needs, ...domainTopicNeeds(configuration, await client.topicNames())];
  const names = all.map(({ name }) => name);
  const states = await client.topics(names);
  const there = names.filter((name) => states.get(name)?.tag === 'there');
  const settings = await client.topicSettings(there, topicSettings);
  const [first] = nodeIds;
  return {
    brokers: nodeIds.length,
    brokerSettings: first === undefined ? null : await client.brokerSettings(first, brokerSettings),
    topics: all.map((need) => ({
      need,
      state: states.get(need.name) ?? { tag: 'missing' },
      settings: settings.get(need.name) ?? null,
    })),
    creation: await readCreation(client, { configuration, needs: all }),
    transactional: await readTransactional({ client, source, configuration }),
  };
}

/** A name that no topic has, in each prefix of ours, asked for as it would be made. */
async function readCreation(
  client: OperatorClient,
  { configuration, needs }: Pick<Wish, 'configuration'> & { needs: readonly TopicNeed[] },
): Promise<Map<string, string | null>> {
  const { prefix, outbox, kafka } = configuration;
  const [any] = needs;
  if (!any) return new Map();
  const prefixes = [`${prefix}.`, ...(outbox.topicPrefix === '' ? [] : [outbox.topicPrefix])];
  const probe = '__doctor__';
  const refusals = await client.refusalsOfCreation(
    prefixes.map((start) => ({
      name: `${start}${probe}`,
      partitions: kafka.partitions,
      replicationFactor: kafka.replicationFactor,
      config: settingsOf(any),
    })),
  );
  return new Map([...refusals].map(([name, refusal]) => [name.slice(0, -probe.length), refusal]));
}

async function readTransactional({
  client,
  source,
  configuration,
}: Pick<KafkaSource, 'client' | 'source'> & Pick<Wish, 'configuration'>): Promise<
  KafkaFacts['transactional']
> {
  if (configuration.delivery !== 'exactly-once' || !source) return null;
  const id = transactionalIdOf(configuration, source);
  return { id, isAllowed: await client.mayUseTransactionalId(id) };
}
