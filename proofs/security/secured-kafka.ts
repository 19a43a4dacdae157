/** A broker with a listener for each way in, and for each way to be refused. */

import { createScramUser } from '@diptych/kafka/scram-user-for-tests';
import { startKafkaCluster } from '@diptych/testkit/kafka-cluster';
import { freePorts } from '@diptych/testkit/port';
import type { Certificate, Certificates } from './certificates.ts';

const protocols = {
  tls: 'SSL',
  mutual: 'SSL',
  expired: 'SSL',
  elsewhere: 'SSL',
  login: 'SASL_SSL',
  openlogin: 'SASL_PLAINTEXT',
} as const;

export type ListenerName = keyof typeof protocols;
const names = Object.keys(protocols) as ListenerName[];

export interface SecuredKafka {
  /** In plain text, for ourselves. */
  readonly plain: string;
  /** `localhost:port` of each listener. */
  readonly listeners: Readonly<Record<ListenerName, string>>;
  stop(): Promise<void>;
}

export const kafkaUser = 'relay';

/** Starts it; the user is known to every mechanism by the one password. */
export async function startSecuredKafka({
  certificates,
  password,
}: {
  certificates: Certificates;
  password: string;
}): Promise<SecuredKafka> {
  const ports = await freePorts(names.length);
  const shown = (name: ListenerName): Certificate =>
    name === 'expired' || name === 'elsewhere' ? certificates[name] : certificates.server;
  const settings = Object.assign(
    {},
    ...names.map((name) => ({
      ...tlsOf(name, { certificate: shown(name), caFile: certificates.caFile }),
      ...(protocols[name].startsWith('SASL') ? saslOf(name, password) : {}),
    })),
  );
  const listeners = names.map((name, index) => ({
    name: name.toUpperCase(),
    protocol: protocols[name],
    ports: [ports[index] ?? 0],
  }));
  const cluster = await startKafkaCluster({ brokers: 1, settings, listeners, heapMebibytes: 384 });
  const [plain = ''] = cluster.brokers;
  for (const mechanism of ['scram-sha-256', 'scram-sha-512'] as const)
    await createScramUser({ broker: plain, mechanism, username: kafkaUser, password });
  const addresses = names.map((name, index) => [name, `localhost:${ports[index]}`] as const);
  return {
    plain,
    listeners: Object.fromEntries(addresses) as Record<ListenerName, string>,
    stop: () => cluster.stop(),
  };
}

/** https://kafka.apache.org/43/security/encryption-and-authentication-using-ssl/ */
function tlsOf(name: ListenerName, { certificate, caFile }: { certificate: Certificate; caFile: string }) {
  const prefix = `listener.name.${name}.ssl`;
  return {
    [`${prefix}.keystore.type`]: 'PEM',
    [`${prefix}.keystore.location`]: certificate.both,
    [`${prefix}.truststore.type`]: 'PEM',
    [`${prefix}.truststore.location`]: caFile,
    [`${prefix}.client.auth`]: name === 'mutual' ? 'required' : 'none',
  };
}

function saslOf(name: ListenerName, password: string) {
  const prefix = `listener.name.${name}`;
  const module = 'org.apache.kafka.common.security';
  const isOpen = name === 'openlogin';
  const scram = `${module}.scram.ScramLoginModule required;`;
  return {
    [`${prefix}.sasl.enabled.mechanisms`]: isOpen ? 'SCRAM-SHA-256' : 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    [`${prefix}.scram-sha-256.sasl.jaas.config`]: scram,
    ...(isOpen
      ? {}
      : {
          [`${prefix}.scram-sha-512.sasl.jaas.config`]: scram,
          [`${prefix}.plain.sasl.jaas.config`]: `${module}.plain.PlainLoginModule required user_${kafkaUser}="${password}";`,
        }),
  };
}
