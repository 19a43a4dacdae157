/** A Postgres of a test's own, made as the test wants it and killed as it likes; Kafka is the run's. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestServers } from '@diptych/relay-app/relay-under-test';
import { present } from '@diptych/runtime/assert';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import { installedPostgres, serverIdentity, startEmbeddedPostgres } from '@diptych/testkit/embedded-postgres';
import { testBrokers } from '@diptych/testkit/for-tests';
import { freePorts } from '@diptych/testkit/port';
import type { Control } from '@diptych/testkit/server';
import { Watchdog } from '@diptych/testkit/watchdog';

/** The server's user has to pass through to its own part. */
const traversable = 0o711;

export interface OwnPostgres {
  readonly control: Control;
  /** A superuser's, of the maintenance database. */
  readonly databaseUrl: string;
  readonly dataDirectory: string;
  readonly logFile: string;
  /** What `RelayUnderTest.create` takes: databases here, topics on the run's brokers. */
  readonly servers: TestServers;
  /** Ends the server and removes its data. */
  remove(): Promise<void>;
}

/** The embedded server in a cluster of its own, whatever stack the run has. Throws OperatingError `server-not-started`. */
export async function startOwnPostgres({
  initdbArguments = [],
}: {
  initdbArguments?: readonly string[];
} = {}): Promise<OwnPostgres> {
  const user = await serverIdentity();
  const watchdog = new Watchdog();
  const directory = await mkdtemp(join(tmpdir(), 'diptych-calamity-'));
  watchdog.directoryCreated(directory);
  await chmod(directory, traversable);
  const [port = 0] = await freePorts(1);
  const { server, databaseUrl } = await startEmbeddedPostgres({
    native: present(installedPostgres(), 'PostgreSQL for this platform from npm'),
    identity: user.tag === 'found' ? user.identity : undefined,
    directory,
    port,
    initdbArguments,
    watchdog,
  });
  const database = async () => {
    const url = await createDatabase(databaseUrl);
    return { url, drop: () => dropDatabase(url) };
  };
  return {
    control: server,
    databaseUrl,
    dataDirectory: join(directory, 'postgres', 'data'),
    logFile: join(directory, 'postgres.log'),
    servers: { database, brokers: testBrokers() },
    remove: async () => {
      await server.stopImmediately();
      await rm(directory, { recursive: true, force: true });
      await watchdog.finish();
    },
  };
}
