/** Faults of topics and of the brokers, planted by Kafka's own tools. */
import type { Fault } from './fault.ts';

const at = '--bootstrap-server BROKERS';

/** A setting of a topic, `diptych.public.carts` unless another one is named. */
function configured(check: string, name: string, value: string, topic = 'public.carts'): Fault {
  return {
    name: `${name} is ${value} (${topic})`,
    ...{ check, object: (world) => `${world.name}.${topic}` },
    plant: ({ kafka, name: prefix }) =>
      kafka(
        `kafka-configs.sh ${at} --alter --entity-type topics --entity-name ${prefix}.${topic} --add-config ${name}=${value}`,
      ),
  };
}

export const topicFaults: readonly Fault[] = [
  {
    name: 'a topic that is gone',
    ...{ check: 'topics', object: ({ name }) => `${name}.public.items` },
    plant: ({ kafka, name }) => kafka(`kafka-topics.sh ${at} --delete --topic ${name}.public.items`),
  },
  {
    name: 'a topic with few partitions',
    ...{ check: 'topic-partitions', object: ({ name }) => `${name}.public.items` },
    plant: async ({ kafka, name }) => {
      await kafka(`kafka-topics.sh ${at} --delete --topic ${name}.public.items`);
      await kafka(
        `kafka-topics.sh ${at} --create --topic ${name}.public.items --partitions 2 --config retention.ms=-1 --config message.timestamp.after.max.ms=9223372036854775807`,
      );
    },
  },
  configured('retention', 'retention.ms', '3600000'),
  configured('retention', 'retention.ms', '3600000', 'parked'),
  configured('retention-bytes', 'retention.bytes', '1000000'),
  configured('cleanup-policy', 'cleanup.policy', 'compact'),
  {
    ...configured('cleanup-policy', 'cleanup.policy', 'delete'),
    name: 'a checkpoint that retention takes',
    object: ({ name }) => `${name}.checkpoint.${name}`,
    plant: ({ kafka, name }) =>
      kafka(
        `kafka-configs.sh ${at} --alter --entity-type topics --entity-name ${name}.checkpoint.${name} --add-config cleanup.policy=delete`,
      ),
  },
  configured('min-insync-replicas', 'min.insync.replicas', '2'),
  configured('max-message-bytes', 'max.message.bytes', '10000'),
  configured('parked-message-bytes', 'max.message.bytes', '100000', 'parked'),
  configured('timestamp-type', 'message.timestamp.type', 'LogAppendTime'),
  configured('timestamp-after', 'message.timestamp.after.max.ms', '3600000'),
  configured('timestamp-before', 'message.timestamp.before.max.ms', '3600000'),
  configured('unclean-election', 'unclean.leader.election.enable', 'true'),
  {
    name: 'more replicas than brokers',
    ...{ check: 'topic-creation', object: ({ name }) => `${name}.*` },
    settings: { DIPTYCH_KAFKA_REPLICATION_FACTOR: '3' },
    plant: async () => {},
  },
  {
    name: 'a Kafka transaction that is longer than allowed',
    ...{ check: 'transaction-timeout', object: 'transaction.max.timeout.ms' },
    settings: { DIPTYCH_TIMING_PUBLISH_TIMEOUT_MS: '7200000' },
    plant: async () => {},
  },
];

/** With an authorizer: what is allowed to somebody is forbidden to everybody else. */
export const accessFaults: readonly Fault[] = [
  {
    name: 'a topic that others may use',
    ...{ check: 'acl-topics', object: ({ name }) => `${name}.public.carts` },
    plant: ({ kafka, name }) =>
      kafka(
        `kafka-acls.sh ${at} --add --allow-principal User:other --operation Read --topic ${name}.public.carts`,
      ),
  },
  {
    name: 'a transactional id that others may use',
    ...{ check: 'acl-transactional-id' },
    plant: ({ kafka, name }) =>
      kafka(
        `kafka-acls.sh ${at} --add --allow-principal User:other --operation Write --transactional-id diptych/${name}/ --resource-pattern-type prefixed`,
      ),
  },
  {
    name: 'topics that others may make',
    ...{ check: 'topic-creation', object: 'outbox.event.*' },
    plant: async ({ kafka }) => {
      // What the cluster's own work needs, and no more.
      await kafka(
        `kafka-acls.sh ${at} --add --allow-principal User:ANONYMOUS --operation ClusterAction --operation Alter --operation AlterConfigs --operation Describe --operation DescribeConfigs --cluster`,
      );
      await kafka(
        `kafka-acls.sh ${at} --add --allow-principal User:other --operation Create --topic outbox.event. --resource-pattern-type prefixed`,
      );
    },
  },
];
