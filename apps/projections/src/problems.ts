/** Every way of saying no, as RFC 9457 problem documents. One table maps a code to its status. */
import type { FastifyReply } from 'fastify';

const kinds = {
  'cart-not-found': { status: 404, title: 'No event of this cart has come' },
  'projection-not-found': { status: 404, title: 'No projection is called so' },
  'rebuild-not-found': { status: 404, title: 'Nothing is rebuilt' },
  'rebuild-under-way': { status: 409, title: 'It is being rebuilt already' },
  'route-not-found': { status: 404, title: 'There is nothing here' },
  'request-invalid': { status: 400, title: 'The request is not valid' },
  'not-ready': { status: 503, title: 'The projections do not follow now' },
  'database-away': { status: 503, title: 'The database is away; try again soon' },
  'internal-error': { status: 500, title: 'Something went wrong here' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof kinds;

/** Seconds until a client may try again: a restart of Postgres takes about as long. */
const retryAfterSeconds = 1;

/** Answers with the problem's document. */
export function refuse(
  reply: FastifyReply,
  { code, detail }: { code: ProblemCode; detail?: string },
): FastifyReply {
  const { status, title } = kinds[code];
  if (status === 503) reply.header('retry-after', retryAfterSeconds);
  return reply
    .code(status)
    .type('application/problem+json')
    .send({
      type: `urn:diptych:problem:${code}`,
      title,
      status,
      code,
      ...(detail === undefined ? {} : { detail }),
    });
}
