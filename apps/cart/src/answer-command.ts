/** From a request that asks for a change of a cart to its answer. */
import { createHash } from 'node:crypto';
import type { Tracer } from '@diptych/runtime/tracing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import type { z } from 'zod';
import { type CommandRequest, carryOut } from './carry-out.ts';
import type { CartStore } from './cart-store.ts';
import { type CartView, cartViewSchema } from './cart-view.ts';
import {
  cartIdOf,
  cartParams,
  changeHeaders,
  type commandHeaders,
  reasonBody,
  traceparentOf,
  versionsOf,
} from './http-schemas.ts';
import { type Problem, problemSchema, refuse } from './problems.ts';

/** The database, where the carts are in it, and where spans go. */
export interface Service {
  readonly pool: Pool;
  readonly store: CartStore;
  readonly tracer: Tracer;
}

export const problems = {
  description: 'A problem document (RFC 9457)',
  content: { 'application/problem+json': { schema: problemSchema } },
};

/** What the routes of one store share: their tags, and of commands on a cart the schema. */
export function sharedBy({ store }: Service) {
  const tags = [store.journal.type];
  const response = { 200: cartViewSchema, '4xx': problems, '5xx': problems };
  return { tags, onCart: { tags, params: cartParams, body: reasonBody, headers: changeHeaders, response } };
}

type CommandHeaders = z.infer<typeof commandHeaders> & Partial<z.infer<typeof changeHeaders>>;

interface Asked {
  readonly request: Pick<FastifyRequest, 'method' | 'url' | 'routeOptions'> & {
    readonly params?: unknown;
    readonly body?: { readonly reason?: string | undefined } | null | undefined;
    readonly headers: CommandHeaders;
  };
  readonly reply: FastifyReply;
  readonly command: CommandRequest['command'];
  /** Told when the request gives none. */
  readonly reason?: string;
}

/**
 * Carries the command out and answers with the cart, its ETag and the commit token, or with the refusal. All of it is one span,
 * whose context the events have.
 */
export async function answer(service: Service, asked: Asked): Promise<CartView | Problem> {
  const { request, reply } = asked;
  const { url: route = '' } = request.routeOptions;
  const span = service.tracer.start({
    name: `${request.method} ${route}`,
    kind: 'server',
    parent: traceparentOf(request.headers.traceparent),
    attributes: { 'http.request.method': request.method, 'http.route': route },
  });
  try {
    const answered = await answerCommand(service, { ...asked, traceparent: span.traceparent });
    span.end({ attributes: { 'http.response.status_code': reply.statusCode } });
    return answered;
  } catch (error) {
    span.end({ failed: error instanceof Error ? error.name : 'it failed' });
    throw error;
  }
}

async function answerCommand(
  service: Service,
  { request, reply, command, reason, traceparent }: Asked & { readonly traceparent: string | undefined },
): Promise<CartView | Problem> {
  const { headers, body } = request;
  const { id } = (request.params ?? {}) as { id?: string };
  const cartId = id === undefined ? undefined : cartIdOf(id);
  if (id !== undefined && cartId === undefined) return refuse(reply, { code: 'cart-not-found' });
  const key = headers['idempotency-key'];
  const outcome = await carryOut(service, {
    cartId,
    command,
    actor: headers['diptych-actor'],
    reason: body?.reason ?? reason,
    traceparent,
    versions: versionsOf(headers['if-match']),
    idempotency: key === undefined ? undefined : { key, fingerprint: fingerprint(request) },
  });
  if (!outcome.ok) return refuse(reply, { code: outcome.reason });
  if (outcome.status === 201) reply.header('location', `${service.store.prefix}/carts/${outcome.cart.id}`);
  reply.code(outcome.status).headers({ etag: `"${outcome.cart.version}"`, 'diptych-commit': outcome.commit });
  return outcome.cart;
}

/** Two requests are the same when method, path, actor and body are: what an Idempotency-Key stands for. */
function fingerprint({ method, url, body, headers }: Asked['request']): string {
  const asked = JSON.stringify([method, url, headers['diptych-actor'], body ?? null]);
  return createHash('sha256').update(asked).digest('hex');
}
