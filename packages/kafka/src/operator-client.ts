/**
 * What an operator asks and changes: topics with their settings, what this principal may do with them, and the few
 * changes that mend them. Only what is named is asked for. https://kafka.apache.org/43/design/protocol/
 */
import { unreachable } from '@diptych/runtime/assert';
import type * as Kafka from '@platformatic/kafka';
import type { AdminOptions, NewTopic } from './admin-client.ts';
import { classify } from './classify.ts';
import { ProtocolError, requests } from './client-floors.ts';
import { Connections, partlyAnswered } from './connections.ts';
import { within } from './deadline.ts';

const {
  createAclsV3,
  createPartitionsV3,
  createTopicsV7,
  describeConfigsV4,
  describeTransactionsV0,
  incrementalAlterConfigsV1,
} = requests;

/** https://kafka.apache.org/43/security/authorization-and-acls/ – by their numbers in the protocol. */
const operations = {
  Read: 3,
  Write: 4,
  Create: 5,
  Alter: 7,
  Describe: 8,
  DescribeConfigs: 10,
  AlterConfigs: 11,
} as const;

export type Operation = keyof typeof operations;

const allow = 3;
const resourceTypes = { topic: 2, cluster: 4, 'transactional-id': 5 } as const;
const patternTypes = { literal: 3, prefixed: 4 } as const;
const topicResource = 2;
const brokerResource = 4;
/** IncrementalAlterConfigs: set this value. */
const setValue = 0;

/** A topic as the cluster shows it to this principal. */
export type TopicState =
  | { readonly tag: 'missing' }
  /** It may not even be described. */
  | { readonly tag: 'hidden' }
  | {
      readonly tag: 'there';
      readonly partitions: number;
      /** Of the partition that has fewest. */
      readonly replicas: number;
      readonly mayDo: ReadonlySet<Operation>;
    };

/** A change that an operator makes, by hand or through `OperatorClient.apply`. */
export type KafkaChange =
  | { readonly tag: 'create-topic'; readonly topic: NewTopic }
  | { readonly tag: 'settings'; readonly topic: string; readonly settings: Readonly<Record<string, string>> }
  | { readonly tag: 'partitions'; readonly topic: string; readonly count: number }
  | {
      readonly tag: 'allow';
      readonly principal: string;
      readonly resource: keyof typeof resourceTypes;
      readonly name: string;
      readonly pattern: keyof typeof patternTypes;
      readonly operations: readonly Operation[];
    };

/** Every method may throw the library's error. */
export class OperatorClient {
  readonly #connections: Connections;
  readonly #requestTimeoutMs: number;

  constructor(options: AdminOptions) {
    this.#connections = new Connections(options);
    this.#requestTimeoutMs = options.requestTimeoutMs;
  }

  /** Ids of the brokers. */
  async nodeIds(): Promise<number[]> {
    const { brokers } = await this.#connections.metadata([]);
    return brokers.map(({ nodeId }) => nodeId);
  }

  /** Names of all topics that this principal may describe. */
  async topicNames(): Promise<string[]> {
    const { topics } = await this.#connections.metadata('all');
    return topics.flatMap(({ name, errorCode }) => (name && errorCode === 0 ? [name] : []));
  }

  async topics(names: readonly string[]): Promise<Map<string, TopicState>> {
    if (names.length === 0) return new Map();
    const { topics } = await this.#connections.metadata(names, { operations: true });
    return new Map(topics.flatMap((topic) => (topic.name ? [[topic.name, stateOf(topic)] as const] : [])));
  }

