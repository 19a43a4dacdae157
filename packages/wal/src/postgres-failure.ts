import { OperatingError } from '@diptych/runtime/failure';
import { settingName, type TlsRefusal, tlsRefusal } from '@diptych/runtime/tls';

/** What `pg` and the operating system say when Postgres is not there, or not yet. */
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENOENT',
  '53300', // too_many_connections
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: starting up or shutting down
  '57P05', // idle_session_timeout
  '08000',
  '08003',
  '08006',
]);

/** What `pg` and Node say of a connection that is over, also of the next query on one that ended between two. */
const lostConnection = /terminated|timeout|closed|ended|not queryable|after end|destroyed/i;

/**
 * Maps an error of `pg` to one of ours, by SQLSTATE (https://www.postgresql.org/docs/18/errcodes-appendix.html) or by
 * the operating system's code. `doing` completes the sentence "Postgres failed while …".
 */
export function postgresFailure(error: unknown, doing: string): OperatingError {
  if (error instanceof OperatingError) return error;
  const { code, message } = describe(error);
  const said = `Postgres failed while ${doing}: ${message}`;
  const as = (failure: OperatingError['code'], remedy: string, saying = said) =>
    new OperatingError(failure, saying, { remedy, cause: error });
  if (code === '55006')
    return as(
      'slot-held',
      'A relay holds the slot: a second one stands by; stop it before anything else is done to it.',
    );
  if (code === '42704' && message.includes('replication slot')) {
    return as('slot-missing', 'Run `diptych init`.');
  }
  // Also of a slot that this standby synchronises: "cannot use replication slot … for logical decoding".
  if (code === '55000' && /recovery is in progress|for logical decoding/.test(message)) {
    return inRecovery(said, error);
  }
  if (code === '55000' && message.includes('slot')) {
    return as(
      'slot-lost',
      'WAL that the slot needs is gone. `diptych init --from-slot` makes it anew, with that gap; `diptych snapshot` ' +
        'reads the tables if you need what lies between.',
    );
  }
  if (isRowLimit(error, { code, message })) {
    return as(
      'row-exceeds-server-limit',
      'No client can have that row from the WAL: its transaction can only be left out, by `diptych skip`.',
    );
  }
  if (code === '53400') {
    return as('replication-slots-exhausted', 'Raise max_replication_slots or drop a slot that nobody uses.');
  }
  if (code === '42501') {
    return as('postgres-privilege-missing', 'Grant the role REPLICATION and select on the published tables.');
  }
  const insecure = insecurity({ code, message });
  if (insecure) return as('postgres-tls-refused', insecure.remedy, `no TLS with Postgres: ${insecure.said}`);
  if (code.startsWith('28') || code === '3D000') {
    return as(
      'postgres-refused-login',
      'Check user, password and database in database.url (DIPTYCH_DATABASE_URL), the password in database.password or ' +
        'database.passwordFile if it stands there, and pg_hba.conf.',
    );
  }
  if (unreachable.has(code) || code.startsWith('08') || lostConnection.test(message)) {
    return as(
      'postgres-unreachable',
      'A running relay tries again by itself; check host and port in DIPTYCH_DATABASE_URL if it stays.',
    );
  }
  if (code === '42704' && message.includes('publication')) {
    return as('publication-lost', 'Run `diptych init`, then `diptych run --accept-gap` to go on from here.');
  }
  // Syntax, unknown objects, wrong data: the same statement would be refused again.
  if (code.startsWith('42') || code.startsWith('22')) {
    return as('postgres-refused-query', 'The message says what Postgres objected to; change that first.');
  }
  return as(
    'replication-ended',
    'The relay tries again by itself; the message says what Postgres objected to.',
  );
}

/** What `pg` says of TLS without a code, and the server with the code of a refused login; null when it is about neither. */
function insecurity({ code, message }: { code: string; message: string }): TlsRefusal | null {
  if (message === 'The server does not support SSL connections') {
    return {
      said: 'the server takes no TLS',
      remedy: `Set ssl=on at the server, or ${settingName('database', 'mode')} to disable if plain text is meant.`,
    };
  }
  if (code === '28000' && /no encryption/.test(message)) {
    return {
      said: `the server takes this login with TLS only, or not at all: ${message}`,
      remedy: `Set ${settingName('database', 'mode')} to verify-full; and look into pg_hba.conf.`,
    };
  }
  if (code === '28000' && /client certificate|certificate authentication/.test(message)) {
    return {
      said: message,
      remedy:
        `Set ${settingName('database', 'certFile')} and ${settingName('database', 'keyFile')} to a certificate of an authority ` +
        'that the server trusts, for the user that the URL names.',
    };
  }
  return tlsRefusal(new Set([code]), { settings: 'database', address: 'database.url (…DATABASE_URL)' });
}

/**
 * The walsender itself fails over a row whose text takes 1 GB or more: over one value (`bytea` doubles as text), or over
 * their sum. Seen on PostgreSQL 18; before 17 the latter says `out of memory`, with the same code and detail.
 */
function isRowLimit(error: unknown, { code, message }: { code: string; message: string }): boolean {
  if (!(error instanceof Error) || !('where' in error) || !String(error.where).includes('output plugin'))
    return false;
  const detail = 'detail' in error ? String(error.detail) : '';
  return (
    (code === 'XX000' && message.includes('invalid memory alloc request size')) ||
    (code === '54000' && detail.startsWith('Cannot enlarge string buffer'))
  );
}

/** Nothing is streamed from a standby: it may be behind its primary, and its slot may not move. */
export const inRecovery = (message: string, cause?: unknown): OperatingError =>
  new OperatingError('postgres-is-standby', message, {
    remedy:
      'A running relay waits until one is promoted. Name the primary in DIPTYCH_DATABASE_URL, or all servers: ' +
      '`postgres://user:password@a:5432,b:5432/name`.',
    cause,
  });

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  if (!(error instanceof Error)) return { code: '', message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return { code, message: error.message };
}
