/** The brokers, and what the relay's principal may do. https://kafka.apache.org/43/security/authorization-and-acls/ */
import type { Operation } from '@diptych/kafka/operator-client';
import { transactionTimeoutOf } from '../destination.ts';
import { act, type Complaint, findings, type Remedy, setting } from './finding.ts';
import { type KafkaFacts, type KafkaSource, readKafka } from './kafka.ts';
import { kafkaRemedy } from './kafka-statement.ts';
import type { Check, Subject, Wish } from './subject.ts';
import { topicChecks } from './topic-checks.ts';

const reached: Check<KafkaFacts> = ({ brokers }) =>
  findings('brokers', [], `${brokers} ${brokers === 1 ? 'broker answers' : 'brokers answer'}`);

const transactionTimeout: Check<KafkaFacts> = ({ brokerSettings }, { configuration }) => {
  const limit = Number(brokerSettings?.get('transaction.max.timeout.ms') ?? Number.POSITIVE_INFINITY);
  const asked = transactionTimeoutOf(configuration);
  const complaints: Complaint[] = [];
  if (configuration.delivery === 'exactly-once' && asked > limit)
    complaints.push({
      ...{ tag: 'wrong', object: 'transaction.max.timeout.ms' },
      message: `the brokers allow a transaction ${limit} ms, the relay asks for ${asked}`,
      remedies: [setting('DIPTYCH_TIMING_PUBLISH_TIMEOUT_MS', limit * 2)],
    });
  if (brokerSettings === null)
    complaints.push({
      ...{
        tag: 'unseen',
        object: 'transaction.max.timeout.ms',
        message: 'the brokers do not tell their settings',
      },
      remedies: [
        allow(
          { configuration },
          { resource: 'cluster', name: 'kafka-cluster', operations: ['DescribeConfigs'] },
        ),
      ],
    });
  return findings('transaction-timeout', complaints, 'the brokers allow transactions of the relay’s length');
};

/** A consumer that comes too early would make a topic with the broker's own partitions and retention. */
const autoCreation: Check<KafkaFacts> = ({ brokerSettings }) => {
  const complaints: Complaint[] = [];
  if (brokerSettings?.get('auto.create.topics.enable') === 'true')
    complaints.push({
      ...{ tag: 'warning', object: 'auto.create.topics.enable' },
      message:
        'whoever asks for a topic that is not there yet makes it, with the partitions and the retention of the broker',
      remedies: [
        act('Set auto.create.topics.enable=false in the brokers’ properties, and restart them one by one.'),
      ],
    });
  return findings('auto-create-topics', complaints, 'topics are made by the relay only');
};

const needed: readonly Operation[] = ['Describe', 'DescribeConfigs', 'Read', 'Write'];

const access: Check<KafkaFacts> = (facts, { configuration }) => {
  const complaints = facts.topics.flatMap(({ need, state, settings }): Complaint[] => {
    if (state.tag === 'missing') return [];
    const mayDo = state.tag === 'there' ? state.mayDo : new Set<Operation>();
    const lacking = needed.filter(
      (operation) => !mayDo.has(operation) || (operation === 'DescribeConfigs' && settings === null),
    );
    if (lacking.length === 0) return [];
    return [
      {
        ...{ tag: 'wrong', object: need.name },
        message: `the relay may not ${lacking.join(', ')} the topic ${need.name}`,
        remedies: [allow({ configuration }, { resource: 'topic', name: need.name, operations: lacking })],
      },
    ];
  });
  return findings('acl-topics', complaints, 'the relay may do on its topics what it has to');
};

const creation: Check<KafkaFacts> = (facts, { configuration }) => {
  const complaints = [...facts.creation].flatMap(([prefix, refusal]): Complaint[] => {
    if (refusal === null) return [];
    const isAccess = refusal.includes('AUTHORIZATION');
    const remedies: Remedy[] = isAccess
      ? [
          allow(
            { configuration },
            { resource: 'topic', name: prefix, pattern: 'prefixed', operations: ['Create', ...needed] },
          ),
        ]
      : refusal.includes('REPLICATION_FACTOR')
        ? [setting('DIPTYCH_KAFKA_REPLICATION_FACTOR', facts.brokers)]
        : [act('The message says what the brokers object to.')];
    return [
      {
        ...{ tag: isAccess ? 'warning' : 'wrong', object: `${prefix}*`, remedies },
        message: `a topic that begins with ${prefix} could not be made: ${refusal}`,
      },
    ];
  });
  return findings('topic-creation', complaints, 'topics can be made');
};

const transactionalId: Check<KafkaFacts> = ({ transactional }, { configuration }) => {
  const complaints: Complaint[] = [];
  if (transactional && !transactional.isAllowed)
    complaints.push({
      ...{ tag: 'wrong', object: transactional.id },
      message: `the relay may not use its transactional id ${transactional.id}`,
      remedies: [
        allow(
          { configuration },
          { resource: 'transactional-id', name: transactional.id, operations: ['Describe', 'Write'] },
        ),
      ],
    });
  return findings('acl-transactional-id', complaints, 'the relay may use its transactional id');
};

function allow(
  { configuration }: Pick<Wish, 'configuration'>,
  {
    pattern = 'literal',
    ...what
  }: {
    readonly resource: 'topic' | 'cluster' | 'transactional-id';
    readonly name: string;
    readonly operations: readonly Operation[];
    readonly pattern?: 'literal' | 'prefixed';
  },
): Remedy {
  return kafkaRemedy(
    { tag: 'allow', principal: principalOf(configuration), pattern, ...what },
    { configuration },
  );
}

/** Who the brokers see. Of a client certificate alone they know the name, and we do not. */
const principalOf = ({ kafka }: Wish['configuration']): string =>
  `User:${kafka.sasl.username ?? 'ANONYMOUS'}`;

export const kafkaSubject: Subject<KafkaSource, KafkaFacts> = {
  ...{ name: 'kafka', read: readKafka },
  checks: [reached, ...topicChecks, transactionTimeout, autoCreation, access, creation, transactionalId],
};
