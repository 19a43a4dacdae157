import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kafkaAnswers } from './port.ts';
import { Server } from './server.ts';
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

/**
 * A single node that is broker and controller. Internal topics have one replica (there is no second node) and few
 * partitions (each is created at the first transaction or group, which waits for it).
 */
export function brokerProperties(options: { directory: string; port: number; controllerPort: number }): string {
  const { directory, port, controllerPort } = options;
  const properties: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `BROKER://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `BROKER://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'BROKER',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(directory, 'data'),
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
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** The broker as a server of ours, not started yet. */
export async function createBroker(options: BrokerOptions): Promise<Server> {
  const { java, jars, directory, logFile, port, watchdog, signal } = options;
  await mkdir(directory, { recursive: true });
  const properties = join(directory, 'server.properties');
  await writeFile(properties, brokerProperties(options));
  return new Server({
    name: 'embedded Kafka',
    command: java,
    args: [...options.jvmArguments, ...jvmArguments(jars), 'kafka.Kafka', properties],
    directory,
    logFile,
    // A JVM answers SIGQUIT with a thread dump; Kafka has no other way to stop at once than this.
    signals: { orderly: 'SIGTERM', immediate: 'SIGKILL' },
    ready: async (log) =>
      log.includes('Kafka Server started') &&
      (await kafkaAnswers({ host: '127.0.0.1', port }, { timeoutMs: answerTimeoutMs })),
    watchdog,
    signal,
  });
}
