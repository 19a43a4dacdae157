/**
 * A standby of a running server: a base backup by `pg_backup_start` and a copy of its files, because the embedded build
 * has no pg_basebackup. https://www.postgresql.org/docs/18/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
 */
import { appendFile, chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatingError } from '@diptych/runtime/failure';
import pg from 'pg';
import { runCommand } from './command.ts';
import { type EmbeddedPostgres, postgresServer } from './embedded-postgres.ts';
import type { Control, Identity } from './server.ts';
import type { Watchdog } from './watchdog.ts';

const copyTimeoutMs = 120_000;
const promoteTimeoutSeconds = 60;

export interface StandbyOptions {
  /** Of the standby and of its physical slot on the primary, `[a-z0-9_]`. */
  readonly name: string;
  /** Settings of its own, such as `sync_replication_slots`; the rest is as on the primary. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface Standby {
  /** A superuser's, of the maintenance database. */
  readonly databaseUrl: string;
  readonly server: Control;
  /** Makes it a primary on a timeline of its own; resolves when it takes writes. */
  promote(): Promise<void>;
}

/** Makes a standby that streams through a physical slot, and starts it. Throws OperatingError `server-not-started`. */
export async function startEmbeddedStandby(
  options: StandbyOptions & {
    readonly primary: Pick<EmbeddedPostgres, 'databaseUrl' | 'bin' | 'dataDirectory'>;
    readonly identity: Identity | undefined;
    /** Of this stack; the standby's part is made in it. */
    readonly directory: string;
    readonly port: number;
    readonly watchdog: Watchdog;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Standby> {
  const { name, primary, identity, port } = options;
  const directory = join(options.directory, name);
  const dataDirectory = join(directory, 'data');
  await mkdir(directory);
  if (identity) await chown(directory, identity.uid, identity.gid);
  await backUp({ ...options, dataDirectory });
  await appendFile(join(dataDirectory, 'postgresql.auto.conf'), standbySettings(options));
  const signalFile = join(dataDirectory, 'standby.signal');
  await writeFile(signalFile, '');
  if (identity) await chown(signalFile, identity.uid, identity.gid);
  const url = new URL(primary.databaseUrl);
  url.port = String(port);
  const databaseUrl = url.href;
  const logFile = join(options.directory, `${name}.log`);
  const { bin } = primary;
  const server = postgresServer({ ...options, bin, directory, dataDirectory, logFile, databaseUrl });
  await server.start();
  const promote = async () => {
    await withClient(databaseUrl, (sql) => sql.query('select pg_promote(true, $1)', [promoteTimeoutSeconds]));
  };
  return { databaseUrl, server, promote };
}

/** What a standby has no use for: locks of the running server, its WAL (streamed from the slot), its slots. */
const notCopied = ['postmaster.pid', 'postmaster.opts'];
const emptied = ['pg_wal', 'pg_replslot'];

async function backUp({
  name,
  primary,
  identity,
  dataDirectory,
  watchdog,
  signal,
}: {
  readonly name: string;
  readonly primary: Pick<EmbeddedPostgres, 'databaseUrl' | 'dataDirectory'>;
  readonly identity: Identity | undefined;
  readonly dataDirectory: string;
  readonly watchdog: Watchdog;
  readonly signal?: AbortSignal | undefined;
}): Promise<void> {
  await withClient(primary.databaseUrl, async (sql) => {
    // The slot comes first: it keeps the WAL from before the backup's checkpoint.
    await sql.query('select pg_create_physical_replication_slot($1, true)', [name]);
    await sql.query('select pg_backup_start($1, true)', [name]);
    const { code, output } = await runCommand({
      command: 'cp',
      args: ['-Rp', primary.dataDirectory, dataDirectory],
      cwd: '/',
      identity,
      timeoutMs: copyTimeoutMs,
      watchdog,
      signal,
    });
    // A file that went away under the copy is in the WAL that the standby replays.
    if (code !== 0 && !/No such file/.test(output)) {
      throw new OperatingError('server-not-started', `the copy of the primary's files failed\n${output}`, {
        remedy: 'Its output says why.',
      });
    }
    const { rows } = await sql.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
    const labelFile = join(dataDirectory, 'backup_label');
    await writeFile(labelFile, rows[0]?.labelfile ?? '');
    if (identity) await chown(labelFile, identity.uid, identity.gid);
  });
  for (const file of notCopied) await rm(join(dataDirectory, file), { force: true });
  for (const folder of emptied) {
    for (const entry of await readdir(join(dataDirectory, folder))) {
      await rm(join(dataDirectory, folder, entry), { recursive: true });
    }
  }
}

/** The last line for a setting wins. */
function standbySettings({
  name,
  primary,
  settings,
}: StandbyOptions & { readonly primary: Pick<EmbeddedPostgres, 'databaseUrl'> }): string {
  const { hostname, port, username, password } = new URL(primary.databaseUrl);
  // The name of a database is for the worker that synchronises slots.
  const connection = { host: hostname, port, user: username, password, dbname: 'postgres' };
  const conninfo = Object.entries(connection)
    .map(([key, value]) => `${key}=${decodeURIComponent(value)}`)
    .join(' ');
  const all = { primary_conninfo: conninfo, primary_slot_name: name, cluster_name: name, ...settings };
  return Object.entries(all)
    .map(([key, value]) => `${key} = '${value.replaceAll("'", "''")}'\n`)
    .join('');
}

async function withClient<T>(databaseUrl: string, work: (sql: pg.Client) => Promise<T>): Promise<T> {
  const sql = new pg.Client({ connectionString: databaseUrl });
  sql.on('error', () => undefined);
  await sql.connect();
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}
