/** https://kafka.apache.org/43/configuration/topic-configs/ */
import { ownTopicNames } from '@diptych/kafka/topics';
import { act, type Complaint, command, findings } from './finding.ts';
import type { KafkaFacts, TopicFacts } from './kafka.ts';
import { kafkaRemedy } from './kafka-statement.ts';
import type { Check, Wish } from './subject.ts';
import { settingsOf } from './topic-needs.ts';

/** The broker's own default: what a service takes for granted. */
const messageBytesMin = 1_048_588;

type There = Extract<TopicFacts['state'], { tag: 'there' }>;

/** Those that exist, with what is told of them. */
const existing = ({ topics }: KafkaFacts) =>
  topics.flatMap(({ need, state, settings }) => (state.tag === 'there' ? [{ need, state, settings }] : []));

/** The relay makes them when it may: the check says what would be made. */
const topicsThere: Check<KafkaFacts> = ({ topics }, { configuration }) => {
  const { replicationFactor } = configuration.kafka;
  const missing = topics.filter(({ state }) => state.tag === 'missing');
  if (missing.length === topics.length)
    return findings(
      'topics',
      [{ tag: 'warning', message: 'no topic is there yet', remedies: [command('diptych init')] }],
      '',
    );
  const complaints = missing.map(({ need }): Complaint => {
    const { name, partitions } = need;
    const topic = { name, partitions, replicationFactor, config: settingsOf(need) };
    return {
      ...{ tag: 'warning', object: name, message: `there is no topic ${name} yet` },
      remedies: [kafkaRemedy({ tag: 'create-topic', topic }, { configuration })],
    };
  });
  return findings('topics', complaints, `all ${topics.length} topics are there`);
};

const partitions: Check<KafkaFacts> = (facts, { configuration }) => {
  const complaints = existing(facts).flatMap(({ need, state }): Complaint[] => {
    const { name, kind, partitions: wanted } = need;
    const found = state.partitions;
    if (kind === 'own')
      return found === 1
        ? []
        : [
            {
              ...{ tag: 'wrong', object: name },
              message: `${name} has ${found} partitions: its records have one order, that of one partition`,
              remedies: [
                act(
                  `Choose another prefix (DIPTYCH_PREFIX) or slot, or delete ${name} while no relay runs, and with it what it holds.`,
                ),
                command('diptych init'),
              ],
            },
          ];
    if (found >= wanted) return [];
    return [
      {
        ...{ tag: 'warning', object: name },
        message: `${name} has ${found} partitions, kafka.partitions is ${wanted}: a relay that has placed keys there goes on with those until it is told \`run --accept-partitions\``,
        remedies: [kafkaRemedy({ tag: 'partitions', topic: name, count: wanted }, { configuration })],
      },
    ];
  });
  return findings('topic-partitions', complaints, 'every topic has its partitions');
};

/** One setting of the topics that tell theirs: what is wrong with its value, and the right one. */
function settingCheck(
  check: string,
  name: string,
  judge: (
    value: string,
    topic: { readonly need: TopicFacts['need']; readonly state: There; readonly wish: Wish },
  ) => { readonly tag: 'warning' | 'wrong'; readonly why: string; readonly right: string } | null,
): Check<KafkaFacts> {
  return (facts, wish) => {
    const { configuration } = wish;
    const complaints = existing(facts).flatMap(({ need, state, settings }): Complaint[] => {
      const value = settings?.get(name);
      const judged = value === undefined ? null : judge(value, { need, state, wish });
      if (!judged) return [];
      const change = { tag: 'settings', topic: need.name, settings: { [name]: judged.right } } as const;
      return [
        {
          ...{ tag: judged.tag, object: need.name },
          message: `${name} of ${need.name} is ${value}: ${judged.why}`,
          remedies: [kafkaRemedy(change, { configuration })],
        },
      ];
    });
    return findings(check, complaints, `${name} is right`);
  };
}

