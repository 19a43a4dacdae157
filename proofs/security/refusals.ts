/** Every way to be refused: the settings that lead to it, the code of the error, and the setting that its way out names. */
import type { RelaySettings } from '@diptych/testkit/relay-process';
import { type Certificate, type Certificates, certifiedUser } from './certificates.ts';
import { kafkaUser, type SecuredKafka } from './secured-kafka.ts';
import type { SecuredPostgres } from './secured-postgres.ts';

export interface Refusal {
  readonly name: string;
  readonly settings: RelaySettings;
  readonly code: string;
  /** Of these, all stand in what is said. */
  readonly says: readonly string[];
  /** What Postgres shows meanwhile; the good certificate when it is left out, null for a server without TLS. */
  readonly shown?: Certificate | null;
}

export interface Parts {
  readonly certificates: Certificates;
  readonly postgres: SecuredPostgres;
  readonly kafka: SecuredKafka;
  /** Files that hold the right passwords and wrong ones. */
  readonly passwordFiles: { readonly database: string; readonly kafka: string; readonly wrong: string };
}

/** Settings of a database whose server's certificate is checked. */
export const databaseBy = (
  { postgres, certificates }: Parts,
  { user, caFile = certificates.caFile }: { user: string; caFile?: string | undefined },
): RelaySettings => ({
  DIPTYCH_DATABASE_URL: `postgres://${user}@${postgres.address}/shop`,
  DIPTYCH_DATABASE_TLS_MODE: 'verify-full',
  DIPTYCH_DATABASE_TLS_CA_FILE: caFile,
});

export const databaseCertificate = ({ certFile, keyFile }: Certificate): RelaySettings => ({
  DIPTYCH_DATABASE_TLS_CERT_FILE: certFile,
  DIPTYCH_DATABASE_TLS_KEY_FILE: keyFile,
});

export function postgresRefusals(parts: Parts): Refusal[] {
  const { certificates, postgres, passwordFiles } = parts;
  const login = { DIPTYCH_DATABASE_PASSWORD_FILE: passwordFiles.database };
  const good = { ...databaseBy(parts, { user: 'relay' }), ...login };
  const certified = databaseBy(parts, { user: certifiedUser });
  const tls = (
    name: string,
    says: readonly string[],
    settings: RelaySettings,
    shown?: Certificate | null,
  ) => ({
    ...{ name: `postgres: ${name}`, code: 'postgres-tls-refused', says, settings },
    ...(shown === undefined ? {} : { shown }),
  });
  const caFile = 'database.tls.caFile (…DATABASE_TLS_CA_FILE)';
  const certFile = 'database.tls.certFile (…DATABASE_TLS_CERT_FILE)';
  const mode = 'database.tls.mode (…DATABASE_TLS_MODE)';
  return [
    tls('wrong CA', [caFile, 'not of an authority'], {
      ...good,
      DIPTYCH_DATABASE_TLS_CA_FILE: certificates.foreignCaFile,
    }),
    tls('an authority that nobody named', [caFile], {
      DIPTYCH_DATABASE_URL: `postgres://relay@${postgres.address}/shop`,
      DIPTYCH_DATABASE_TLS_MODE: 'verify-full',
      ...login,
    }),
    tls('expired certificate', ['expired'], good, certificates.expired),
    tls('wrong host name', ['database.url', mode], good, certificates.elsewhere),
    tls('no TLS at the server', [mode, 'ssl=on'], good, null),
    tls('plain text where TLS is wanted', [mode], {
      DIPTYCH_DATABASE_URL: `postgres://relay@${postgres.address}/shop`,
      ...login,
    }),
    tls('no client certificate', [certFile], certified),
    tls('client certificate of another authority', [certFile], {
      ...certified,
      ...databaseCertificate(certificates.foreignClient),
    }),
    tls('expired client certificate', [certFile], {
      ...certified,
      ...databaseCertificate(certificates.expiredClient),
    }),
    {
      ...{
        name: 'postgres: client certificate of another user',
        code: 'postgres-tls-refused',
        says: [certFile],
      },
      settings: { ...certified, ...databaseCertificate(certificates.otherUser) },
    },
    {
      ...{
        name: 'postgres: wrong password',
        code: 'postgres-refused-login',
        says: ['database.passwordFile'],
      },
      settings: { ...good, DIPTYCH_DATABASE_PASSWORD_FILE: passwordFiles.wrong },
    },
    {
      ...{ name: 'postgres: unknown user', code: 'postgres-refused-login', says: ['database.url'] },
      settings: { ...databaseBy(parts, { user: 'nobody_here' }), ...login },
    },
  ];
}

