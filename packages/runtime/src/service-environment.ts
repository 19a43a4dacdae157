/** What services of the example are told by their environment: the same names, checks and words for each of them. */
import { z } from 'zod';
import { OperatingError } from './failure.ts';

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
