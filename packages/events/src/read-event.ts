/** The reading side of contracts: whatever version was written, its reader sees the newest. */
import { assert } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { z } from 'zod';
import type { Contracts, EventOf, PayloadSchema, SchemaIssue } from './event-contract.ts';

/** As it came: type and version from the headers, the payload parsed. */
export interface WrittenEvent {
  readonly type: string;
  readonly version: number;
  readonly payload: unknown;
}

export type ReadEvent<C extends Contracts> =
  | { readonly ok: true; readonly event: EventOf<C> }
  | { readonly ok: false; readonly reason: ReadRefusal; readonly detail: string };

/** `contract-unknown-version`: it is newer than the reader, who must not guess what it means. */
export type ReadRefusal = 'type-unknown' | 'contract-unknown-version' | 'payload-invalid';

/**
 * Checks the payload against the version that it was written in, and makes the newest of it, version by version. Fields
 * that a version does not know are left out. What cannot be read is a value with its reason, and paths, never values, for
 * the consumer to park or to stop at. Throws AssertionError when an upcaster makes what its own contract refuses.
 */
export function readEvent<C extends Contracts>(contracts: C, written: WrittenEvent): ReadEvent<C> {
  const { type, version } = written;
  const contract = Object.hasOwn(contracts, type) ? contracts[type] : undefined;
  if (!contract) return { ok: false, reason: 'type-unknown', detail: `no contract knows ${type}` };
  const { versions, typeversion } = contract;
  const [first, ...later] = versions.filter((one) => one.version >= version);
  if (first?.version !== version) {
    const detail = `${type} has version ${version}, known are 1 to ${typeversion}`;
    return { ok: false, reason: 'contract-unknown-version', detail };
  }
  const read = check(first.payload, written.payload);
  if (read.issues) return { ok: false, reason: 'payload-invalid', detail: describe(read.issues) };
  let payload = read.value;
  for (const { upcast, payload: schema, version: to } of later) {
    assert(upcast, `version ${to} of ${type} has an upcaster`);
    const upcasted = check(schema, upcast(payload));
    assert(!upcasted.issues, `the upcaster of ${type} to version ${to} breaks its contract`);
    payload = upcasted.value;
  }
  return { ok: true, event: { type, payload } as EventOf<C> };
}

/** The same for consumers that stop. Throws OperatingError: `contract-unknown-version`, `event-malformed`. */
export function requireEvent<C extends Contracts>(contracts: C, written: WrittenEvent): EventOf<C> {
  const read = readEvent(contracts, written);
  if (read.ok) return read.event;
  if (read.reason === 'contract-unknown-version') {
    throw new OperatingError('contract-unknown-version', read.detail, {
      remedy: 'Deploy a consumer that knows this version; until then it stops here, or parks the event.',
    });
  }
  throw new OperatingError('event-malformed', `${written.type}: ${read.reason}: ${read.detail}`, {
    remedy: 'Deploy a consumer that knows this event, or park it.',
  });
}

type Checked =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

function check(schema: PayloadSchema, payload: unknown): Checked {
  const result = tolerant(schema)['~standard'].validate(payload);
  assert(!(result instanceof Promise), 'a contract is checked at once, not later');
  return result;
}

/** Made once for each schema: zod compiles each new one, which costs more than all checks of an event. */
const tolerantSchemas = new WeakMap<PayloadSchema, PayloadSchema>();

/** A writer must not say what its contract does not know; a reader may overhear it. */
function tolerant(schema: PayloadSchema): PayloadSchema {
  if (!(schema instanceof z.ZodObject)) return schema;
  const known = tolerantSchemas.get(schema) ?? schema.strip();
  tolerantSchemas.set(schema, known);
  return known;
}

function describe(issues: readonly SchemaIssue[]): string {
  return issues
    .map(({ path, message }) => {
      const steps = (path ?? []).map((step) => String(typeof step === 'object' ? step.key : step));
      return `${['payload', ...steps].join('.')}: ${message}`;
    })
    .join('; ');
}
