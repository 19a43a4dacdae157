/** Certificates of the run, good and bad ones, made by the `openssl` command. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** PEM files; `both` is what a Java server takes: the key and its certificate in one. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly both: string;
}

export interface Certificates {
  readonly caFile: string;
  /** Of an authority that nobody knows. */
  readonly foreignCaFile: string;
  readonly server: Certificate;
  readonly expired: Certificate;
  /** For another host name. */
  readonly elsewhere: Certificate;
  /** Each for the Postgres user that it names. */
  readonly client: Certificate;
  readonly expiredClient: Certificate;
  readonly foreignClient: Certificate;
  readonly otherUser: Certificate;
}

/** `CN` of the client's certificate: the user of Postgres that it is for. */
export const certifiedUser = 'certified';

/** Makes all of them in the directory, which exists. */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const ca = await authority(directory, 'ca');
  const foreign = await authority(directory, 'foreign-ca');
  const here = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const sign = (
    name: string,
    subject: string,
    more: { by?: Certificate; days?: number; names?: string } = {},
  ) => signed(directory, { name, subject, by: ca, days: 2, names: here, ...more });
  return {
    caFile: ca.certFile,
    foreignCaFile: foreign.certFile,
    server: await sign('server', 'localhost'),
    expired: await sign('expired', 'localhost', { days: -1 }),
    elsewhere: await sign('elsewhere', 'elsewhere.test', { names: 'subjectAltName=DNS:elsewhere.test' }),
    client: await sign('client', certifiedUser),
    expiredClient: await sign('expired-client', certifiedUser, { days: -1 }),
    foreignClient: await sign('foreign-client', certifiedUser, { by: foreign }),
    otherUser: await sign('other-user', 'somebody_else'),
  };
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

const filesOf = (directory: string, name: string): Certificate => ({
  certFile: join(directory, `${name}.pem`),
  keyFile: join(directory, `${name}.key`),
  both: join(directory, `${name}-both.pem`),
});

async function authority(directory: string, name: string): Promise<Certificate> {
  const files = filesOf(directory, name);
  const out = ['-keyout', files.keyFile, '-out', files.certFile];
  await run('openssl', ['req', '-x509', ...newKey, ...out, '-days', '2', '-subj', `/CN=${name}`]);
  return files;
}

/** Fewer than no days: it has expired already. */
async function signed(
  directory: string,
  {
    name,
    subject,
    by,
    days,
    names,
  }: { name: string; subject: string; by: Certificate; days: number; names: string },
): Promise<Certificate> {
  const files = filesOf(directory, name);
  const request = join(directory, `${name}.csr`);
  const extensions = join(directory, `${name}.ext`);
  await writeFile(extensions, `${names}\n`);
  await run('openssl', [
    'req',
    ...newKey,
    '-keyout',
    files.keyFile,
    '-out',
    request,
    '-subj',
    `/CN=${subject}`,
  ]);
  await run('openssl', [
    ...['x509', '-req', '-in', request, '-CA', by.certFile, '-CAkey', by.keyFile, '-CAcreateserial'],
    ...['-days', String(days), '-extfile', extensions, '-out', files.certFile],
  ]);
  const parts = await Promise.all([files.keyFile, files.certFile].map((file) => readFile(file, 'utf8')));
  await writeFile(files.both, parts.join(''));
  return files;
}
