import { OperatingError } from '@diptych/runtime/failure';
import pg from 'pg';
import { kafkaAnswers, parseAddress } from './port.ts';

const connectTimeoutMs = 5_000;

/** Servers that are yours: checked, used, and left as they are. */
export interface ExternalServers {
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
}

/** The servers that DATABASE_URL and KAFKA_BROKERS name, once both were found fit. Throws OperatingError. */
export async function externalServers(env: {
  readonly DATABASE_URL: string;
  readonly KAFKA_BROKERS: string;
}): Promise<ExternalServers> {
  const brokers = env.KAFKA_BROKERS.split(',').map((broker) => broker.trim());
  await Promise.all([checkPostgres(env.DATABASE_URL), checkKafka(brokers)]);
  return { databaseUrl: env.DATABASE_URL, brokers };
}

async function checkPostgres(databaseUrl: string): Promise<void> {
  const client = await connect(databaseUrl);
  try {
    const { rows } = await client.query<{ wal_level: string; superuser: string }>(
      "select current_setting('wal_level') as wal_level, current_setting('is_superuser') as superuser",
    );
    const [row] = rows;
    if (row?.wal_level !== 'logical') {
      throw new OperatingError('wal-level-not-logical', `wal_level of DATABASE_URL is ${row?.wal_level}`, {
        remedy: 'Run `alter system set wal_level = logical` and restart the server.',
      });
    }
    if (row.superuser !== 'on') {
      throw new OperatingError('postgres-privilege-missing', 'the user of DATABASE_URL is not a superuser', {
        remedy: 'Tests create databases, slots and publications, and terminate sessions: name a superuser.',
      });
    }
  } finally {
    await client.end();
  }
}

async function connect(databaseUrl: string): Promise<pg.Client> {
  const where = describeUrl(databaseUrl);
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: connectTimeoutMs });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (cause) {
    // Class 28 is a refused login, 3D000 an unknown database: https://www.postgresql.org/docs/18/errcodes-appendix.html
    if (cause instanceof pg.DatabaseError && /^28|^3D/.test(cause.code ?? '')) {
      throw new OperatingError('postgres-refused-login', `Postgres at ${where} refused: ${cause.message}`, {
        remedy: 'Correct user, password or database in DATABASE_URL.',
        cause,
      });
    }
    throw new OperatingError('postgres-unreachable', `no Postgres answers at ${where}`, {
      remedy: 'Start it, or correct DATABASE_URL.',
      cause,
    });
  }
}

/** Host and port; never the password. Throws OperatingError `configuration-invalid` when it is no URL. */
function describeUrl(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) {
    throw new OperatingError('configuration-invalid', 'DATABASE_URL is not a URL', {
      remedy:
        'Its form is postgres://user:password@host:port/database; special characters are percent-encoded.',
    });
  }
  const { hostname, port } = new URL(databaseUrl);
  return `${hostname}:${port || '5432'}`;
}

async function checkKafka(brokers: readonly string[]): Promise<void> {
  for (const broker of brokers) {
    const address = parseAddress(broker);
    if (!address) {
      throw new OperatingError('configuration-invalid', `KAFKA_BROKERS holds "${broker}"`, {
        remedy: 'Its form is host:port, several separated by commas.',
      });
    }
    if (await kafkaAnswers(address, { timeoutMs: connectTimeoutMs })) return;
  }
  throw new OperatingError('kafka-unreachable', `no Kafka broker answers at ${brokers.join(', ')}`, {
    remedy: 'Start it, or correct KAFKA_BROKERS; a plain-text listener is expected.',
  });
}
