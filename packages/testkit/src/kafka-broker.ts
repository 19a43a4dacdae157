import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kafkaAnswers } from './port.ts';
import { type Control, Server } from './server.ts';
import type { Watchdog } from './watchdog.ts';

const logConfiguration = fileURLToPath(new URL('../kafka/log4j2.yaml', import.meta.url));
const answerTimeoutMs = 1_000;

export interface BrokerOptions {
  readonly java: string;
  readonly jars: readonly string[];
  /** Arguments of the JVM besides heap and log, for instance its class-data archive. */
  readonly jvmArguments: readonly string[];
  /** A formatted log directory is expected in it as `data`; properties and log are written beside. */
  readonly directory: string;
  readonly logFile: string;
  readonly port: number;
  readonly controllerPort: number;
  readonly watchdog: Watchdog;
  readonly signal?: AbortSignal | undefined;
}

/** Arguments of `java` up to the class to run. The order of the jars is part of what a class-data archive is valid for. */
export function jvmArguments(jars: readonly string[]): readonly string[] {
  // 512 MiB and the serial collector: two cores carry the tests and both servers.
  const memory = ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC'];
  return [...memory, `-Dlog4j2.configurationFile=${logConfiguration}`, '-cp', jars.join(':')];
}

interface NodeOptions {
  readonly directory: string;
  readonly port: number;
  readonly controllerPort: number;
}

/** What the node is whether the broker runs in it or only its controller. */
function nodeProperties({ directory, controllerPort }: NodeOptions): Record<string, string | number> {
  return {
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(directory, 'data'),
  };
}

/**
 * A single node that is broker and controller. Internal topics have one replica (there is no second node) and few
 * partitions (each is created at the first transaction or group, which waits for it).
 */
export function brokerProperties(options: NodeOptions): string {
  const { port, controllerPort } = options;
  return propertiesText({
    ...nodeProperties(options),
    'process.roles': 'broker,controller',
    listeners: `BROKER://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `BROKER://127.0.0.1:${port}`,
    'inter.broker.listener.name': 'BROKER',
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 2,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // The default of 128 MiB is a quarter of the heap, taken at start.
    'log.cleaner.dedupe.buffer.size': 16 * 1024 * 1024,
    // Both indexes of a partition are mapped as empty files of this size, by default 10 MiB. On a disk with a large
    // read-ahead (8 MiB is met in virtual machines) the first write to each fills all of it with zeroes: 2 to 25 ms a file in
    // place of 0.1, seconds for a relay of many tables. 512 KiB serve segments of 180 MB.
    'log.index.size.max.bytes': 512 * 1024,
    // The files of a deleted topic, by default after a minute: a bench would fill the machine's memory with them.
    'log.segment.delete.delay.ms': 1000,
  });
}

/** The controller alone, quick to give up a broker that does not answer. */
function controllerProperties(options: NodeOptions): string {
  return propertiesText({
    ...nodeProperties(options),
    'process.roles': 'controller',
    listeners: `CONTROLLER://127.0.0.1:${options.controllerPort}`,
    'broker.session.timeout.ms': 300,
  });
}

export function propertiesText(properties: Record<string, string | number>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/**
 * The broker under control. After an end that was not orderly the controller is started alone until it has fenced the
 * broker's dead incarnation, as the controllers of a real cluster do while a broker is down. A node that is both would
 * wait for its own dead session (9 s) – and, because its transaction coordinator is already awake when that session ends
 * and the partitions lose their leader, Kafka 4.3.1 then takes the partitions for deleted and drops the markers of a
 * transaction that was committed just before the kill: the transaction hangs for ever.
 */
class Broker implements Control {
  readonly #server: Server;
  readonly #controller: Server;
  #life: 'not started' | 'started' | 'ended orderly' = 'not started';

  constructor({ server, controller }: { server: Server; controller: Server }) {
    this.#server = server;
    this.#controller = controller;
  }

  get pid(): number | undefined {
    return this.#server.pid;
  }

  async start(): Promise<void> {
    if (this.#life === 'started') {
      await this.#controller.start();
      await this.#controller.stop();
    }
    this.#life = 'started';
    await this.#server.start();
  }

  kill(): Promise<void> {
    return this.#server.kill();
  }

  stopImmediately(): Promise<void> {
    return this.#server.stopImmediately();
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    this.#life = 'ended orderly';
  }
}

/** How long the controller is given to fence the broker; it has nothing to fence when the broker was never unfenced. */
const fencingMs = 5_000;

/** Whether the controller has fenced the broker, or has had the time to. */
function fenced(): (log: string) => Promise<boolean> {
  let activeSince: number | undefined;
  return async (log) => {
    if (log.includes('Activated periodic tasks')) activeSince ??= performance.now();
    else activeSince = undefined;
    if (activeSince === undefined) return false;
    return log.includes('Fencing broker 1 ') || performance.now() - activeSince > fencingMs;
  };
}

/** The broker, not started yet. */
export async function createBroker(options: BrokerOptions): Promise<Control> {
  const { java, jars, directory, logFile, port, watchdog, signal } = options;
  await mkdir(directory, { recursive: true });
  const node = async (name: string, properties: string) => {
    const file = join(directory, `${name}.properties`);
    await writeFile(file, properties);
    return {
      command: java,
      args: [...options.jvmArguments, ...jvmArguments(jars), 'kafka.Kafka', file],
      directory,
      logFile,
      // A JVM answers SIGQUIT with a thread dump; Kafka has no other way to stop at once than this.
      signals: { orderly: 'SIGTERM', immediate: 'SIGKILL' },
      watchdog,
      signal,
    } as const;
  };
  const server = new Server({
    ...(await node('server', brokerProperties(options))),
    name: 'embedded Kafka',
    ready: async (log) =>
      log.includes('Kafka Server started') &&
      (await kafkaAnswers({ host: '127.0.0.1', port }, { timeoutMs: answerTimeoutMs })),
  });
  const controller = new Server({
    ...(await node('controller', controllerProperties(options))),
    name: 'the controller of embedded Kafka',
    ready: fenced(),
  });
  return new Broker({ server, controller });
}
