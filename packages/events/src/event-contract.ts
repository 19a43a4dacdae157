/** What is promised of one type of event: each version with its schema, an example, and how the one before becomes it. */
import { assert } from '@diptych/runtime/assert';

/** The part of Standard Schema that is used: zod, valibot, arktype … https://standardschema.dev */
export interface PayloadSchema {
  readonly '~standard': {
    readonly vendor: string;
    readonly validate: (value: unknown) => Validation | Promise<Validation>;
    readonly types?: { readonly input: unknown; readonly output: unknown } | undefined;
  };
}

export type Validation =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type Types<Schema extends PayloadSchema> = NonNullable<Schema['~standard']['types']>;
/** What is written. */
export type InputOf<Schema extends PayloadSchema> = Types<Schema>['input'];
/** What is read. */
export type OutputOf<Schema extends PayloadSchema> = Types<Schema>['output'];

/** A JSON Schema of draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Described<Schema extends PayloadSchema> {
  /** The day from which on it may be written, `2026-11-21`. */
  readonly since: string;
  readonly payload: Schema;
  readonly example: InputOf<Schema>;
  /** For schemas other than zod's, which tell theirs. */
  readonly jsonSchema?: JsonSchema;
}

export interface EventVersion {
  /** From 1 on. */
  readonly version: number;
  readonly since: string;
  readonly payload: PayloadSchema;
  readonly example: unknown;
  readonly jsonSchema: JsonSchema | undefined;
  /** Makes this version's payload of the one before; null for the first. */
  readonly upcast: ((before: unknown) => unknown) | null;
}

/** All versions of a type of event. What is written is the newest: an outbox takes a record of these as its contract. */
export class EventContract<Newest extends PayloadSchema> {
  readonly schema: Newest;
  readonly versions: readonly EventVersion[];

  private constructor(schema: Newest, versions: readonly EventVersion[]) {
    this.schema = schema;
    this.versions = versions;
  }

  /** The first version. */
  static first<Schema extends PayloadSchema>(described: Described<Schema>): EventContract<Schema> {
    return new EventContract(described.payload, [versionOf(described, 1, null)]);
  }

  /** The version after: `upcast` makes it of what was written before. */
  next<Schema extends PayloadSchema>(
    described: Described<Schema> & { readonly upcast: (before: OutputOf<Newest>) => InputOf<Schema> },
  ): EventContract<Schema> {
    const newest = this.versions.at(-1);
    assert(
      newest !== undefined && newest.since <= described.since,
      'a version is as old as the one before, or younger',
    );
    const upcast = (before: unknown): unknown => described.upcast(before as OutputOf<Newest>);
    return new EventContract(described.payload, [
      ...this.versions,
      versionOf(described, newest.version + 1, upcast),
    ]);
  }

  /** The newest version's number. */
  get typeversion(): number {
    return this.versions.length;
  }
}

/** The types of one aggregate. */
export type Contracts = Readonly<Record<string, EventContract<PayloadSchema>>>;

/** An event in its newest version: a union on `type`. */
export type EventOf<C extends Contracts> = {
  readonly [Type in keyof C & string]: { readonly type: Type; readonly payload: OutputOf<C[Type]['schema']> };
}[keyof C & string];

function versionOf(
  { since, payload, example, jsonSchema }: Described<PayloadSchema>,
  version: number,
  upcast: EventVersion['upcast'],
): EventVersion {
  assert(/^\d{4}-\d\d-\d\d$/.test(since), `a version is there since a day, not since ${since}`);
  return { version, since, payload, example, jsonSchema, upcast };
}
