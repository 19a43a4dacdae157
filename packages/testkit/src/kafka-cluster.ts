/**
 * Brokers with a controller of their own, as processes: for what one broker cannot show. Here a killed broker loses no
 * commit marker, because nobody has to wait for its session but the controller (docs/decisions/0008).
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { present } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { findJava } from './java.ts';
import { jvmArguments, propertiesText } from './kafka-broker.ts';
import { copyFiles, installKafka, type KafkaInstallation } from './kafka-installation.ts';
import { cacheDirectory } from './maven.ts';
import { freePorts, kafkaAnswers } from './port.ts';
import { type Control, Server } from './server.ts';
import { Watchdog } from './watchdog.ts';

export interface ClusterOptions {
  /** How many brokers; every topic has a replica on each, and all but one must have a record before it counts. */
  readonly brokers: number;
  /** Settings of every broker besides. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Settings of every node, the controller too. */
  readonly nodeSettings?: Readonly<Record<string, string | number>>;
  /** Where the brokers listen besides, on `localhost` and a port for each broker; `settings` say the rest of a listener. */
  readonly listeners?: readonly {
    readonly name: string;
    readonly protocol: string;
    readonly ports: readonly number[];
  }[];
  /** Where a broker keeps its log, an empty directory. Default: a folder of its own that ends with the cluster. */
  readonly dataDirectory?: (nodeId: number) => string;
  /** What a broker's command line is handed to, for instance a shell that sets a limit. Default: it runs by itself. */
  readonly through?: readonly string[];
  /** Memory of a broker's heap: it holds a request as a whole. Default 256 MiB. */
  readonly heapMebibytes?: number;
}

export interface KafkaCluster {
  /** Each `host:port`, plain text, in the order of their node ids, which begin with 1. */
  readonly brokers: readonly string[];
  /** The broker of a node id. */
  node(nodeId: number): Control;
  /** The last lines that a broker logged over all its lives, for what went wrong. */
  log(nodeId: number): Promise<string>;
  stop(): Promise<void>;
}

const controllerId = 100;
const answerTimeoutMs = 1000;

/**
 * The controller gives up a silent broker after 3 s, not 9: a test waits for that. Six missed heartbeats, so that a busy
 * machine does not lose a living one.
 */
const brokerSessionTimeoutMs = 3000;
const heartbeatIntervalMs = 500;