const cleanupPolicy = settingCheck('cleanup-policy', 'cleanup.policy', (value, { need }) => {
  const right = need.config['cleanup.policy'] ?? 'delete';
  if (value === right) return null;
  return right === 'compact'
    ? { tag: 'wrong', right, why: 'the checkpoint goes, and with it where the relay is' }
    : { tag: 'warning', right, why: 'what is compacted away is in no join, no drift proof and no replay' };
});

const retention = settingCheck('retention', 'retention.ms', (value, { need }) => {
  const right = need.config['retention.ms'];
  if (right === undefined || value === '-1' || (Number(value) >= Number(right) && right !== '-1'))
    return null;
  const isParked = need.kind === 'own';
  return {
    ...{ tag: isParked ? 'wrong' : 'warning', right },
    why: isParked
      ? 'what the relay has set aside, or was told, goes with it'
      : 'join, drift and replay are not whole',
  };
});

const retentionBytes = settingCheck('retention-bytes', 'retention.bytes', (value) =>
  value === '-1' ? null : { tag: 'warning', right: '-1', why: 'what is beyond it goes, however young' },
);

const inSync = settingCheck(
  'min-insync-replicas',
  'min.insync.replicas',
  (value, { state: { replicas } }) => {
    const minimum = Number(value);
    const right = String(Math.max(1, replicas - 1));
    if (minimum > replicas)
      return { tag: 'wrong', right, why: `it has ${replicas} replicas, so that nothing can be written` };
    if (replicas > 1 && minimum === replicas)
      return { tag: 'warning', right, why: 'one broker that is away stops the relay' };
    if (replicas > 2 && minimum < 2)
      return { tag: 'warning', right: '2', why: 'what one broker alone has acknowledged goes with it' };
    return null;
  },
);

const messageBytes = settingCheck('max-message-bytes', 'max.message.bytes', (value) =>
  Number(value) >= messageBytesMin
    ? null
    : { tag: 'warning', right: String(messageBytesMin), why: 'larger records are parked, or stop the relay' },
);

const timestampType = settingCheck('timestamp-type', 'message.timestamp.type', (value) =>
  value === 'CreateTime'
    ? null
    : { tag: 'warning', right: 'CreateTime', why: 'records do not say when their transaction was committed' },
);

const timestampAfter = settingCheck(
  'timestamp-after',
  'message.timestamp.after.max.ms',
  (value, { need }) => {
    const right = settingsOf(need)['message.timestamp.after.max.ms'] ?? '';
    return value === right
      ? null
      : { tag: 'warning', right, why: 'a clock of Postgres that is further ahead stops the relay' };
  },
);

const timestampBefore = settingCheck('timestamp-before', 'message.timestamp.before.max.ms', (value) =>
  value === String(2n ** 63n - 1n)
    ? null
    : { tag: 'warning', right: String(2n ** 63n - 1n), why: 'a relay that was away for longer is refused' },
);

const uncleanElection = settingCheck('unclean-election', 'unclean.leader.election.enable', (value) =>
  value === 'false'
    ? null
    : { tag: 'warning', right: 'false', why: 'a leader may be elected that lacks acknowledged records' },
);

/** Size of what is parked: 256 KiB in base64, with its words. */
const parkedBytesMin = 512 * 1024;

const parkedSize: Check<KafkaFacts> = (facts, wish) => {
  const { parked } = ownTopicNames(wish.configuration);
  const check = settingCheck('parked-message-bytes', 'max.message.bytes', (value, { need }) =>
    need.name !== parked || Number(value) >= parkedBytesMin
      ? null
      : { tag: 'wrong', right: String(messageBytesMin), why: 'a value of 256 KiB could not be set aside' },
  );
  return check(facts, wish);
};

export const topicChecks: readonly Check<KafkaFacts>[] = [
  topicsThere,
  partitions,
  cleanupPolicy,
  retention,
  retentionBytes,
  inSync,
  messageBytes,
  parkedSize,
  timestampType,
  timestampAfter,
  timestampBefore,
  uncleanElection,
];
