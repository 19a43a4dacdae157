/** The projections' settings, from the environment. */
import type { Brokers } from '@diptych/runtime/kafka-access';
import {
  brokers,
  brokersFrom,
  databaseUrlFrom,
  host,
  listOf,
  metricsAddress,
  port,
  postgresUrl,
  readEnvironment,
} from '@diptych/runtime/service-environment';
import { z } from 'zod';

const schema = z.object({
  PROJECTIONS_DATABASE_URL: postgresUrl({ database: 'projections' }),
  KAFKA_BROKERS: brokers,
  KAFKA_TOPICS: z
    .string()
    .default('outbox.event.cart')
    .transform(listOf)
    .refine((topics) => topics.length > 0, 'must be topics, separated by commas'),
  KAFKA_GROUP: z.string().min(1).default('projections'),
  HOST: host,
  ...metricsAddress,
  PORT: port(8083),
});

export interface Configuration {
  readonly databaseUrl: string;
  readonly brokers: Brokers;
  readonly topics: readonly string[];
  /** Consumer groups begin with it. */
  readonly group: string;
  readonly host: string;
  readonly port: number;
  /** `/metrics` there, in place of at the same port. */
  readonly metricsPort?: number | undefined;
  readonly metricsHost?: string | undefined;
}

/** Reads the settings. Throws OperatingError `configuration-invalid` that names each wrong variable, never its value. */
export function readConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const remedy =
    'Set PROJECTIONS_DATABASE_URL and KAFKA_BROKERS; KAFKA_TOPICS, KAFKA_GROUP, HOST and PORT have defaults.';
  const read = readEnvironment(schema, { environment, remedy });
  return {
    databaseUrl: databaseUrlFrom(environment, {
      name: 'PROJECTIONS_DATABASE',
      url: read.PROJECTIONS_DATABASE_URL,
    }),
    brokers: brokersFrom(environment, { addresses: read.KAFKA_BROKERS }),
    topics: read.KAFKA_TOPICS,
    group: read.KAFKA_GROUP,
    host: read.HOST,
    port: read.PORT,
    metricsPort: read.METRICS_PORT,
    metricsHost: read.METRICS_HOST,
  };
}
