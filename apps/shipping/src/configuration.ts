/** The shipping service's settings, from the environment. */
import { OperatingError } from '@diptych/runtime/failure';
import { z } from 'zod';

const schema = z.object({
  SHIPPING_DATABASE_URL: z.url({
    protocol: /^postgres(ql)?$/,
    error: 'must be a URL such as postgres://user@host:5432/shipping',
  }),
  KAFKA_BROKERS: z
    .string('must be host:port, separated by commas')
    .transform((text) =>
      text
        .split(',')
        .map((broker) => broker.trim())
        .filter((broker) => broker !== ''),
    )
    .refine(
      (brokers) => brokers.length > 0 && brokers.every((broker) => /^.+:\d{1,5}$/.test(broker)),
      'must be host:port, separated by commas',
    ),
  KAFKA_TOPIC: z.string().min(1).default('outbox.event.cart'),
  KAFKA_GROUP: z.string().min(1).default('shipping'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port, or 0 for any free one')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be at most 65535')
    .default(8082),
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
  const result = schema.safeParse(environment);
  if (result.success) {
    const { data } = result;
    return {
      databaseUrl: data.SHIPPING_DATABASE_URL,
      brokers: data.KAFKA_BROKERS,
      topic: data.KAFKA_TOPIC,
      groupId: data.KAFKA_GROUP,
      host: data.HOST,
      port: data.PORT,
    };
  }
  const wrong = result.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new OperatingError('configuration-invalid', wrong.join('; '), {
    remedy:
      'Set SHIPPING_DATABASE_URL and KAFKA_BROKERS; KAFKA_TOPIC, KAFKA_GROUP, HOST and PORT have defaults.',
  });
}
