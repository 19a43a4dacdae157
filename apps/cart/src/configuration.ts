/** The cart service's settings, from the environment. */
import {
  databaseUrlFrom,
  host,
  port,
  postgresUrl,
  readEnvironment,
} from '@diptych/runtime/service-environment';
import { z } from 'zod';

const schema = z.object({
  DATABASE_URL: postgresUrl({ database: 'shop' }),
  HOST: host,
  PORT: port(8080),
});

export interface Configuration {
  readonly databaseUrl: string;
  readonly host: string;
  readonly port: number;
}

/** Reads the settings. Throws OperatingError `configuration-invalid` that names each wrong variable, never its value. */
export function readConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const remedy = 'Set DATABASE_URL; HOST (127.0.0.1) and PORT (8080) have defaults.';
  const read = readEnvironment(schema, { environment, remedy });
  const databaseUrl = databaseUrlFrom(environment, { name: 'DATABASE', url: read.DATABASE_URL });
  return { databaseUrl, host: read.HOST, port: read.PORT };
}
