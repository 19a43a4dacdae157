/** TLS to servers: its settings, what `node:tls` takes of them, and what its refusals mean. */
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { z } from 'zod';

/** The words are libpq's. Its weaker modes encrypt for whoever answers, and are not offered. */
export const tlsModes = ['disable', 'verify-ca', 'verify-full'] as const;

const file = (description: string) => z.string().min(1).optional().meta({ description });

/** The settings `tls.…` of a server; `unset` says what holds without a mode. */
export const tlsSettings = ({ server, unset }: { server: string; unset: string }) =>
  z
    .strictObject({
      mode: z
        .enum(tlsModes)
        .optional()
        .meta({
          description:
            `TLS to ${server}: \`verify-full\` checks certificate and host name, \`verify-ca\` the certificate alone, \`disable\` is ` +
            `plain text (docs/security.md). ${unset}`,
        }),
      caFile: file(
        `PEM file of the authorities that ${server} may be certified by. Unset: those that Node trusts.`,
      ),
      certFile: file(`PEM file of our own certificate, where ${server} wants one.`),
      keyFile: file('PEM file of its private key.'),
    })
    .superRefine(complete)
    .prefault({});

export interface TlsSettings {
  readonly mode?: (typeof tlsModes)[number] | undefined;
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

function complete({ mode, caFile, certFile, keyFile }: TlsSettings, context: z.core.$RefinementCtx): void {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  const isOn = mode !== undefined && mode !== 'disable';
  if (!isOn && (caFile ?? certFile ?? keyFile) !== undefined)
    refuse('mode', 'has to be verify-full or verify-ca where files of certificates are named');
  if (certFile !== undefined && keyFile === undefined)
    refuse('keyFile', 'belongs to certFile, and is missing');
  if (keyFile !== undefined && certFile === undefined)
    refuse('certFile', 'belongs to keyFile, and is missing');
  for (const [name, path] of Object.entries({ caFile, certFile, keyFile })) {
    const problem = path === undefined ? null : unreadable(path);
    if (problem !== null) refuse(name, problem);
  }
}

/** Why a file that a setting names cannot be read; null when it can. Its path is no secret, what it holds may be one. */
export function unreadable(path: string): string | null {
  try {
    readFileSync(path);
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    return `cannot read ${path}: ${code}`;
  }
}

/** What `tls.connect` takes; null for plain text. The files are read now: a renewed certificate holds from the next client on. */
export function tlsOptions({ mode, caFile, certFile, keyFile }: TlsSettings): ConnectionOptions | null {
  if (mode === undefined || mode === 'disable') return null;
  return {
    rejectUnauthorized: true,
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
    ...(mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
  };
}

export interface TlsRefusal {
  readonly said: string;
  readonly remedy: string;
}

/**
 * What an error of TLS means, by Node's codes (https://nodejs.org/docs/latest-v24.x/api/tls.html#x509-certificate-error-codes)
 * and OpenSSL's; null when it is none. `settings` is where the server's settings stand: `kafka`, `database`.
 */
export function tlsRefusal(
  codes: ReadonlySet<string>,
  { settings, address }: { settings: 'kafka' | 'database'; address: string },
): TlsRefusal | null {
  const setting = (name: 'mode' | 'caFile' | 'certFile' | 'keyFile') => settingName(settings, name);
  const found = (pattern: RegExp) => [...codes].some((code) => pattern.test(code));
  if (found(/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/)) {
    return {
      said: found(/EXPIRED/)
        ? 'the server’s certificate has expired'
        : 'the server’s certificate is not valid yet',
      remedy: `Renew the certificate of the server, or of an authority in ${setting('caFile')}; and compare the clocks.`,
    };
  }
  if (found(/^ERR_TLS_CERT_ALTNAME_INVALID$/)) {
    return {
      said: 'the server’s certificate is for another host name',
      remedy: `Name the server in ${address} as its certificate does, or set ${setting('mode')} to verify-ca.`,
    };
  }
  if (
    found(
      /^(SELF_SIGNED_CERT|DEPTH_ZERO|UNABLE_TO_|CERT_(UNTRUSTED|SIGNATURE|CHAIN|REJECTED|REVOKED)|INVALID_(CA|PURPOSE))/,
    )
  ) {
    return {
      said: 'the server’s certificate is not of an authority that is trusted here',
      remedy: `Name the PEM file of the authority that signed it in ${setting('caFile')}.`,
    };
  }
  if (found(/^ERR_(SSL|OSSL)_.*(ALERT|CERTIFICATE_REQUIRED)/)) {
    return {
      said: 'the server refuses our certificate, or misses one',
      remedy:
        `Set ${setting('certFile')} and ${setting('keyFile')} to a certificate that is valid now and of an authority that the ` +
        'server trusts.',
    };
  }
  if (found(/^ERR_OSSL_(X509|PEM|ASN1|EVP|RSA|EC|UNSUPPORTED)/)) {
    return {
      said: 'a file of certificates or keys cannot be used',
      remedy: `${setting('caFile')}, ${setting('certFile')} and ${setting('keyFile')} are PEM files, and the key belongs to the certificate.`,
    };
  }
  if (found(/^(ERR_SSL_|EPROTO$)/)) {
    return {
      said: 'the server does not speak TLS there',
      remedy: `Name its TLS port in ${address}, or set ${setting('mode')} to disable if plain text is meant.`,
    };
  }
  return null;
}

/** `kafka.tls.caFile (…KAFKA_TLS_CA_FILE)`: the variable begins with the program's own name. */
export function settingName(
  settings: 'kafka' | 'database',
  name: 'mode' | 'caFile' | 'certFile' | 'keyFile',
): string {
  const variable = name.replace('File', '_FILE').toUpperCase();
  return `${settings}.tls.${name} (…${settings.toUpperCase()}_TLS_${variable})`;
}
