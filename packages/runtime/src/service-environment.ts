/** What services of the example are told by their environment: the same names, checks and words for each of them. */
import { z } from 'zod';
import { settingsOf } from './configuration.ts';
import { checkDatabaseAccess, databaseAccess, databaseUrlOf } from './database-access.ts';
import { OperatingError } from './failure.ts';
import { type Brokers, brokersOf, checkKafkaAccess, kafkaAccess } from './kafka-access.ts';

/** `a, b` as a list, without what is empty. */
export const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

export const postgresUrl = ({ database }: { database: string }) =>
  z.url({
    protocol: /^postgres(ql)?$/,
    error: `must be a URL such as postgres://user@host:5432/${database}`,
  });

const notBrokers = 'must be host:port, separated by commas';

export const brokers = z
  .string(notBrokers)
  .transform(listOf)
  .refine((all) => all.length > 0 && all.every((broker) => /^.+:\d{1,5}$/.test(broker)), notBrokers);

/** Nobody else is served unless it is said. */
export const host = z.string().min(1).default('127.0.0.1');

export const port = (usual: number) =>
  z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port, or 0 for any free one')
    .transform(Number)
    .refine((one) => one <= 65_535, 'must be at most 65535')
    .default(usual);

/** `/metrics` at a port of its own, and not at the other one. */
export const metricsAddress = {
  METRICS_HOST: z.string().min(1).optional(),
  METRICS_PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port, or 0 for any free one')
    .transform(Number)
    .refine((one) => one <= 65_535, 'must be at most 65535')
    .optional(),
};

/** Reads the settings. Throws OperatingError `configuration-invalid` that names each wrong variable, never its value. */
export function readEnvironment<Schema extends z.ZodType>(
  schema: Schema,
  { environment, remedy }: { environment: NodeJS.ProcessEnv; remedy: string },
): z.output<Schema> {
  const result = schema.safeParse(environment);
  if (result.success) return result.data;
  const wrong = result.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new OperatingError('configuration-invalid', wrong.join('; '), { remedy });
}

/**
 * A database's URL whole: with the password and the certificates that stand in variables which begin as its own does,
 * `<name>_PASSWORD_FILE`, `<name>_TLS_MODE` and so on (docs/security.md). Throws as `readEnvironment`.
 */
export function databaseUrlFrom(
  environment: NodeJS.ProcessEnv,
  { name, url }: { name: string; url: string },
): string {
  const schema = z.strictObject({ url: z.string(), ...databaseAccess });
  return databaseUrlOf(
    readSection(schema.superRefine(checkDatabaseAccess), { name, environment, given: { url } }),
  );
}

/** Brokers with TLS and login as `<name>_TLS_MODE`, `<name>_SASL_MECHANISM` and so on say. Throws as `readEnvironment`. */
export function brokersFrom(
  environment: NodeJS.ProcessEnv,
  { name = 'KAFKA', addresses }: { name?: string; addresses: readonly string[] },
): Brokers {
  const schema = z.strictObject(kafkaAccess).superRefine(checkKafkaAccess);
  return brokersOf(addresses, readSection(schema, { name, environment, given: {} }));
}

function readSection<Schema extends z.ZodObject>(
  schema: Schema,
  {
    name,
    environment,
    given,
  }: { name: string; environment: NodeJS.ProcessEnv; given: Record<string, unknown> },
): z.output<Schema> {
  const input: Record<string, unknown> = { ...given };
  const variables = new Map<string, string>();
  for (const { path, variable: whole } of settingsOf(schema)) {
    const variable = whole.replace(/^DIPTYCH/, name);
    variables.set(path, variable);
    const text = environment[variable];
    if (text !== undefined && !(path in given)) place(input, path.split('.'), text);
  }
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const wrong = result.error.issues.map(
    ({ path, message }) => `${variables.get(path.join('.')) ?? name} ${message}`,
  );
  throw new OperatingError('configuration-invalid', wrong.join('; '), {
    remedy: 'docs/security.md shows how a connection is secured, each variable by its task.',
  });
}

function place(target: Record<string, unknown>, [name = '', ...rest]: readonly string[], text: string): void {
  if (rest.length === 0) {
    target[name] = text;
    return;
  }
  const inner = { ...(target[name] as Record<string, unknown> | undefined) };
  target[name] = inner;
  place(inner, rest, text);
}
