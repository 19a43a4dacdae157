/**
 * How Postgres is reached: a URL, a password that need not stand in it, TLS. All of it becomes one URL, because that is what
 * every client here takes; `pg` reads the files that it names with each connection, so that renewed ones hold.
 * https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type TlsSettings, tlsSettings, unreadable } from './tls.ts';

const secretFile = (of: string) =>
  `A file that holds ${of}, as orchestrators mount secrets; a line break at its end does not count.`;

/** Settings of a database besides its URL. */
export const databaseAccess = {
  password: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'Its user’s password, when it does not stand in the URL.', secret: true }),
  passwordFile: z
    .string()
    .min(1)
    .optional()
    .meta({ description: secretFile('the password') }),
  tls: tlsSettings({
    server: 'Postgres',
    unset: 'Unset: what `sslmode` in the URL says; plain text without it.',
  }),
};

export interface DatabaseAccess {
  readonly url: string;
  readonly password?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly tls: TlsSettings;
}

const parts = /^(postgres(?:ql)?:\/\/)(?:([^/?#]*)@)?([^/?#]*)([^?#]*)(?:\?(.*))?$/s;

/** What these settings do not allow together. */
export function checkDatabaseAccess(access: DatabaseAccess, context: z.core.$RefinementCtx): void {
  const { url, password, passwordFile, tls } = access;
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  const [, , user = '', , , query = ''] = parts.exec(url) ?? [];
  const options = new URLSearchParams(query);
  const sslmode = options.get('sslmode');
  if (sslmode !== null && tls.mode !== undefined) refuse('url', 'says sslmode, which tls.mode says too');
  if (sslmode !== null && !['disable', 'verify-ca', 'verify-full'].includes(sslmode))
    refuse(
      'url',
      'takes sslmode=verify-full, verify-ca or disable: the others do not check who the server is',
    );
  if (passwordFile !== undefined) {
    const problem = unreadable(passwordFile);
    if (problem !== null) refuse('passwordFile', problem);
    if (password !== undefined) refuse('passwordFile', 'and password are two passwords: set one');
  }
  if ((password ?? passwordFile) === undefined) return;
  if (user === '') refuse('url', 'has to name the user whose password is set');
  if (user.includes(':') || options.has('password'))
    refuse('url', 'holds a password, and another one is set: leave it out here');
}

/** The whole as one URL, with the password in it: a secret. */
export function databaseUrlOf({ url, password, passwordFile, tls }: DatabaseAccess): string {
  const found = parts.exec(url);
  if (!found) return url;
  const [, scheme = '', user = '', hosts = '', path = '', query = ''] = found;
  const secret = passwordFile === undefined ? password : secretOf(passwordFile);
  const login = secret === undefined ? user : `${user}:${encodeURIComponent(secret)}`;
  const options = new URLSearchParams(query);
  const { mode, caFile, certFile, keyFile } = tls;
  for (const [name, value] of Object.entries({
    sslmode: mode,
    sslrootcert: caFile,
    sslcert: certFile,
    sslkey: keyFile,
  })) {
    if (value !== undefined) options.set(name, value);
  }
  // By itself `pg` takes verify-ca for verify-full, and says so on standard error.
  if (options.get('sslmode') === 'verify-ca') options.set('uselibpqcompat', 'true');
  const text = options.size === 0 ? '' : `?${options.toString()}`;
  return `${scheme}${login === '' ? '' : `${login}@`}${hosts}${path}${text}`;
}

/** What a file of a secret holds, without the line break at its end. */
export const secretOf = (path: string): string => readFileSync(path, 'utf8').replace(/\r?\n$/, '');
