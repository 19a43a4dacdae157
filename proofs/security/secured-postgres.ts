/** A Postgres that speaks TLS: one login by password, one by certificate, and a superuser's in plain text for ourselves. */
import { chown, copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { installedPostgres, serverIdentity, startEmbeddedPostgres } from '@diptych/testkit/embedded-postgres';
import { freePorts } from '@diptych/testkit/port';
import type { Watchdog } from '@diptych/testkit/watchdog';
import { queryAt } from '../bridge.ts';
import type { Certificate, Certificates } from './certificates.ts';
import { certifiedUser } from './certificates.ts';

const reloadTimeoutMs = 30_000;

export interface SecuredPostgres {
  /** A superuser's, in plain text. */
  readonly databaseUrl: string;
  /** `localhost:port`, which the good certificate names. */
  readonly address: string;
  /** Which certificate the server shows from now on; none: it takes no TLS. */
  show(certificate: Certificate | null): Promise<void>;
  /** Gives a role the password of another. */
  copyPassword(roles: { from: string; to: string }): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it with TLS and the good certificate. `directory` is traversable, and the server's part is made in it. */
export async function startSecuredPostgres({
  directory,
  certificates,
  password,
  watchdog,
}: {
  directory: string;
  certificates: Certificates;
  /** Of the user `relay`. */
  password: string;
  watchdog: Watchdog;
}): Promise<SecuredPostgres> {
  const user = await serverIdentity();
  const identity = user.tag === 'found' ? user.identity : undefined;
  const [port = 0] = await freePorts(1);
  const native = present(installedPostgres(), 'PostgreSQL for this platform from npm');
  const started = await startEmbeddedPostgres({ native, identity, directory, port, watchdog });
  const { databaseUrl, dataDirectory, server } = started;
  const own = async (from: string, name: string) => {
    const to = join(dataDirectory, name);
    await copyFile(from, to);
    if (identity) await chown(to, identity.uid, identity.gid);
  };
  await writeFile(join(dataDirectory, 'pg_hba.conf'), accessRules);
  await own(certificates.caFile, 'ca.pem');
  await queryAt(databaseUrl, `create role relay login superuser replication password '${password}'`);
  await queryAt(databaseUrl, `create role ${certifiedUser} login superuser replication`);
  const show = async (certificate: Certificate | null): Promise<void> => {
    // Another name each time: that the server has taken it is seen by the name.
    const name = `shown-${Date.now()}`;
    if (certificate) {
      await own(certificate.certFile, `${name}.pem`);
      await own(certificate.keyFile, `${name}.key`);
    }
    await set(databaseUrl, {
      ssl_ca_file: 'ca.pem',
      ...(certificate ? { ssl_cert_file: `${name}.pem`, ssl_key_file: `${name}.key` } : {}),
      ssl: certificate ? 'on' : 'off',
    });
  };
  await show(certificates.server);
  return {
    databaseUrl,
    address: `localhost:${port}`,
    show,
    copyPassword: async ({ from, to }) => {
      const [row] = await queryAt<{ statement: string }>(
        databaseUrl,
        `select format('alter role %I password %L', $2::text, rolpassword) as statement from pg_authid where rolname = $1`,
        [from, to],
      );
      await queryAt(databaseUrl, row?.statement ?? '');
    },
    stop: () => server.stopImmediately(),
  };
}

const accessRules = `
host    all postgres        all scram-sha-256
hostssl all ${certifiedUser} all cert
hostssl all all             all scram-sha-256
`;

/** A new session has what the postmaster has taken: then the next handshake is by the new certificate. */
async function set(databaseUrl: string, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings))
    await queryAt(databaseUrl, `alter system set ${name} = '${value}'`);
  await queryAt(databaseUrl, 'select pg_reload_conf()');
  const taken = async () => {
    const rows = await queryAt<{ name: string; setting: string }>(
      databaseUrl,
      'select name, setting from pg_settings where name = any($1)',
      [Object.keys(settings)],
    );
    return rows.every(({ name, setting }) => settings[name] === setting) || undefined;
  };
  await poll(taken, { what: 'Postgres has its new certificate', timeoutMs: reloadTimeoutMs });
}
