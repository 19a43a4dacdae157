/**
 * Configuration is data: one zod schema gives the check, the environment variables, the reference table of the docs and
 * what may be printed. A setting comes from the environment (`DIPTYCH_` + path in upper snake case), else from the file,
 * else from its default.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { OperatingError } from './failure.ts';

/** One leaf of the schema. */
export interface Setting {
  /** `database.url` */
  readonly path: string;
  /** `DIPTYCH_DATABASE_URL` */
  readonly variable: string;
  /** `json`: a list of objects, which a variable gives as JSON. */
  readonly type: 'string' | 'number' | 'boolean' | 'list' | 'json';
  readonly description: string;
  readonly secret: boolean;
  readonly default: unknown;
  /** Has no default and must be set. */
  readonly required: boolean;
}

interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  required?: readonly string[];
  items?: JsonSchema;
  description?: string;
  secret?: boolean;
  default?: unknown;
}

/** Variables of the same prefix that belong to other parts of the system. */
const foreignVariables = new Set([
  'DIPTYCH_STACK',
  'DIPTYCH_CACHE',
  'DIPTYCH_CONFIG',
  'DIPTYCH_LOG_LEVEL',
  'DIPTYCH_POSTGRES_IMAGE',
  'DIPTYCH_KAFKA_IMAGE',
  'DIPTYCH_SCREENSHOTS',
  'DIPTYCH_TESTKIT_SERVERS',
]);

/** Those of the console, which may stand in the same environment (docs/console.md). */
const foreignPrefix = 'DIPTYCH_CONSOLE_';

const isForeign = (variable: string): boolean =>
  foreignVariables.has(variable) || variable.startsWith(foreignPrefix);

/** All settings of a schema, in its order. */
export function settingsOf(schema: z.ZodObject): Setting[] {
  const walk = (node: JsonSchema, path: string, required: boolean): Setting[] => {
    if (node.properties) {
      return Object.entries(node.properties).flatMap(([name, child]) =>
        walk(child, path ? `${path}.${name}` : name, node.required?.includes(name) ?? false),
      );
    }
    return [
      {
        path,
        variable: variableOf(path),
        type: typeOf(node),
        description: node.description ?? '',
        secret: node.secret ?? false,
        default: node.default,
        required,
      },
    ];
  };
  return walk(z.toJSONSchema(schema, { io: 'input' }) as JsonSchema, '', true);
}

function typeOf({ type, items }: JsonSchema): Setting['type'] {
  if (type === 'array') return items?.properties ? 'json' : 'list';
  if (type === 'boolean') return 'boolean';
  return type === 'number' || type === 'integer' ? 'number' : 'string';
}

const variableOf = (path: string): string =>
  `DIPTYCH_${path
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;

/**
 * Reads and checks a configuration. `file` is optional to exist unless it was named. Throws `configuration-invalid`
 * that names each setting or variable that is wrong.
 */
export function loadConfiguration<Schema extends z.ZodObject>({
  schema,
  file,
  environment,
}: {
  schema: Schema;
  file: { path: string; required: boolean };
  environment: NodeJS.ProcessEnv;
}): z.output<Schema> {
  const settings = settingsOf(schema);
  const input = readFile(file);
  const known = new Map(settings.map((setting) => [setting.variable, setting]));
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('DIPTYCH_') || isForeign(variable) || text === undefined) continue;
    const setting = known.get(variable);
    if (!setting) throw invalid([`${variable} is not a setting`]);
    assign(input, setting.path.split('.'), parse(setting, text));
  }
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw invalid(result.error.issues.map((issue) => explain(issue)));
}

function readFile({ path, required }: { path: string; required: boolean }): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    if (missing && !required) return {};
    throw invalid([`${path} cannot be read`], cause);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch (cause) {
    throw invalid([`${path} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`], cause);
  }
  throw invalid([`${path} does not hold a JSON object`]);
}

function parse(setting: Setting, text: string): unknown {
  if (setting.type === 'json') return parseJson(setting, text);
  if (setting.type === 'list')
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  if (setting.type === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (setting.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}

function parseJson({ variable }: Setting, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid([`${variable} is not JSON`], cause);
  }
}

function assign(target: Record<string, unknown>, [name = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  const child = target[name];
  const next = typeof child === 'object' && child !== null ? { ...child } : {};
  target[name] = next;
  assign(next as Record<string, unknown>, rest, value);
}

function explain(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${path ? `${path}.` : ''}${key} is not a setting`).join('; ');
  }
  return `${path} (${variableOf(path)}): ${issue.message}`;
}

const invalid = (problems: string[], cause?: unknown): OperatingError =>
  new OperatingError('configuration-invalid', problems.join('; '), {
    remedy: 'Correct the settings named; docs/configuration.md lists them all.',
    ...(cause === undefined ? {} : { cause }),
  });

/** A configuration with its secrets masked, for printing. Passwords inside URLs are secrets too. */
export function maskSecrets(
  schema: z.ZodObject,
  configuration: Record<string, unknown>,
): Record<string, unknown> {
  const copy = structuredClone(configuration);
  for (const { path, secret } of settingsOf(schema)) {
    if (!secret) continue;
    const names = path.split('.');
    const last = names.pop() ?? '';
    let node: unknown = copy;
    for (const name of names) node = isRecord(node) ? node[name] : undefined;
    if (!isRecord(node)) continue;
    const value = node[last];
    if (typeof value === 'string') node[last] = maskUrl(value);
  }
  return copy;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** A database's URL without its password; anything else becomes stars, for a password may look like a URL: `pass:word`. */
export function maskUrl(text: string): string {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return '***';
  const url = new URL(text);
  if (url.password) url.password = '***';
  for (const name of [...url.searchParams.keys()]) {
    if (/password|secret|key/i.test(name)) url.searchParams.set(name, '***');
  }
  return url.toString();
}
