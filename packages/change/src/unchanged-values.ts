/**
 * What stands for a TOASTed value that was not sent, when a placeholder is asked for (`unavailable.value.placeholder`):
 * Debezium's, which depends on the type so that it fits the column's schema.
 */
import { createHash } from 'node:crypto';
import { writeBytes } from './binary-values.ts';
import { JsonWriter } from './json-writer.ts';
import { type PostgresType, withoutDomains } from './postgres-type.ts';
import type { ValueModes } from './value-modes.ts';

/** Arrays of these have the placeholder as their one element. */
const textElements: ReadonlySet<string> = new Set('text varchar bpchar json jsonb'.split(' '));

/** Arrays of these have its bytes, each as a number. */
const numberElements: ReadonlySet<string> = new Set('int4 int8 date'.split(' '));

/** The JSON of the placeholder for a column of the type. */
export function placeholderFor(type: PostgresType, text: string, modes: ValueModes): Buffer {
  const { type: root } = withoutDomains(type, -1);
  const string = JSON.stringify(text);
  if (root.tag === 'base' && root.name === 'hstore') {
    const map = `{${string}:${string}}`;
    return Buffer.from(modes.hstore === 'map' ? map : JSON.stringify(map));
  }
  if (root.tag === 'base' && root.name === 'bytea' && modes.binary === 'bytes') return asBytes(text, modes);
  if (root.tag === 'array' && root.element.tag === 'base') return inArray(root.element.name, text, modes);
  return Buffer.from(string);
}

function inArray(element: string, text: string, modes: ValueModes): Buffer {
  if (textElements.has(element)) return Buffer.from(`[${JSON.stringify(text)}]`);
  if (numberElements.has(element)) return Buffer.from(`[${[...Buffer.from(text)].join()}]`);
  if (element === 'uuid') return Buffer.from(`["${uuidOf(text)}"]`);
  if (element === 'bytea') return Buffer.from(`[${String(asBytes(text, modes))}]`);
  return Buffer.from(JSON.stringify(text));
}

function asBytes(text: string, { binary }: ValueModes): Buffer {
  const out = new JsonWriter({ bytes: 256 });
  writeBytes(out, Buffer.from(text), binary);
  return out.take();
}

/** Java's `UUID.nameUUIDFromBytes`: version 3 of the bytes alone. */
function uuidOf(text: string): string {
  const hash = createHash('md5').update(text).digest();
  hash[6] = ((hash[6] as number) & 0x0f) | 0x30;
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