  /** Settings of topics; null for one whose settings are not told. */
  async topicSettings(
    names: readonly string[],
    settings: readonly string[],
  ): Promise<Map<string, ReadonlyMap<string, string> | null>> {
    return await this.#settings(topicResource, {
      names,
      settings,
      connection: await this.#connections.any(),
    });
  }

  /** Settings of a broker, null when it does not tell them. */
  async brokerSettings(
    nodeId: number,
    settings: readonly string[],
  ): Promise<ReadonlyMap<string, string> | null> {
    await this.#connections.metadata([]);
    const connection = await this.#connections.to(nodeId);
    const name = String(nodeId);
    return (await this.#settings(brokerResource, { names: [name], settings, connection })).get(name) ?? null;
  }

  async #settings(
    resourceType: typeof topicResource | typeof brokerResource,
    {
      names,
      settings,
      connection,
    }: {
      names: readonly string[];
      settings: readonly string[];
      connection: Awaited<ReturnType<Connections['any']>>;
    },
  ): Promise<Map<string, ReadonlyMap<string, string> | null>> {
    if (names.length === 0) return new Map();
    const api = await this.#connections.newest([describeConfigsV4.api]);
    const request = names.map((resourceName) => ({
      ...{ resourceType, resourceName },
      configurationKeys: [...settings],
    }));
    const { results } = await api
      .async(connection, request, false, false)
      .catch(partlyAnswered<Kafka.describeConfigsV4.DescribeConfigsResponse>);
    return new Map(
      results.map(({ errorCode, resourceName, configs }) => [
        resourceName,
        errorCode === 0 ? new Map(configs.map(({ name, value }) => [name, value ?? ''])) : null,
      ]),
    );
  }

  /** Whether these topics could be created, by asking without doing so: the refusal of each, null when they could. */
  async refusalsOfCreation(topics: readonly NewTopic[]): Promise<Map<string, string | null>> {
    return await this.#create(topics, { validateOnly: true });
  }

  async #create(
    topics: readonly NewTopic[],
    { validateOnly }: { validateOnly: boolean },
  ): Promise<Map<string, string | null>> {
    if (topics.length === 0) return new Map();
    const { controllerId } = await this.#connections.metadata([]);
    const api = await this.#connections.newest([createTopicsV7.api]);
    const request = topics.map(({ name, partitions: numPartitions, replicationFactor, config }) => ({
      ...{ name, numPartitions, replicationFactor, assignments: [] },
      configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
    }));
    const answer = await api
      .async(await this.#connections.to(controllerId), request, this.#requestTimeoutMs, validateOnly)
      .catch(partlyAnswered<Kafka.createTopicsV7.CreateTopicsResponse>);
    return new Map(answer.topics.map(({ name, ...rest }) => [name, failureText(rest)]));
  }

  /** Whether this principal may use the transactional id; asking fences nobody. */
  async mayUseTransactionalId(transactionalId: string): Promise<boolean> {
    const api = await this.#connections.newest([describeTransactionsV0.api]);
    const { transactionStates } = await api
      .async(await this.#connections.any(), [transactionalId])
      .catch(partlyAnswered<Kafka.describeTransactionsV0.DescribeTransactionsResponse>);
    return transactionStates.every(
      ({ errorCode }) => codeOf(errorCode) !== 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    );
  }

  /** Makes a change. Throws the broker's refusal. */
  async apply(change: KafkaChange): Promise<void> {
    switch (change.tag) {
      case 'create-topic': {
        const outcomes = await this.#create([change.topic], { validateOnly: false });
        for (const refusal of outcomes.values()) if (refusal !== null) throw new Error(refusal);
        return;
      }
      case 'settings':
        return await this.#alter(change);
      case 'partitions': {
        const { controllerId } = await this.#connections.metadata([]);
        const api = await this.#connections.newest([createPartitionsV3.api]);
        const connection = await this.#connections.to(controllerId);
        const { topic: name, count } = change;
        await api.async(connection, [{ name, count, assignments: null }], this.#requestTimeoutMs, false);
        return;
      }
      case 'allow': {
        const api = await this.#connections.newest([createAclsV3.api]);
        await api.async(await this.#connections.any(), aclsOf(change));
        return;
      }
      default:
        unreachable(change);
    }
  }

  async #alter({ topic, settings }: Extract<KafkaChange, { tag: 'settings' }>): Promise<void> {
    const api = await this.#connections.newest([incrementalAlterConfigsV1.api]);
    const configs = Object.entries(settings).map(([name, value]) => ({
      ...({ name, value, configOperation: setValue } as const),
    }));
    const resource = { resourceType: topicResource, resourceName: topic, configs } as const;
    await api.async(await this.#connections.any(), [resource], false);
  }

  /** Ends the connections. Never throws. */
  close(): Promise<void> {
    return this.#connections.close();
  }
}

function aclsOf({
  principal,
  resource,
  name,
  pattern,
  operations: allowed,
}: Extract<KafkaChange, { tag: 'allow' }>): Kafka.Acl[] {
  return allowed.map((operation) => ({
    resourceType: resourceTypes[resource],
    resourceName: name,
    resourcePatternType: patternTypes[pattern],
    ...{ principal, host: '*', operation: operations[operation], permissionType: allow },
  }));
}

function stateOf({
  errorCode,
  partitions,
  topicAuthorizedOperations,
}: Kafka.metadataV12.MetadataResponseTopic): TopicState {
  if (codeOf(errorCode) === 'TOPIC_AUTHORIZATION_FAILED') return { tag: 'hidden' };
  if (errorCode !== 0) return { tag: 'missing' };
  const mayDo = Object.entries(operations).flatMap(([name, bit]) =>
    (topicAuthorizedOperations & (1 << bit)) === 0 ? [] : [name as Operation],
  );
  const replicas = Math.min(...partitions.map(({ replicaNodes }) => replicaNodes.length));
  return { tag: 'there', partitions: partitions.length, replicas, mayDo: new Set(mayDo) };
}

const codeOf = (errorCode: number): string | null =>
  errorCode === 0 ? null : new ProtocolError(errorCode).apiId;

const failureText = ({
  errorCode,
  errorMessage,
}: {
  errorCode: number;
  errorMessage?: string | null | undefined;
}): string | null =>
  errorCode === 0 ? null : `${codeOf(errorCode)}${errorMessage ? `: ${errorMessage}` : ''}`;

/** Runs `use` with a client and ends it. Throws OperatingError: `kafka-unreachable`, or as `classify` says. */
export async function operate<T>(
  options: AdminOptions & { readonly limitMs: number; readonly what: string },
  use: (client: OperatorClient) => Promise<T>,
): Promise<T> {
  const client = new OperatorClient(options);
  try {
    return await within(use(client), options);
  } catch (error) {
    throw classify(error, 'asking');
  } finally {
    await client.close();
  }
}
