/** Payloads of an outbox against the published schemas of their contracts: `<type>.v<version>.json`, one for each version. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperatingError } from '@diptych/runtime/failure';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

export interface ContractSettings {
  readonly directory: string;
  /** What becomes of an event of a type or version that no file is of. */
  readonly unknown: 'refuse' | 'publish';
}

/** Why a payload is refused; null when it may be published. */
export type PayloadCheck = (event: {
  readonly type: string;
  readonly version: string;
  readonly payload: Buffer | null;
}) => OperatingError | null;

/** Reads the schemas as they are now. Throws OperatingError `configuration-invalid` that names what is none. */
export function payloadCheck({ directory, unknown }: ContractSettings): PayloadCheck {
  const schemas = readSchemas(directory);
  return ({ type, version, payload }) => {
    const name = `${type}.v${version}`;
    const validate = schemas.get(name);
    if (!validate) return unknown === 'publish' ? null : unknownVersion(name, directory);
    const wrong = payload === null ? 'it has none' : whatIsWrong(validate, payload);
    if (wrong === null) return null;
    return new OperatingError('payload-refused', `the contract ${name} refuses a payload: ${wrong}`, {
      remedy:
        'Mend the service that wrote it. Released, the event is published as it is; its readers park it.',
    });
  };
}

function readSchemas(directory: string): ReadonlyMap<string, ValidateFunction> {
  // Schemas may have members of their own, as `x-since`.
  const ajv = new Ajv2020({ strict: false, logger: false });
  formats.default(ajv);
  let at = directory;
  try {
    const files = readdirSync(directory).filter((file) => /\.v\d+\.json$/.test(file));
    return new Map(
      files.map((file) => {
        at = join(directory, file);
        const schema = JSON.parse(readFileSync(at, 'utf8')) as object;
        return [file.slice(0, -'.json'.length), ajv.compile(schema)];
      }),
    );
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new OperatingError('configuration-invalid', `outboxes: no schemas can be read of ${at}: ${why}`, {
      remedy: 'Name the directory that `contracts publish` writes (docs/contracts.md).',
      cause,
    });
  }
}

/** The first thing, by its place and never by its value. */
function whatIsWrong(validate: ValidateFunction, payload: Buffer): string | null {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString());
  } catch {
    return 'it is not JSON';
  }
  if (validate(value)) return null;
  const [first] = validate.errors ?? [];
  return `payload${first?.instancePath ?? ''} ${first?.message ?? 'is not as it says'}`;
}

function unknownVersion(name: string, directory: string): OperatingError {
  return new OperatingError('contract-unknown-version', `no schema ${name}.json is in ${directory}`, {
    remedy:
      'Publish the schema there and begin a new session, then release the event; or set `unknown` to publish.',
  });
}
