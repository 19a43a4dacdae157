/** What `append` needs of a contract: a schema and its version for each type of event. */

/** The part of Standard Schema that is used, so that a service may bring zod, valibot, arktype … https://standardschema.dev */
export interface PayloadSchema {
  readonly '~standard': {
    readonly validate: (value: unknown) => Validation | Promise<Validation>;
    /** For the compiler only. */
    readonly types?: { readonly input: unknown; readonly output: unknown } | undefined;
  };
}

type Validation =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a service promises of its events: a schema and its version for each type. */
export type Contract = Readonly<
  Record<string, { readonly typeversion: number; readonly schema: PayloadSchema }>
>;

/** What a schema takes, as its own types say; unknown when it has none. */
type PayloadOf<Schema extends PayloadSchema> =
  NonNullable<Schema['~standard']['types']> extends { readonly input: infer Input } ? Input : unknown;

/**
 * Who told an event, why, and in the course of what: about the telling, not about the fact. Stored in the column `headers`
 * under these names.
 */
export interface Telling {
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  /** What all that belongs to one course of business shares. */
  readonly correlationId?: string | undefined;
  /** The id of the event or command that led to this one. */
  readonly causationId?: string | undefined;
  /** https://www.w3.org/TR/trace-context/#traceparent-header */
  readonly traceparent?: string | undefined;
}

/** A fact to be told, of a type that the contract knows, with the payload that its schema takes. */
export type EventOf<C extends Contract> = {
  readonly [Type in keyof C & string]: {
    readonly type: Type;
    readonly payload: PayloadOf<C[Type]['schema']>;
    /** Beside what is told of all events of the call; the same name here wins. */
    readonly headers?: Readonly<Record<string, string>>;
  };
}[keyof C & string];

/** Where a payload is wrong, without its values: they belong to the customer, and messages are logged. */
export function describePaths(issues: readonly SchemaIssue[]): string {
  return issues
    .map(({ path }) =>
      (path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.'),
    )
    .map((path) => path || 'the whole')
    .join(', ');
}
