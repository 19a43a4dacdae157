/** A change of Kafka as an operator types it, by the tools that come with it. */
import type { KafkaChange } from '@diptych/kafka/operator-client';
import { unreachable } from '@diptych/runtime/assert';
import { addressesOf, type Brokers } from '@diptych/runtime/kafka-access';
import type { Configuration } from '../configuration.ts';
import type { Remedy } from './finding.ts';

/** https://kafka.apache.org/43/operations/basic-kafka-operations/ */
export function kafkaStatement(change: KafkaChange, brokers: Brokers): string {
  const at = `--bootstrap-server ${addressesOf(brokers).join(',')}`;
  switch (change.tag) {
    case 'create-topic': {
      const { name, partitions, replicationFactor, config } = change.topic;
      const factor = replicationFactor === -1 ? '' : ` --replication-factor ${replicationFactor}`;
      const configs = Object.entries(config).map(([key, value]) => ` --config ${key}=${value}`);
      return `kafka-topics.sh ${at} --create --topic ${name} --partitions ${partitions}${factor}${configs.join('')}`;
    }
    case 'settings': {
      const pairs = Object.entries(change.settings).map(([key, value]) => `${key}=${value}`);
      return `kafka-configs.sh ${at} --alter --entity-type topics --entity-name ${change.topic} --add-config ${pairs.join(',')}`;
    }
    case 'partitions':
      return `kafka-topics.sh ${at} --alter --topic ${change.topic} --partitions ${change.count}`;
    case 'allow': {
      const { principal, operations, resource, name, pattern } = change;
      const what = operations.map((operation) => ` --operation ${operation}`).join('');
      const where = pattern === 'literal' ? '' : ` --resource-pattern-type ${pattern}`;
      return `kafka-acls.sh ${at} --add --allow-principal ${principal}${what} --${resource} ${name}${where}`;
    }
    default:
      return unreachable(change);
  }
}

/** The change as a remedy; with a caution it is left to a person. */
export const kafkaRemedy = (
  change: KafkaChange,
  {
    configuration,
    caution = null,
  }: { readonly configuration: Configuration; readonly caution?: string | null },
): Remedy => ({
  tag: 'kafka',
  statement: kafkaStatement(change, configuration.kafka.brokers),
  ...{ change, caution },
});
