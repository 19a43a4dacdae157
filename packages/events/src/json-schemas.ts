/** The JSON Schema of each version: what is published for those who do not read our TypeScript. */
import { assert } from '@diptych/runtime/assert';
import { z } from 'zod';
import type { Contracts, EventVersion, JsonSchema } from './event-contract.ts';

export interface PublishedSchema {
  readonly type: string;
  readonly version: number;
  /** `ItemAdded.v2.json` */
  readonly file: string;
  readonly schema: JsonSchema;
}

/** All versions of all types, in their order. */
export function jsonSchemas(contracts: Contracts): PublishedSchema[] {
  return Object.entries(contracts).flatMap(([type, { versions }]) =>
    versions.map((version) => ({
      type,
      version: version.version,
      file: `${type}.v${version.version}.json`,
      schema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        title: `${type}, version ${version.version}`,
        'x-since': version.since,
        ...schemaOf(version, type),
        examples: [version.example],
      },
    })),
  );
}

/** Of the written form: what a reader may meet. */
function schemaOf({ payload, jsonSchema }: EventVersion, type: string): JsonSchema {
  if (jsonSchema) return jsonSchema;
  assert(payload instanceof z.ZodType, `${type}: a schema that is not zod’s comes with its jsonSchema`);
  const { $schema: _, ...schema } = z.toJSONSchema(payload, { io: 'input' });
  return schema;
}
