/** The shipping service's settings, from the environment. */
import { brokers, host, port, postgresUrl, readEnvironment } from '@diptych/runtime/service-environment';
import { z } from 'zod';

const schema = z.object({
  SHIPPING_DATABASE_URL: postgresUrl({ database: 'shipping' }),
  KAFKA_BROKERS: brokers,
  KAFKA_TOPIC: z.string().min(1).default('outbox.event.cart'),
  KAFKA_GROUP: z.string().min(1).default('shipping'),
  HOST: host,
  PORT: port(8082),
});

export interface Configuration {
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly groupId: string;
  readonly host: string;
  readonly port: number;
}

/** Reads the settings. Throws OperatingError `configuration-invalid` that names each wrong variable, never its value. */
export function readConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const remedy =
    'Set SHIPPING_DATABASE_URL and KAFKA_BROKERS; KAFKA_TOPIC, KAFKA_GROUP, HOST and PORT have defaults.';
  const read = readEnvironment(schema, { environment, remedy });
  return {
    databaseUrl: read.SHIPPING_DATABASE_URL,
    brokers: read.KAFKA_BROKERS,
    topic: read.KAFKA_TOPIC,
    groupId: read.KAFKA_GROUP,
    host: read.HOST,
    port: read.PORT,
  };
}
