/** The projections' settings, from the environment. */
import { OperatingError } from '@diptych/runtime/failure';
import { z } from 'zod';

const list = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

const schema = z.object({
  PROJECTIONS_DATABASE_URL: z.url({
    protocol: /^postgres(ql)?$/,
    error: 'must be a URL such as postgres://user@host:5432/projections',
  }),
  KAFKA_BROKERS: z
    .string('must be host:port, separated by commas')
    .transform(list)
    .refine(
      (brokers) => brokers.length > 0 && brokers.every((broker) => /^.+:\d{1,5}$/.test(broker)),
      'must be host:port, separated by commas',
    ),
  KAFKA_TOPICS: z
    .string()
    .default('outbox.event.cart')
    .transform(list)
    .refine((topics) => topics.length > 0, 'must be topics, separated by commas'),
  KAFKA_GROUP: z.string().min(1).default('projections'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port, or 0 for any free one')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be at most 65535')
    .default(8083),
});

export interface Configuration {
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  readonly topics: readonly string[];
  /** Consumer groups begin with it. */
  readonly group: string;
  readonly host: string;
  readonly port: number;
}

/** Reads the settings. Throws OperatingError `configuration-invalid` that names each wrong variable, never its value. */
export function readConfiguration(environment: NodeJS.ProcessEnv): Configuration {
  const result = schema.safeParse(environment);
  if (result.success) {
    const { data } = result;
    return {
      databaseUrl: data.PROJECTIONS_DATABASE_URL,
      brokers: data.KAFKA_BROKERS,
      topics: data.KAFKA_TOPICS,
      group: data.KAFKA_GROUP,
      host: data.HOST,
      port: data.PORT,
    };
  }
  const wrong = result.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new OperatingError('configuration-invalid', wrong.join('; '), {
    remedy:
      'Set PROJECTIONS_DATABASE_URL and KAFKA_BROKERS; KAFKA_TOPICS, KAFKA_GROUP, HOST and PORT have defaults.',
  });
}
