import { randomBytes } from 'node:crypto';
import { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';
import type { ContainerRuntimeClient, GenericContainer, StartedTestContainer } from 'testcontainers';
import type { Environment, Finding, Missing } from './choose.ts';
import { postgresAnswers } from './embedded-postgres.ts';
import { freePorts, kafkaAnswers } from './port.ts';
import { type Say, showing } from './progress.ts';
import type { Control } from './server.ts';

const engineTimeoutMs = 10_000;
const pullTimeoutMs = 60_000;
const startTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;
const answerTimeoutMs = 1_000;

export interface Images {
  readonly postgres: string;
  readonly kafka: string;
}

export function imagesOf(env: Environment): Images {
  return {
    postgres: env.DIPTYCH_POSTGRES_IMAGE || 'postgres:18',
    kafka: env.DIPTYCH_KAFKA_IMAGE || 'apache/kafka:4.3.1',
  };
}

/** What the containers stack stands on. */
export interface ContainerParts {
  readonly client: ContainerRuntimeClient;
  readonly images: Images;
}

/** Looks for an engine that answers and for the images, which it pulls if they come within 60 seconds. */
export async function findContainers(
  env: Environment,
  say: Say,
): Promise<{ finding: Finding; parts: ContainerParts | undefined }> {
  const images = imagesOf(env);
  const client = await findEngine();
  if (!client) {
    const missing = [
      { what: 'no container engine answers', way: 'install and start Docker, or set DOCKER_HOST' },
    ];
    return { finding: { tag: 'missing', missing }, parts: undefined };
  }
  const reaper = env.RYUK_CONTAINER_IMAGE || 'testcontainers/ryuk:0.14.0';
  const wanted = [images.postgres, images.kafka];
  // The reaper removes the containers when we are killed.
  if (env.TESTCONTAINERS_RYUK_DISABLED !== 'true') wanted.push(reaper);
  const missing = await showing({ say, what: `looking for the images ${wanted.join(', ')}` }, () =>
    pullMissing(client, wanted),
  );
  if (missing.length > 0) return { finding: { tag: 'missing', missing }, parts: undefined };
  return {
    finding: { tag: 'available', why: 'a container engine answers and has the images' },
    parts: { client, images },
  };
}

async function findEngine(): Promise<ContainerRuntimeClient | undefined> {
  try {
    // Loaded only when containers are a candidate: it is large.
    const { getContainerRuntimeClient } = await import('testcontainers');
    return await within(engineTimeoutMs, getContainerRuntimeClient());
  } catch {
    return undefined;
  }
}

async function pullMissing(client: ContainerRuntimeClient, images: readonly string[]): Promise<Missing[]> {
  const { ImageName } = await import('testcontainers');
  const deadline = performance.now() + pullTimeoutMs;
  const missing: Missing[] = [];
  for (const image of images) {
    const name = ImageName.fromString(image);
    try {
      await within(Math.max(deadline - performance.now(), 0), client.image.pull(name));
      // A pull whose stream reports an error ends like one that worked.
      if (await client.image.exists(name)) continue;
    } catch {
      // said below
    }
    missing.push({
      what: `the image ${image} is not there and could not be pulled`,
      way: `docker pull ${image}`,
    });
  }
  return missing;
}

/** The work's result, or undefined when it takes longer. */
async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

export interface ContainerStack {
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  readonly postgres: Control;
  readonly kafka: Control;
  stop(): Promise<void>;
}

/** Starts both containers on ports chosen first. Throws OperatingError `server-not-started`. */
export async function startContainers(options: {
  readonly parts: ContainerParts;
  readonly keep: boolean;
  readonly say: Say;
  readonly signal?: AbortSignal | undefined;
}): Promise<ContainerStack> {
  const { parts, keep, say, signal } = options;
  // The reaper would remove what is to be kept.
  if (keep) process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  const running: RunningContainer[] = [];
  const stop = async () => {
    await Promise.all(running.map((container) => container.end({ keep })));
    if (keep) say(`containers kept: ${running.map(({ id }) => id.slice(0, 12)).join(', ')}`);
  };
  try {
    const started = await Promise.allSettled([startPostgres(parts, running), startKafka(parts, running)]);
    const [postgres, kafka] = started;
    signal?.throwIfAborted();
    if (postgres.status === 'rejected') throw postgres.reason;
    if (kafka.status === 'rejected') throw kafka.reason;
    return {
      databaseUrl: postgres.value.databaseUrl,
      brokers: [kafka.value.broker],
      postgres: postgres.value.control,
      kafka: kafka.value.control,
      stop,
    };
  } catch (cause) {
    await stop();
    signal?.throwIfAborted();
    if (cause instanceof OperatingError) throw cause;
    throw new OperatingError('server-not-started', `a container was not started: ${String(cause)}`, {
      remedy: 'Look at the engine and its log, or set DIPTYCH_STACK=embedded.',
      cause,
    });
  }
}

async function startPostgres({ client, images }: ContainerParts, running: RunningContainer[]) {
  const { GenericContainer, Wait } = await import('testcontainers');
  const [port = 0] = await freePorts(1);
  const password = randomBytes(16).toString('hex');
  const settings = [
    'wal_level=logical',
    'max_replication_slots=40',
    'max_wal_senders=40',
    'max_connections=200',
    'max_prepared_transactions=20',
  ];
  const container = new GenericContainer(images.postgres)
    .withExposedPorts({ container: 5432, host: port })
    .withEnvironment({ POSTGRES_PASSWORD: password })
    .withCommand(['postgres', ...settings.flatMap((setting) => ['-c', setting])])
    // Not said by the entrypoint's temporary server, which listens on its socket alone.
    .withWaitStrategy(Wait.forLogMessage(/listening on IPv4 address/));
  const databaseUrl = `postgres://postgres:${password}@${client.info.containerRuntime.host}:${port}/postgres`;
  const ready = () => postgresAnswers(databaseUrl);
  const control = await RunningContainer.start({
    name: 'Postgres',
    container,
    client,
    immediate: 'SIGQUIT',
    ready,
  });
  running.push(control);
  return { control, databaseUrl };
}

async function startKafka({ client, images }: ContainerParts, running: RunningContainer[]) {
  const { GenericContainer, Wait } = await import('testcontainers');
  const [port = 0] = await freePorts(1);
  const { host } = client.info.containerRuntime;
  const container = new GenericContainer(images.kafka)
    .withExposedPorts({ container: 9092, host: port })
    .withEnvironment(kafkaEnvironment({ host, port }))
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/));
  const ready = () => kafkaAnswers({ host, port }, { timeoutMs: answerTimeoutMs });
  const control = await RunningContainer.start({
    name: 'Kafka',
    container,
    client,
    immediate: 'SIGKILL',
    ready,
  });
  running.push(control);
  return { control, broker: `${host}:${port}` };
}

