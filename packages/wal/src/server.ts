import { assert } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type pg from 'pg';
import type { Catalogue } from './catalogue.ts';
import { inRecovery } from './postgres-failure.ts';
import { replicationCommand } from './replication-command.ts';
import { parseTimelineHistory, type TimelineSwitch } from './timeline.ts';

/** What identifies the source of a stream. */
export interface SourceSystem {
  /** Made by initdb; a promoted standby or a restored copy shares it. */
  readonly systemId: string;
  readonly database: string;
  /** The timeline that is being written now. */
  readonly timeline: number;
  /** The ancestors of that timeline, oldest first. */
  readonly history: readonly TimelineSwitch[];
}

/** Publications of whole schemas, which the catalogue queries know of. */
const oldestVersion = 150_000;

/** Throws OperatingError when the server is too old, its WAL not logical, or the role may not replicate. */
export async function requireLogicalServer(catalogue: Catalogue): Promise<void> {
  const [row] = await catalogue.query<{
    version: string;
    wal_level: string;
    may_replicate: boolean;
    role: string;
    quoted_role: string;
    standby: boolean;
  }>(`
    select current_setting('server_version_num') as version, current_setting('wal_level') as wal_level,
      (select rolreplication or rolsuper from pg_roles where rolname = current_user) as may_replicate,
      current_user as role, quote_ident(current_user) as quoted_role, pg_is_in_recovery() as standby`);
  assert(row, 'a select without from has one row');
  const version = Number(row.version);
  if (version < oldestVersion) {
    throw new OperatingError('postgres-version-unsupported', `Postgres ${version} is older than 15`, {
      remedy: 'Upgrade to PostgreSQL 15 or newer.',
    });
  }
  if (row.standby) {
    throw inRecovery('the server is a standby, in recovery');
  }
  if (row.wal_level !== 'logical') {
    throw new OperatingError('wal-level-not-logical', `wal_level is ${row.wal_level}`, {
      remedy: 'Run `alter system set wal_level = logical` and restart Postgres.',
    });
  }
  if (!row.may_replicate) {
    throw new OperatingError('postgres-privilege-missing', `role ${row.role} may not replicate`, {
      remedy: `Run \`alter role ${row.quoted_role} replication\` as a superuser.`,
    });
  }
}

/** IDENTIFY_SYSTEM and TIMELINE_HISTORY of one server: `Catalogue.databaseUrl`, not a URL of several. Throws OperatingError. */
export function identifySystem(databaseUrl: string): Promise<SourceSystem> {
  return replicationCommand({ databaseUrl, doing: 'identifying the system' }, async (client) => {
    const identified = await client.query<{ systemid: string; timeline: number; dbname: string }>(
      'IDENTIFY_SYSTEM',
    );
    const system = identified.rows[0];
    assert(system, 'IDENTIFY_SYSTEM answers one row');
    const timeline = Number(system.timeline);
    const history = timeline === 1 ? [] : await readHistory(client, timeline);
    return { systemId: system.systemid, database: system.dbname, timeline, history };
  });
}

async function readHistory(client: pg.Client, timeline: number): Promise<TimelineSwitch[]> {
  const answer = await client.query<{ content: Buffer | string }>(`TIMELINE_HISTORY ${timeline}`);
  return parseTimelineHistory(String(answer.rows[0]?.content ?? ''));
}