/** Settings of a listener, its certificate checked. */
export const brokersBy = ({ certificates }: Parts, address: string): RelaySettings => ({
  DIPTYCH_KAFKA_BROKERS: address,
  DIPTYCH_KAFKA_TLS_MODE: 'verify-full',
  DIPTYCH_KAFKA_TLS_CA_FILE: certificates.caFile,
});

export const brokerCertificate = ({ certFile, keyFile }: Certificate): RelaySettings => ({
  DIPTYCH_KAFKA_TLS_CERT_FILE: certFile,
  DIPTYCH_KAFKA_TLS_KEY_FILE: keyFile,
});

export const loginBy = (
  { passwordFiles }: Parts,
  {
    mechanism,
    username = kafkaUser,
    file = passwordFiles.kafka,
  }: { mechanism: string; username?: string; file?: string },
): RelaySettings => ({
  DIPTYCH_KAFKA_SASL_MECHANISM: mechanism,
  DIPTYCH_KAFKA_SASL_USERNAME: username,
  DIPTYCH_KAFKA_SASL_PASSWORD_FILE: file,
});

export function kafkaRefusals(parts: Parts): Refusal[] {
  const { certificates, kafka, passwordFiles } = parts;
  const { listeners } = kafka;
  const caFile = 'kafka.tls.caFile (…KAFKA_TLS_CA_FILE)';
  const mode = 'kafka.tls.mode (…KAFKA_TLS_MODE)';
  const tls = (name: string, says: readonly string[], settings: RelaySettings): Refusal => ({
    name: `kafka: ${name}`,
    code: 'kafka-tls-refused',
    says,
    settings,
  });
  // The clients do not tell why; it may also be a broker that ends just then, so that it is tried again.
  const hangsUp = (name: string, setting: string, settings: RelaySettings): Refusal => ({
    ...{ name: `kafka: ${name}`, code: 'kafka-unreachable', says: [setting], settings },
  });
  const login = (name: string, settings: RelaySettings): Refusal => ({
    ...{
      name: `kafka: ${name}`,
      code: 'kafka-refused-login',
      says: ['kafka.sasl.mechanism', 'kafka.sasl.password'],
    },
    settings: { ...brokersBy(parts, listeners.login), ...settings },
  });
  return [
    tls('wrong CA', [caFile, 'not of an authority'], {
      ...brokersBy(parts, listeners.tls),
      DIPTYCH_KAFKA_TLS_CA_FILE: certificates.foreignCaFile,
    }),
    tls('expired certificate', ['expired'], brokersBy(parts, listeners.expired)),
    tls('wrong host name', ['kafka.brokers', mode], brokersBy(parts, listeners.elsewhere)),
    hangsUp('no client certificate', 'kafka.tls.certFile', brokersBy(parts, listeners.mutual)),
    hangsUp('client certificate of another authority', 'kafka.tls.certFile', {
      ...brokersBy(parts, listeners.mutual),
      ...brokerCertificate(certificates.foreignClient),
    }),
    hangsUp('expired client certificate', 'kafka.tls.certFile', {
      ...brokersBy(parts, listeners.mutual),
      ...brokerCertificate(certificates.expiredClient),
    }),
    tls('plain text where TLS is wanted', [mode], { DIPTYCH_KAFKA_BROKERS: listeners.tls }),
    hangsUp('TLS where plain text is spoken', 'kafka.tls.mode', brokersBy(parts, kafka.plain)),
    ...['plain', 'scram-sha-256', 'scram-sha-512'].map((mechanism) =>
      login(`wrong password, ${mechanism}`, loginBy(parts, { mechanism, file: passwordFiles.wrong })),
    ),
    login('unknown user', loginBy(parts, { mechanism: 'scram-sha-512', username: 'nobody_here' })),
    {
      ...login('mechanism that the listener does not take', {}),
      settings: {
        ...loginBy(parts, { mechanism: 'scram-sha-512' }),
        DIPTYCH_KAFKA_BROKERS: listeners.openlogin,
      },
    },
    hangsUp('no login', 'kafka.sasl.mechanism', brokersBy(parts, listeners.login)),
  ];
}