/** As the embedded broker; INTERNAL is the listener by which the broker reaches itself inside the container. */
export function kafkaEnvironment({ host, port }: { host: string; port: number }): Record<string, string> {
  return {
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_LISTENERS: 'CONTROLLER://:9093,INTERNAL://:19092,HOST://:9092',
    KAFKA_ADVERTISED_LISTENERS: `INTERNAL://localhost:19092,HOST://${host}:${port}`,
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,HOST:PLAINTEXT',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_INTER_BROKER_LISTENER_NAME: 'INTERNAL',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    // A killed broker waits for its own dead session when it comes back: 9 s by default.
    KAFKA_BROKER_SESSION_TIMEOUT_MS: '3000',
    KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: '500',
    KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '2',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
  };
}

interface ContainerOptions {
  readonly name: string;
  readonly container: GenericContainer;
  readonly client: ContainerRuntimeClient;
  readonly immediate: NodeJS.Signals;
  readonly ready: () => Promise<boolean>;
}

/** A container as a server under control. Its host port is fixed, so it is the same after a restart. */
class RunningContainer implements Control {
  readonly pid = undefined;
  readonly #options: ContainerOptions;
  readonly #started: StartedTestContainer;

  private constructor(options: ContainerOptions, started: StartedTestContainer) {
    this.#options = options;
    this.#started = started;
  }

  static async start(options: ContainerOptions): Promise<RunningContainer> {
    const started = await options.container.withStartupTimeout(startTimeoutMs).start();
    const running = new RunningContainer(options, started);
    await running.#untilReady();
    return running;
  }

  get id(): string {
    return this.#started.getId();
  }

  kill(): Promise<void> {
    return this.#signal('SIGKILL');
  }

  stopImmediately(): Promise<void> {
    return this.#signal(this.#options.immediate);
  }

  async stop(): Promise<void> {
    await this.#options.client.container.stop(this.#container(), { timeout: stopTimeoutMs });
  }

  async start(): Promise<void> {
    await this.#container().start();
    await this.#untilReady();
  }

  /** For good; `keep` leaves the stopped container with its data. */
  async end({ keep }: { keep: boolean }): Promise<void> {
    await this.#started.stop({ remove: !keep, timeout: 0 });
  }

  #container() {
    return this.#options.client.container.getById(this.id);
  }

  async #signal(signal: NodeJS.Signals): Promise<void> {
    const container = this.#container();
    await container.kill({ signal });
    await container.wait();
  }

  async #untilReady(): Promise<void> {
    const { name, ready } = this.#options;
    await poll(async () => ((await ready()) ? true : undefined), {
      what: `${name} in its container answers`,
      timeoutMs: startTimeoutMs,
    });
  }
}
