/** Every way of saying no, as RFC 9457 problem documents. One table maps a reason to its status. */
import { OperatingError } from '@diptych/runtime/failure';
import { type ProblemKind, problemDocument } from '@diptych/runtime/http-server';
import type { Logger } from '@diptych/runtime/log';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { describeError, isDatabaseAway } from './database.ts';
import type { Refusal } from './decide.ts';

/** `code` is stable and for programs; `title` and `detail` are for people. `errors` names each wrong field. */
export const problemSchema = z.strictObject({
  type: z.string().meta({ example: 'urn:diptych:problem:cart-checked-out' }),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.strictObject({ field: z.string(), detail: z.string() })),
});

export type Problem = z.infer<typeof problemSchema>;
type FieldError = Problem['errors'][number];

interface Kind extends ProblemKind {
  /** The field of the request that the refusal is about. */
  readonly field?: string;
}

const domain = {
  'cart-not-found': { status: 404, title: 'There is no such cart', field: 'id' },
  'product-not-found': { status: 404, title: 'There is no such product', field: 'sku' },
  'item-not-in-cart': { status: 404, title: 'The cart does not hold this product', field: 'sku' },
  'discount-not-found': { status: 404, title: 'There is no such discount', field: 'code' },
  'cart-already-open': { status: 409, title: 'The cart is open already' },
  'cart-checked-out': { status: 409, title: 'The cart is checked out and does not change any more' },
  'cart-abandoned': { status: 409, title: 'The cart is abandoned and does not change any more' },
  'cart-empty': { status: 409, title: 'An empty cart cannot be checked out' },
  'cart-full': { status: 409, title: 'The cart holds 100 different products, the most it can', field: 'sku' },
  'quantity-exceeds-limit': {
    status: 409,
    title: 'A cart holds at most 999 of one product',
    field: 'quantity',
  },
  'discount-already-applied': { status: 409, title: 'The discount is already in the cart', field: 'code' },
  'discount-requirement-unmet': {
    status: 409,
    title: 'The cart does not hold what the discount requires',
    field: 'code',
  },
  'version-unknown': { status: 404, title: 'The cart has no such version', field: 'toVersion' },
} as const satisfies Record<Refusal, Kind>;

const kinds = {
  ...domain,
  'commit-unknown': { status: 404, title: 'This transaction told nothing of the cart', field: 'at' },
  'history-incomplete': { status: 410, title: 'The beginning of the cart’s history is no longer kept' },
  'version-stale': { status: 412, title: 'The cart has changed since: read it again', field: 'if-match' },
  'idempotency-key-reused': {
    status: 422,
    title: 'The Idempotency-Key was used for another request',
    field: 'idempotency-key',
  },
  'request-invalid': { status: 400, title: 'The request is not valid' },
  'json-malformed': { status: 400, title: 'The body is not JSON', field: 'body' },
  'media-type-unsupported': {
    status: 415,
    title: 'The body must be application/json',
    field: 'content-type',
  },
  'body-too-large': { status: 413, title: 'The body is larger than 64 KiB', field: 'body' },
  'route-not-found': { status: 404, title: 'There is nothing here' },
  'database-away': { status: 503, title: 'The database is away; try again soon' },
  'internal-error': { status: 500, title: 'Something went wrong here' },
} as const satisfies Record<string, Kind>;

export type ProblemCode = keyof typeof kinds;

/** Seconds until a client may try again: a restart of Postgres takes about as long. */
const retryAfterSeconds = 1;

export interface Answered {
  readonly code: ProblemCode;
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
}

/** The document of a problem. */
export function problem({ code, detail, errors }: Answered): Problem {
  const { title, field }: Kind = kinds[code];
  const named = field === undefined ? [] : [{ field, detail: title }];
  return { ...problemDocument(kinds, { code, detail }), errors: [...(errors ?? named)] };
}

/** Prepares the reply for a problem and returns the document, for the route to return. */
export function refuse(reply: FastifyReply, answered: Answered): Problem {
  const document = problem(answered);
  if (document.status === 503) reply.header('retry-after', retryAfterSeconds);
  reply.code(document.status).type('application/problem+json');
  return document;
}

/** Answers any error that a route or Fastify itself has thrown; what is our own fault is logged and not told. */
export function answerError(
  error: unknown,
  { reply, log }: { reply: FastifyReply; log: Logger },
): FastifyReply {
  const answered = explain(error);
  if (answered.code === 'database-away') log.warn(describeError(error), 'the database is away');
  if (answered.code === 'internal-error') log.error(describeError(error), 'a request failed');
  return sendProblem(reply, answered);
}

/** Answers what matches no route. */
export function answerNotFound(_request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(reply, { code: 'route-not-found' });
}

/** Outside a route no schema says how to write the document. */
const sendProblem = (reply: FastifyReply, answered: Answered): FastifyReply =>
  reply.serializer((body: Problem) => JSON.stringify(body)).send(refuse(reply, answered));

/** Fastify's own errors. https://fastify.dev/docs/latest/Reference/Errors/ */
const fastifyProblems: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'json-malformed',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'json-malformed',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media-type-unsupported',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
};

function explain(error: unknown): Answered {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const where = 'validationContext' in error ? String(error.validationContext) : 'request';
    const errors = error.validation.flatMap((issue) => fieldErrors(issue, where));
    return { code: 'request-invalid', errors: withoutRepeats(errors) };
  }
  const { code = '', statusCode = 500 } = error as { code?: string; statusCode?: number };
  const known = fastifyProblems[code];
  if (known) return { code: known };
  if (error instanceof OperatingError && error.code === 'history-incomplete') {
    return { code: error.code, detail: error.message };
  }
  if (isDatabaseAway(error)) {
    return {
      code: 'database-away',
      detail:
        'A command may have taken effect; repeat it with the same Idempotency-Key to be sure that it does once.',
    };
  }
  const isClients = statusCode >= 400 && statusCode < 500;
  return isClients
    ? { code: 'request-invalid', detail: (error as Error).message }
    : { code: 'internal-error' };
}

interface ZodIssue {
  readonly keyword?: string | undefined;
  readonly instancePath: string;
  readonly message?: string | undefined;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** An unknown field is named itself, not the object that it is in. */
function fieldErrors({ keyword, instancePath, message, params }: ZodIssue, where: string): FieldError[] {
  const path = instancePath.split('/').filter((step) => step !== '');
  if (keyword === 'unrecognized_keys' && Array.isArray(params?.keys)) {
    return params.keys.map((key) => ({
      field: [...path, String(key)].join('.'),
      detail: 'is not a field of this request',
    }));
  }
  return [{ field: path.join('.') || where, detail: message ?? 'is not valid' }];
}

/** One mistake can break two rules that say the same. */
const withoutRepeats = (errors: readonly FieldError[]): readonly FieldError[] => [
  ...new Map(errors.map((error) => [`${error.field}: ${error.detail}`, error])).values(),
];
