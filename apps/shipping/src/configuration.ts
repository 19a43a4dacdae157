/** The shipping service's settings, from the environment. */
import type { Brokers } from '@diptych/runtime/kafka-access';
import {
  brokers,
  brokersFrom,
  databaseUrlFrom,
  host,
  metricsAddress,
  port,
  postgresUrl,
  readEnvironment,
} from '@diptych/runtime/service-environment';
import { z } from 'zod';

const schema = z.object({
  SHIPPING_DATABASE_URL: postgresUrl({ database: 'shipping' }),
  KAFKA_BROKERS: brokers,
  KAFKA_TOPIC: z.string().min(1).default('outbox.event.cart'),
  KAFKA_GROUP: z.string().min(1).default('shipping'),
  HOST: host,
  ...metricsAddress,
  PORT: port(8082),
});

export interface Configuration {
  readonly databaseUrl: string;
  readonly brokers: Brokers;
  readonly topic: string;
  readonly groupId: string;
  readonly host: string;
  readonly port: number;
  /** `/metrics` there, in place of at the same port. */
  readonly metricsPort?: number | undefined;
  readonly metricsHost?: string | undefined;
}

/** Reads the settings. Throws OperatingError `configuration-invalid` that names each wrong variable, never its value. */
export function readConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const remedy =
    'Set SHIPPING_DATABASE_URL and KAFKA_BROKERS; KAFKA_TOPIC, KAFKA_GROUP, HOST and PORT have defaults.';
  const read = readEnvironment(schema, { environment, remedy });
  return {
    databaseUrl: databaseUrlFrom(environment, {
      name: 'SHIPPING_DATABASE',
      url: read.SHIPPING_DATABASE_URL,
    }),
    brokers: brokersFrom(environment, { addresses: read.KAFKA_BROKERS }),
    topic: read.KAFKA_TOPIC,
    groupId: read.KAFKA_GROUP,
    host: read.HOST,
    port: read.PORT,
    metricsPort: read.METRICS_PORT,
    metricsHost: read.METRICS_HOST,
  };
}