/** Starts all nodes. They end with us, however we end. Throws OperatingError: `prerequisite-missing` and others. */
export async function startKafkaCluster(options: ClusterOptions): Promise<KafkaCluster> {
  const watchdog = new Watchdog();
  const directory = await mkdtemp(join(tmpdir(), 'diptych-cluster-'));
  watchdog.directoryCreated(directory);
  const started: Control[] = [];
  const stop = async () => {
    await Promise.all(started.map((server) => server.kill()));
    await rm(directory, { recursive: true, force: true });
    await watchdog.finish();
  };
  try {
    const java = await findJava();
    if (java.tag === 'missing') {
      throw new OperatingError('prerequisite-missing', `a Kafka cluster needs Java: ${java.why}`, {
        remedy: 'apt-get install openjdk-17-jre-headless',
      });
    }
    const installation = await installKafka({ cache: cacheDirectory(), java, say: () => {}, watchdog });
    const [controllerPort = 0, ...ports] = await freePorts(options.brokers + 1);
    const shared = { ...options, directory, installation, watchdog, controllerPort, java: java.command };
    const controller = await createController(shared);
    const brokers = await Promise.all(ports.map((port, index) => createNode(shared, index + 1, port)));
    started.push(controller, ...brokers);
    await Promise.all(started.map((server) => server.start()));
    return {
      brokers: ports.map((port) => `127.0.0.1:${port}`),
      node: (nodeId) => present(brokers[nodeId - 1], `broker ${nodeId}`),
      log: (nodeId) => readFile(logFile(directory, nodeId), 'utf8'),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Shared extends ClusterOptions {
  readonly directory: string;
  readonly installation: KafkaInstallation;
  readonly watchdog: Watchdog;
  readonly controllerPort: number;
  readonly java: string;
}

const logFile = (directory: string, nodeId: number): string => join(directory, `${nodeId}.log`);

function createController(shared: Shared): Promise<Server> {
  return createServer(shared, {
    nodeId: controllerId,
    properties: {
      'process.roles': 'controller',
      listeners: `CONTROLLER://127.0.0.1:${shared.controllerPort}`,
      'broker.session.timeout.ms': brokerSessionTimeoutMs,
    },
    answers: async () => true,
  });
}

/** Kafka's controller places replicas, so these are settings of every node. */
function replication({ brokers: replicas }: ClusterOptions): Record<string, number> {
  return { 'default.replication.factor': replicas, 'min.insync.replicas': insyncMin(replicas) };
}

const insyncMin = (replicas: number): number => Math.max(1, replicas - 1);

function createNode(shared: Shared, nodeId: number, port: number): Promise<Server> {
  const { brokers: replicas, listeners = [] } = shared;
  return createServer(shared, {
    nodeId,
    properties: {
      'process.roles': 'broker',
      listeners: [
        `BROKER://127.0.0.1:${port}`,
        ...listeners.map(({ name, ports }) => `${name}://localhost:${ports[nodeId - 1]}`),
      ].join(),
      'inter.broker.listener.name': 'BROKER',
      'broker.heartbeat.interval.ms': heartbeatIntervalMs,
      'auto.create.topics.enable': 'false',
      // One partition: its leader is the coordinator of every transaction.
      'transaction.state.log.num.partitions': 1,
      'transaction.state.log.replication.factor': replicas,
      'transaction.state.log.min.isr': insyncMin(replicas),
      'offsets.topic.num.partitions': 1,
      'offsets.topic.replication.factor': replicas,
      'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
      ...shared.settings,
    },
    answers: () => kafkaAnswers({ host: '127.0.0.1', port }, { timeoutMs: answerTimeoutMs }),
  });
}

async function createServer(
  shared: Shared,
  node: { nodeId: number; properties: Record<string, string | number>; answers: () => Promise<boolean> },
): Promise<Server> {
  const { directory, installation, watchdog, controllerPort, java, dataDirectory } = shared;
  const { through = [], heapMebibytes = 256 } = shared;
  const { nodeId, properties, answers } = node;
  const isController = nodeId === controllerId;
  const ownDirectory = join(directory, String(nodeId));
  await mkdir(ownDirectory, { recursive: true });
  const data = (!isController && dataDirectory?.(nodeId)) || join(ownDirectory, 'data');
  await format(installation, { data, nodeId });
  const file = join(ownDirectory, 'server.properties');
  const common = {
    'node.id': nodeId,
    'controller.quorum.voters': `${controllerId}@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': [
      'BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
      ...(shared.listeners ?? []).map(({ name, protocol }) => `${name}:${protocol}`),
    ].join(),
    'log.dirs': data,
    ...replication(shared),
    ...shared.nodeSettings,
  };
  await writeFile(file, propertiesText({ ...common, ...properties }));
  const archive = installation.archive === undefined ? [] : [`-XX:SharedArchiveFile=${installation.archive}`];
  const line = [
    java,
    ...archive,
    ...jvmArguments(installation.jars),
    `-Xmx${heapMebibytes}m`,
    'kafka.Kafka',
    file,
  ];
  const [command = java, ...args] = isController ? line : [...through, ...line];
  return new Server({
    name: isController ? 'the controller' : `broker ${nodeId}`,
    command,
    args,
    directory: ownDirectory,
    logFile: logFile(directory, nodeId),
    signals: { orderly: 'SIGTERM', immediate: 'SIGKILL' },
    ready: async (log) => log.includes('Kafka Server started') && (await answers()),
    watchdog,
  });
}

/** The formatted directory of the cache, made this node's: the same cluster, an id and a directory id of its own. */
async function format(
  { formatted }: KafkaInstallation,
  { data, nodeId }: { data: string; nodeId: number },
): Promise<void> {
  await copyFiles(formatted, data);
  const file = join(data, 'meta.properties');
  const text = await readFile(file, 'utf8');
  const own = text
    .replace(/^node\.id=.*$/m, `node.id=${nodeId}`)
    .replace(/^directory\.id=.*$/m, `directory.id=${randomBytes(16).toString('base64url')}`);
  await writeFile(file, own);
}
