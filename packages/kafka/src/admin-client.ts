/**
 * Administration that asks about our topics and nobody else's. kafkajs asks for all topics of the cluster before whatever it
 * does, and does nothing while a partition of any of them has no leader. https://kafka.apache.org/43/design/protocol/
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Brokers } from '@diptych/runtime/kafka-access';
import type * as Kafka from '@platformatic/kafka';
import { classify } from './classify.ts';
import { ProtocolError, requests } from './client-floors.ts';
import { Connections, partlyAnswered } from './connections.ts';
import { within } from './deadline.ts';

const {
  createTopicsV5,
  createTopicsV6,
  createTopicsV7,
  describeConfigsV2,
  describeConfigsV3,
  describeConfigsV4,
} = requests;

// Newest first.
const createTopicsApis = [createTopicsV7.api, createTopicsV6.api, createTopicsV5.api];
const describeConfigsApis = [describeConfigsV4.api, describeConfigsV3.api, describeConfigsV2.api];

const topicResource = 2;
const brokerResource = 4;

/** What goes wrong while a controller or a broker changes is tried again for so long: whoever calls has a back-off of its own. */
const retryMs = 2000;
const retryIntervalMs = 100;

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  /** -1 is the broker's own. */
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

export interface Cluster {
  readonly clusterId: string;
  readonly nodeIds: readonly number[];
}

export interface AdminOptions {
  readonly brokers: Brokers;
  readonly clientId: string;
  readonly requestTimeoutMs: number;
}

/** Every method may throw the library's error. */
export class AdminClient {
  readonly #connections: Connections;
  readonly #requestTimeoutMs: number;

  constructor(options: AdminOptions) {
    this.#connections = new Connections(options);
    this.#requestTimeoutMs = options.requestTimeoutMs;
  }

  async cluster(): Promise<Cluster> {
    const { clusterId, brokers } = await this.#connections.metadata([]);
    return { clusterId: clusterId ?? '', nodeIds: brokers.map(({ nodeId }) => nodeId) };
  }

  /** What became of each topic: null when it was created. Any broker hands it on to the controller. */
  async createTopics(topics: readonly NewTopic[]): Promise<Map<string, Kafka.ProtocolError | null>> {
    const { controllerId } = await this.#connections.metadata([]);
    const api = await this.#connections.newest(createTopicsApis);
    const request = topics.map(({ name, partitions, replicationFactor, config }) => ({
      name,
      numPartitions: partitions,
      replicationFactor,
      assignments: [],
      configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
    }));
    const answer = await api
      .async(await this.#connections.to(controllerId), request, this.#requestTimeoutMs, false)
      .catch(partlyAnswered<Kafka.createTopicsV7.CreateTopicsResponse>);
    const failures = answer.topics.map(({ name, errorCode, errorMessage }) => {
      const failure = errorCode === 0 ? null : new ProtocolError(errorCode, errorMessage);
      if (failure && 'canRetry' in failure && failure.canRetry === true) throw failure;
      return [name, failure] as const;
    });
    return new Map(failures);
  }

  /** One setting of each topic; of one that is not told there is none. */
  topicSettings(names: readonly string[], setting: string): Promise<Map<string, string>> {
    return this.#settings({ type: topicResource, names, setting });
  }

  /** One setting of a broker, which it tells of itself only. */
  async brokerSetting(nodeId: number, setting: string): Promise<string | undefined> {
    const name = String(nodeId);
    return (await this.#settings({ type: brokerResource, names: [name], setting, nodeId })).get(name);
  }

  async #settings({
    type,
    names,
    setting,
    nodeId,
  }: {
    type: typeof topicResource | typeof brokerResource;
    names: readonly string[];
    setting: string;
    nodeId?: number;
  }): Promise<Map<string, string>> {
    if (names.length === 0) return new Map();
    const api = await this.#connections.newest(describeConfigsApis);
    const connection = await (nodeId === undefined ? this.#connections.any() : this.#connections.to(nodeId));
    const request = names.map((resourceName) => ({
      resourceType: type,
      resourceName,
      configurationKeys: [setting],
    }));
    const { results } = await api.async(connection, request, false, false);
    return new Map(
      results.flatMap(({ resourceName, configs }) =>
        configs.flatMap(({ name, value }) =>
          name === setting && typeof value === 'string' ? [[resourceName, value] as const] : [],
        ),
      ),
    );
  }

  /** Ends the connections. Never throws. */
  close(): Promise<void> {
    return this.#connections.close();
  }
}

/**
 * Runs `use` with a client and ends it; once more, within about two seconds, when Kafka does not answer. Throws
 * OperatingError: `kafka-unreachable` when that takes longer than `limitMs`, or as `classify` says.
 */
export async function administrate<T>(
  options: AdminOptions & { readonly limitMs: number; readonly what: string },
  use: (admin: AdminClient) => Promise<T>,
): Promise<T> {
  const admin = new AdminClient(options);
  try {
    return await within(
      persist(() => use(admin)),
      options,
    );
  } catch (error) {
    throw classify(error, 'asking');
  } finally {
    await admin.close();
  }
}

async function persist<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + retryMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const failure = classify(error, 'asking');
      if (failure.code !== 'kafka-unreachable' || performance.now() > deadline) throw failure;
      await sleep(retryIntervalMs);
    }
  }
}
