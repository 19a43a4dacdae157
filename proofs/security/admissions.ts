/** Every way in: a relay that publishes over it, with each client. */
import { join } from 'node:path';
import { poll } from '@diptych/runtime/poll';
import { freePorts } from '@diptych/testkit/port';
import { RelayProcess, type RelaySettings } from '@diptych/testkit/relay-process';
import { queryAt } from '../bridge.ts';
import { certifiedUser } from './certificates.ts';
import { brokerCertificate, brokersBy, databaseBy, databaseCertificate, loginBy } from './refusals.ts';
import type { Secured } from './security.ts';

/** A name, and what runs it and answers what was not as it should be. */
export type Admission = readonly [name: string, run: () => Promise<string[]>];

const publishedTimeoutMs = 90_000;

export function admissions(secured: Secured): Admission[] {
  const { kafka, databaseUrl, passwordFiles } = secured;
  const { listeners } = kafka;
  const byPassword = {
    ...databaseBy(secured, { user: 'relay' }),
    DIPTYCH_DATABASE_PASSWORD_FILE: passwordFiles.database,
  };
  const byCertificate = {
    ...databaseBy(secured, { user: certifiedUser }),
    ...databaseCertificate(secured.certificates.client),
  };
  const plainDatabase = { DIPTYCH_DATABASE_URL: databaseUrl };
  const login = (mechanism: string) => ({
    ...brokersBy(secured, listeners.login),
    ...loginBy(secured, { mechanism }),
  });
  const kafkajs = { DIPTYCH_KAFKA_DRIVER: 'kafkajs' };
  const ways: Record<string, RelaySettings> = {
    'a password over TLS, and TLS to Kafka': { ...byPassword, ...brokersBy(secured, listeners.tls) },
    'a client certificate at Postgres and at Kafka': {
      ...byCertificate,
      ...brokersBy(secured, listeners.mutual),
      ...brokerCertificate(secured.certificates.client),
    },
    'a client certificate at Kafka, kafkajs': {
      ...plainDatabase,
      ...brokersBy(secured, listeners.mutual),
      ...brokerCertificate(secured.certificates.client),
      ...kafkajs,
    },
    'SASL PLAIN': { ...byPassword, ...login('plain') },
    'SASL PLAIN, kafkajs': { ...plainDatabase, ...login('plain'), ...kafkajs },
    'SCRAM-SHA-256': { ...plainDatabase, ...login('scram-sha-256') },
    'SCRAM-SHA-256 without TLS, kafkajs': {
      ...plainDatabase,
      DIPTYCH_KAFKA_BROKERS: listeners.openlogin,
      ...loginBy(secured, { mechanism: 'scram-sha-256' }),
      ...kafkajs,
    },
    'SCRAM-SHA-512': { ...byCertificate, ...login('scram-sha-512') },
    'SCRAM-SHA-512, kafkajs': { ...plainDatabase, ...login('scram-sha-512'), ...kafkajs },
    'verify-ca at a server of another host name': {
      ...plainDatabase,
      ...brokersBy(secured, listeners.elsewhere),
      DIPTYCH_KAFKA_TLS_MODE: 'verify-ca',
    },
  };
  return Object.entries(ways).map(([name, settings], index) => [
    name,
    () => publishes(secured, { name: `way_${index}`, settings }),
  ]);
}

/** Slot, publications and topics of a way's own. */
export const namesOf = (name: string): RelaySettings => ({
  DIPTYCH_SLOT: name,
  DIPTYCH_PREFIX: name,
  DIPTYCH_OUTBOX_PUBLICATION: `${name}_outbox`,
  DIPTYCH_CHANGE_PUBLICATION: `${name}_change`,
  DIPTYCH_OUTBOX_TOPIC_PREFIX: `${name}.outbox.event.`,
});

/** `init`, `run` until what is written is in Kafka, `status`, and an end that was asked for. */
export async function publishes(
  secured: Secured,
  { name, settings }: { name: string; settings: RelaySettings },
): Promise<string[]> {
  const { databaseUrl, logs, watchdog, outputs } = secured;
  const [port = 0] = await freePorts(1);
  const relay = new RelayProcess({
    name,
    logFile: join(logs, `${name}.log`),
    watchdog,
    settings: {
      ...namesOf(name),
      DIPTYCH_HTTP_PORT: String(port),
      ...settings,
    },
  });
  try {
    await relay.initialise();
    relay.start();
    await queryAt(
      databaseUrl,
      `insert into products (sku, name, unit_price) values ('${name}', '${name}', 1)`,
    );
    const published = async () => {
      if (!relay.running) throw new Error(`the relay has ended: ${await relay.lastLine()}`);
      return ((await relay.recordsPublished()) ?? 0) > 0 || undefined;
    };
    await poll(published, { what: 'a record is in Kafka', timeoutMs: publishedTimeoutMs });
    for (const path of ['status', 'metrics', 'readyz', 'nothing-here', '%'])
      outputs.add(`${name}/${path}`, await textOf(`http://127.0.0.1:${port}/${path}`));
    await relay.command('status', '--json');
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  } finally {
    await relay.stop();
    await queryAt(
      databaseUrl,
      `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '${name}' and not active`,
    );
  }
}

export async function textOf(url: string): Promise<string> {
  const answer = await fetch(url);
  return `${JSON.stringify([...answer.headers])}\n${await answer.text()}`;
}
