/** The cart service's settings, from the environment. */
import { OperatingError } from '@diptych/runtime/failure';
import { z } from 'zod';

const schema = z.object({
  DATABASE_URL: z.url({
    protocol: /^postgres(ql)?$/,
    error: 'must be a URL such as postgres://user@host:5432/shop',
  }),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port, or 0 for any free one')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be at most 65535')
    .default(8080),
});

export interface Configuration {
  readonly databaseUrl: string;
  readonly host: string;
  readonly port: number;
}

/** Reads the settings. Throws OperatingError `configuration-invalid` that names each wrong variable, never its value. */
export function readConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const result = schema.safeParse(environment);
  if (result.success) {
    const { DATABASE_URL: databaseUrl, HOST: host, PORT: port } = result.data;
    return { databaseUrl, host, port };
  }
  const wrong = result.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new OperatingError('configuration-invalid', wrong.join('; '), {
    remedy: 'Set DATABASE_URL; HOST (127.0.0.1) and PORT (8080) have defaults.',
  });
}
