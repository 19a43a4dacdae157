/**
 * One Kafka Connect worker, standalone, and its connectors by REST: they share the slow start of the JVM.
 * https://kafka.apache.org/43/kafka-connect/user-guide/
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';
import { findJava } from '@diptych/testkit/java';
import { freePorts } from '@diptych/testkit/port';
import { Server } from '@diptych/testkit/server';
import type { Watchdog } from '@diptych/testkit/watchdog';
import type { ConnectInstallation } from './connect-installation.ts';

export type ConnectorConfiguration = Readonly<Record<string, string>>;

export interface ConnectOptions {
  readonly installation: ConnectInstallation;
  readonly brokers: readonly string[];
  /** Offsets, properties and the log are written there. */
  readonly directory: string;
  readonly watchdog: Watchdog;
  readonly signal?: AbortSignal | undefined;
  /** Memory and compilers of the JVM. Left out: what starts soon and stays small. */
  readonly jvmArguments?: readonly string[];
  /** Properties of the worker that are to be others. */
  readonly properties?: ConnectorConfiguration;
}

const quickAndSmall = ['-Xms64m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const logConfiguration = fileURLToPath(new URL('./connect/log4j2.properties', import.meta.url));
const answerTimeoutMs = 2000;
/**
 * A request that validates a connector opens a connection to Postgres; a worker that rebalances answers 409 meanwhile, and
 * one that waits for a connector's end does not answer: it is asked again, whatever is asked may be asked twice.
 */
const requestTimeoutMs = 240_000;
const askTimeoutMs = 30_000;
const stateTimeoutMs = 180_000;
/** A JVM that loads two hundred jars: 10 s alone, minutes where others work. */
const startTimeoutMs = 240_000;

interface ConnectorStatus {
  readonly connector: { readonly state: string; readonly trace?: string };
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[];
}

/** What the worker says of a connector and its one task. */
export type ConnectorState =
  | { readonly tag: 'running' | 'stopped' | 'pending' }
  | { readonly tag: 'failed'; readonly trace: string };

export class Connect {
  readonly #server: Server;
  readonly #url: string;
  /** To be given again to a worker that was killed: standalone, it keeps offsets and forgets connectors. */
  readonly #connectors = new Map<string, ConnectorConfiguration>();

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.#url = url;
  }

  /** Starts the worker, without connectors. Throws OperatingError `server-not-started`, `prerequisite-missing`. */
  static async start(options: ConnectOptions): Promise<Connect> {
    const { installation, directory, watchdog, signal, jvmArguments = quickAndSmall } = options;
    const java = await findJava();
    if (java.tag === 'missing') {
      throw new OperatingError('prerequisite-missing', `Kafka Connect needs Java: ${java.why}`, {
        remedy: 'apt-get install openjdk-17-jre-headless',
      });
    }
    await mkdir(directory, { recursive: true });
    const [port = 0] = await freePorts(1);
    const url = `http://127.0.0.1:${port}`;
    const properties = join(directory, 'worker.properties');
    await writeFile(properties, workerProperties(options, port));
    const server = new Server({
      name: 'Kafka Connect',
      command: java.command,
      args: [
        ...jvmArguments,
        `-Dlog4j2.configurationFile=${logConfiguration}`,
        ...['-cp', installation.jars.join(':')],
        ...['org.apache.kafka.connect.cli.ConnectStandalone', properties],
      ],
      directory,
      logFile: join(directory, 'connect.log'),
      signals: { orderly: 'SIGTERM', immediate: 'SIGKILL' },
      ready: () => answers(url),
      startTimeoutMs,
      watchdog,
      signal,
    });
    await server.start();
    return new Connect(server, url);
  }

  /** Of the worker; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#server.pid;
  }

  /** Makes a connector, or gives it another configuration; it starts at once. */
  async put(name: string, configuration: ConnectorConfiguration): Promise<void> {
    await this.#request('PUT', `/connectors/${name}/config`, configuration);
    this.#connectors.set(name, configuration);
  }

  async remove(name: string): Promise<void> {
    this.#connectors.delete(name);
    await this.#request('DELETE', `/connectors/${name}`);
  }

  /** Ends the connector's task in an orderly way and keeps its offsets. Returns when it has ended. */
  async stopConnector(name: string): Promise<void> {
    await this.#request('PUT', `/connectors/${name}/stop`);
    const stopped = async () => ((await this.state(name)).tag === 'stopped' ? true : undefined);
    await poll(stopped, { what: `connector ${name} has stopped`, timeoutMs: stateTimeoutMs });
  }

  async resumeConnector(name: string): Promise<void> {
    await this.#request('PUT', `/connectors/${name}/resume`);
  }

  async state(name: string): Promise<ConnectorState> {
    const answer = await this.#request('GET', `/connectors/${name}/status`);
    if (answer === null) return { tag: 'pending' };
    const { connector, tasks } = answer as ConnectorStatus;
    const failed = [connector, ...tasks].find(({ state }) => state === 'FAILED');
    if (failed) return { tag: 'failed', trace: failed.trace ?? '' };
    if (connector.state === 'STOPPED') return { tag: tasks.length === 0 ? 'stopped' : 'pending' };
    return {
      tag: tasks.length > 0 && tasks.every(({ state }) => state === 'RUNNING') ? 'running' : 'pending',
    };
  }

  /** SIGKILL to the worker: every connector dies with it. */
  kill(): Promise<void> {
    return this.#server.kill();
  }

  /** The worker again, with the connectors that it had; nothing when it runs. */
  async revive(): Promise<void> {
    if (this.#server.pid !== undefined) return;
    await this.#server.start();
    for (const [name, configuration] of this.#connectors) await this.put(name, configuration);
  }

  /** Another worker in its place, without connectors: of one that does not do what it is asked. */
  async renew(): Promise<void> {
    this.#connectors.clear();
    await this.#server.kill();
    await this.#server.start();
  }

  /** Nothing of it is needed any more. */
  async close(): Promise<void> {
    await this.#server.kill();
  }

  /** The JSON of the answer; null when there is none, or no such connector (yet). */
  async #request(method: 'GET' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const ask = async () => {
      const answer = await fetch(`${this.#url}${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        signal: AbortSignal.timeout(askTimeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      // https://kafka.apache.org/43/kafka-connect/user-guide/#rest-api: 409 while the worker is busy with a connector
      if (answer.status === 409) return undefined;
      if (answer.status === 404) return null;
      if (answer.ok) return text === '' ? null : (JSON.parse(text) as unknown);
      throw new OperatingError('server-not-started', `Kafka Connect refused ${method} ${path}: ${text}`, {
        remedy: 'Its answer says why.',
      });
    };
    const askAgain = (error: unknown) => {
      if (error instanceof DOMException && error.name === 'TimeoutError') return undefined;
      throw error;
    };
    const what = `Kafka Connect answers ${method} ${path}`;
    try {
      return await poll(() => ask().catch(askAgain), { what, timeoutMs: requestTimeoutMs });
    } catch (error) {
      if (error instanceof OperatingError) throw error;
      const remedy = 'Its log, connect.log in its directory, may say why.';
      throw new OperatingError('server-not-started', String(error), { remedy, cause: error });
    }
  }
}

function workerProperties(
  { installation, brokers, directory, properties: others = {} }: ConnectOptions,
  port: number,
): string {
  const properties = {
    'bootstrap.servers': brokers.join(','),
    listeners: `http://127.0.0.1:${port}`,
    'plugin.path': installation.plugins,
    // The plugin lists its classes for Java's ServiceLoader: no scan of the jars, which takes seconds.
    'plugin.discovery': 'service_load',
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'key.converter.schemas.enable': 'false',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
    'offset.storage.file.filename': join(directory, 'offsets'),
    'offset.flush.interval.ms': '200',
    'topic.creation.enable': 'true',
    'connector.client.config.override.policy': 'All',
    ...others,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/connectors`, { signal: AbortSignal.timeout(answerTimeoutMs) })).ok;
  } catch {
    return false;
  }
}

/**
 * What a connector captures: a slot of its own and the tables of a publication, in topics that begin with its id. Nothing is
 * made or read before it starts. https://debezium.io/documentation/reference/3.7/connectors/postgresql.html#postgresql-connector-properties
 */
export function capturing(
  databaseUrl: string,
  { id, publication }: { readonly id: string; readonly publication: string },
): ConnectorConfiguration {
  const url = new URL(databaseUrl);
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'database.hostname': url.hostname,
    'database.port': url.port,
    'database.user': decodeURIComponent(url.username),
    'database.password': decodeURIComponent(url.password),
    'database.dbname': decodeURIComponent(url.pathname.slice(1)),
    'plugin.name': 'pgoutput',
    'topic.prefix': id,
    'slot.name': id,
    'publication.name': publication,
    'publication.autocreate.mode': 'disabled',
    'snapshot.mode': 'no_data',
  };
}
