/** The writing side of the outbox: events go in with the rows that they speak of, in the caller's own transaction. */
import { assert, present } from '@diptych/runtime/assert';
import { v7 as uuidv7 } from 'uuid';
import { type Aggregate, advanceHead, type OutboxTransaction } from './heads.ts';
import { outbox } from './schema.ts';

/**
 * Rows of one INSERT. Each binds eight parameters, and the protocol counts parameters in 16 bits: 65,535 at most.
 * https://www.postgresql.org/docs/18/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-BIND
 */
const rowsPerInsertMax = 1_000;

/** The part of Standard Schema that is used, so that a service may bring zod, valibot, arktype … https://standardschema.dev */
export interface PayloadSchema {
  readonly '~standard': {
    readonly validate: (value: unknown) => Validation | Promise<Validation>;
  };
}

type Validation =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a service promises of its events: a schema and its version for each type. */
export type Contract = Readonly<
  Record<string, { readonly typeversion: number; readonly schema: PayloadSchema }>
>;

/** A fact to be told. `headers` are about the telling (`traceparent` …), not about the fact. */
export interface NewEvent {
  readonly type: string;
  readonly payload: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Appended =
  | {
      readonly ok: true;
      readonly ids: readonly string[];
      readonly firstVersion: bigint;
      readonly version: bigint;
    }
  | { readonly ok: false; readonly reason: 'version-conflict' };

/**
 * Appends events of one aggregate inside the caller's transaction. Their versions follow each other without gaps, from
 * the aggregate's head on; their ids are UUIDv7. A head that is not at `expectedVersion` (0: none may be there) is a
 * conflict, returned as a value with nothing written. Throws AssertionError for an event that the contract does not know
 * or whose payload it refuses: the caller's transaction must not go on.
 */
export async function append(
  tx: OutboxTransaction,
  { aggregate, events, contract, expectedVersion }: AppendOptions,
): Promise<Appended> {
  const told = await Promise.all(events.map((event) => validated(event, contract)));
  const version = await advanceHead(tx, {
    aggregate,
    count: told.length,
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
  });
  if (version === undefined) return { ok: false, reason: 'version-conflict' };
  const firstVersion = version - BigInt(told.length - 1);
  const rows = told.map((event, index) => ({
    ...event,
    id: uuidv7(),
    aggregatetype: aggregate.type,
    aggregateid: aggregate.id,
    aggregateversion: firstVersion + BigInt(index),
  }));
  for (let from = 0; from < rows.length; from += rowsPerInsertMax) {
    await tx.insert(outbox).values(rows.slice(from, from + rowsPerInsertMax));
  }
  return { ok: true, ids: rows.map(({ id }) => id), firstVersion, version };
}

export interface AppendOptions {
  readonly aggregate: Aggregate;
  /** At least one. */
  readonly events: readonly NewEvent[];
  readonly contract: Contract;
  /** Left out: append wherever the aggregate is. */
  readonly expectedVersion?: bigint;
}

/** The columns that the event itself determines. What the schema returns is written, so nothing else gets in. */
async function validated({ type, payload, headers }: NewEvent, contract: Contract) {
  const { schema, typeversion } = present(
    Object.hasOwn(contract, type) ? contract[type] : undefined,
    `the contract of event ${type}`,
  );
  const result = await schema['~standard'].validate(payload);
  assert(!result.issues, `payload of ${type} breaks its contract: ${describe(result.issues ?? [])}`);
  return { type, typeversion, payload: result.value, headers: headers ?? {} };
}

/** Where the payload is wrong, without its values: they belong to the customer, and messages are logged. */
function describe(issues: readonly SchemaIssue[]): string {
  return issues
    .map(({ path }) =>
      (path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.'),
    )
    .map((path) => path || 'the whole')
    .join(', ');
}
