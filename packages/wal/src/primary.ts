/**
 * A URL may name several servers, as libpq's may: `postgres://user:password@a:5432,b:5432/name`. `pg` knows one only.
 * https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
 */
import { OperatingError } from '@diptych/runtime/failure';
import pg from 'pg';
import { inRecovery, postgresFailure } from './postgres-failure.ts';

/** One server of a URL. */
export interface ServerUrl {
  /** `host:port`, as written: for messages, which must not show the password. */
  readonly address: string;
  readonly url: string;
}

const parts = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/;

/**
 * The servers that a URL names, in its order. `target_session_attrs` may say `read-write` or `primary`, which is what
 * the relay wants in any case. Throws `configuration-invalid` when it says something else.
 */
export function serversOf(databaseUrl: string): ServerUrl[] {
  const [, before = '', hosts = '', after = ''] = parts.exec(databaseUrl) ?? [];
  if (!hosts.includes(',')) return [{ address: hosts, url: databaseUrl }];
  const [path = '', query = ''] = after.split('?', 2);
  const options = new URLSearchParams(query);
  const wanted = options.get('target_session_attrs') ?? 'read-write';
  if (wanted !== 'read-write' && wanted !== 'primary') {
    throw new OperatingError('configuration-invalid', `target_session_attrs=${wanted} is not supported`, {
      remedy: 'The relay streams from the primary only: leave it out of DIPTYCH_DATABASE_URL.',
    });
  }
  options.delete('target_session_attrs');
  const rest = options.size === 0 ? path : `${path}?${options.toString()}`;
  return hosts.split(',').map((address) => ({ address, url: `${before}${address}${rest}` }));
}

/** A server that has no answer by then is not waited for: the others have one. */
const probeTimeoutMs = 3_000;

type Probe =
  | { readonly tag: 'primary'; readonly server: ServerUrl; readonly timeline: number }
  | { readonly tag: 'standby'; readonly server: ServerUrl }
  | { readonly tag: 'failed'; readonly server: ServerUrl; readonly failure: OperatingError };

/**
 * The URL of the server that is the primary now. All are asked at once: after a failover an old primary that came back
 * says that it is one too, and the newest timeline is right. A URL of one server is not asked.
 * Throws OperatingError: `postgres-is-standby` when none is the primary, `postgres-unreachable` when none answers.
 */
export async function locatePrimary(databaseUrl: string): Promise<string> {
  const servers = serversOf(databaseUrl);
  const [only, ...others] = servers;
  if (only && others.length === 0) return only.url;
  return choosePrimary(await Promise.all(servers.map(probe)));
}

/** The primary among those that answered. */
export function choosePrimary(probes: readonly Probe[]): string {
  const [newest] = probes
    .filter((probe) => probe.tag === 'primary')
    .toSorted((left, right) => right.timeline - left.timeline);
  if (newest) return newest.server.url;
  const said = probes
    .map(
      (probe) => `${probe.server.address} ${probe.tag === 'failed' ? probe.failure.message : 'is a standby'}`,
    )
    .join('; ');
  if (probes.some(({ tag }) => tag === 'standby')) throw inRecovery(`no server is the primary: ${said}`);
  const failures = probes.flatMap((probe) => (probe.tag === 'failed' ? [probe.failure] : []));
  const [first] = failures;
  const passing = failures.find(({ retry }) => retry === 'timed') ?? first;
  const { code, remedy } = passing ?? { code: 'postgres-unreachable' as const, remedy: 'Name a server.' };
  throw new OperatingError(code, `no server is the primary: ${said}`, { remedy, cause: passing });
}

async function probe(server: ServerUrl): Promise<Probe> {
  const client = new pg.Client({
    connectionString: server.url,
    application_name: 'diptych probe',
    connectionTimeoutMillis: probeTimeoutMs,
    query_timeout: probeTimeoutMs,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    // A primary's WAL files begin with its timeline: eight hex digits.
    const { rows } = await client.query<{ timeline: string | null }>(
      `select case when not pg_is_in_recovery()
         then substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) end as timeline`,
    );
    const timeline = rows[0]?.timeline;
    if (!timeline) return { tag: 'standby', server };
    return { tag: 'primary', server, timeline: Number.parseInt(timeline, 16) };
  } catch (error) {
    return { tag: 'failed', server, failure: postgresFailure(error, 'looking for the primary') };
  } finally {
    await client.end().catch(() => {});
  }
}
