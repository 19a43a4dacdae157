/**
 * PostgreSQL's own reader, to /dev/null: what the walsender gives to whoever does nothing with it.
 * https://www.postgresql.org/docs/18/app-pgrecvlogical.html
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { present } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { queryAt } from '../bridge.ts';
import { publications } from './backlog.ts';
import type { Competitor, Entry, Ground } from './competitor.ts';

const debianVersions = '/usr/lib/postgresql';

export function recvlogical(transport: 'tcp' | 'unix'): Competitor {
  return {
    name: `pg_recvlogical ${transport}`,
    prepare: async (ground, id) => {
      const command = await findRecvlogical();
      await queryAt(ground.databaseUrl, `select pg_create_logical_replication_slot($1, 'pgoutput')`, [id]);
      return entry({ ground, slot: id, command, transport });
    },
  };
}

interface Reading {
  readonly ground: Ground;
  readonly slot: string;
  readonly command: string;
  readonly transport: 'tcp' | 'unix';
}

function entry(options: Reading): Entry {
  const { ground, slot } = options;
  let child: ChildProcess | null = null;
  return {
    slots: [slot],
    start: async () => {
      const [end] = await queryAt<{ lsn: string }>(ground.databaseUrl, 'select pg_current_wal_lsn() as lsn');
      const started = run(options, present(end, 'the end of the WAL').lsn);
      child = started;
      return {
        pids: [present(started.pid, 'a process')],
        eventTopic: null,
        hasBegun: async () => true,
        hasAll: async () => {
          if (started.exitCode === null && started.signalCode === null) return false;
          if (started.exitCode !== 0) throw new Error(`pg_recvlogical ended with ${started.exitCode}`);
          return true;
        },
        count: async () => null,
        owed: () => null,
      };
    },
    stop: async () => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** The same tables as everybody, so the same messages. It ends by itself behind `endLsn`. */
function run({ ground, slot, command, transport }: Reading, endLsn: string): ChildProcess {
  const url = new URL(ground.databaseUrl);
  const host = transport === 'unix' ? ground.socketDirectory : url.hostname;
  const options = ['proto_version=1', `publication_names=${publications.all}`, 'messages=true'];
  const child = spawn(
    command,
    [
      ...['--start', '--slot', slot, '--file', '/dev/null', '--endpos', endLsn, '--no-loop'],
      ...options.flatMap((option) => ['--option', option]),
      ...['--host', host, '--port', url.port, '--username', decodeURIComponent(url.username)],
      ...['--dbname', decodeURIComponent(url.pathname.slice(1)), '--no-password'],
    ],
    {
      env: { ...process.env, PGPASSWORD: decodeURIComponent(url.password) },
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: true,
    },
  );
  const pid = present(child.pid, 'a process');
  ground.watchdog.processStarted(pid, 'SIGKILL');
  child.once('exit', () => ground.watchdog.processEnded(pid));
  return child;
}

/** On the path, or where Debian puts it. Throws OperatingError `prerequisite-missing`. */
async function findRecvlogical(): Promise<string> {
  const debian = await readdir(debianVersions).catch(() => []);
  const directories = [
    ...debian
      .toSorted((a, b) => Number(b) - Number(a))
      .map((version) => join(debianVersions, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  for (const directory of directories) {
    const command = join(directory, 'pg_recvlogical');
    const isThere = await access(command).then(
      () => true,
      () => false,
    );
    if (isThere) return command;
  }
  throw new OperatingError('prerequisite-missing', 'there is no pg_recvlogical to measure beside', {
    remedy: 'apt-get install postgresql-client',
  });
}
