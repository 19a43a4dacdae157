/** Who is let in: names the console goes by, its token, and requests that change something. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { OperatingError } from '@diptych/runtime/failure';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { refuse } from './problems.ts';

export interface AccessOptions {
  /** Where it is bound. */
  readonly host: string;
  /** null: everybody who reaches it is let in. */
  readonly token: string | null;
  /** Names and addresses by which it is reached, besides where it is bound and this machine's own. */
  readonly names: readonly string[];
}

/** Shorter ones are guessed. */
const tokenLengthMin = 16;
const cookieName = 'diptych-console';
const cookieAgeSeconds = 30 * 86_400;

/**
 * Everything comes from this server; a script or a style inside a document is not run, nobody may show the page in a frame.
 * https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
 */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const securityHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
} as const;

/** Throws OperatingError `configuration-invalid`: beyond this machine, a console without a token is everybody's. */
export function requireToken({ host, token }: Pick<AccessOptions, 'host' | 'token'>): void {
  if (token !== null && token.length < tokenLengthMin)
    throw new OperatingError('configuration-invalid', 'the console’s token is too short', {
      remedy: `Set DIPTYCH_CONSOLE_TOKEN to at least ${tokenLengthMin} characters that nobody guesses.`,
    });
  if (token !== null || isLoopback(host)) return;
  throw new OperatingError('configuration-invalid', `the console is to listen at ${host} without a token`, {
    remedy:
      'Set DIPTYCH_CONSOLE_TOKEN, or leave it at 127.0.0.1: it shows the rows of the captured database.',
  });
}

/** Checks each request before anything else, and adds the headers of security to each answer. */
export function guard(app: FastifyInstance, options: AccessOptions): void {
  const allowed = new Set(
    ['localhost', '127.0.0.1', '::1', options.host, ...options.names].map((name) => name.toLowerCase()),
  );
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    // A page elsewhere can make its own name resolve to this address, but cannot make the browser call it otherwise.
    if (!allowed.has(hostName(request)))
      return refuse(reply, {
        code: 'host-refused',
        detail: 'Name it in --names (DIPTYCH_CONSOLE_NAMES) if it is the console’s.',
      });
    if (!isRead(request) && !isOwn(request)) return refuse(reply, { code: 'origin-refused' });
    if (isGuarded(request) && !isKnown(request, options)) {
      reply.header('www-authenticate', 'Bearer');
      return refuse(reply, { code: 'token-required' });
    }
    return undefined;
  });
  app.post<{ Body: { token: string } }>(
    '/login',
    {
      schema: {
        body: {
          type: 'object',
          required: ['token'],
          additionalProperties: false,
          properties: { token: { type: 'string', maxLength: 1000 } },
        },
      },
    },
    async (request, reply) => {
      if (!isToken(request.body.token, options)) return refuse(reply, { code: 'token-required' });
      return letIn(request, reply, options).code(204).send();
    },
  );
  app.post('/logout', async (_request, reply) =>
    reply
      .header('set-cookie', cookie('', { maxAgeSeconds: 0, secure: false }))
      .code(204)
      .send(),
  );
}

/** A link with the token in it: the token becomes a cookie, and leaves the address. */
export function takeToken(
  request: FastifyRequest,
  reply: FastifyReply,
  options: AccessOptions,
): FastifyReply | null {
  const url = new URL(request.url, 'http://console');
  const token = url.searchParams.get('token');
  if (token === null) return null;
  url.searchParams.delete('token');
  if (isToken(token, options)) letIn(request, reply, options);
  // One slash: two would name another host.
  return reply.redirect(`/${url.pathname.replace(/^\/+/, '')}${url.search}`, 303);
}

function letIn(request: FastifyRequest, reply: FastifyReply, { token }: AccessOptions): FastifyReply {
  if (token === null) return reply;
  const secure = request.headers['x-forwarded-proto'] === 'https';
  return reply.header('set-cookie', cookie(sessionOf(token), { maxAgeSeconds: cookieAgeSeconds, secure }));
}

function cookie(
  value: string,
  { maxAgeSeconds, secure }: { maxAgeSeconds: number; secure: boolean },
): string {
  const flags = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure ? '; Secure' : ''}`;
  return `${cookieName}=${value}; ${flags}`;
}

const isRead = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD';

/**
 * What shows data; the page itself is the same for everybody. By the route that answers, not by how its path is spelt:
 * `/%61pi/…` is `/api/…` too.
 */
function isGuarded({ routeOptions: { url = '' } }: FastifyRequest): boolean {
  return url === '/await' || url.startsWith('/api/');
}

/** A form or a script elsewhere cannot send the header without being asked for leave, which nobody gives. */
function isOwn({ headers }: FastifyRequest): boolean {
  if (headers['diptych-console'] !== '1') return false;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return headers.origin === undefined || URL.parse(headers.origin)?.host === headers.host;
}

function isKnown({ headers }: FastifyRequest, options: AccessOptions): boolean {
  if (options.token === null) return true;
  const [, bearer] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? [];
  if (bearer !== undefined) return isToken(bearer, options);
  const held = (headers.cookie ?? '').split(';').map((one) => one.trim().split('='));
  const session = held.find(([name]) => name === cookieName)?.[1];
  return session !== undefined && isSame(session, sessionOf(options.token));
}

function isToken(text: string, { token }: Pick<AccessOptions, 'token'>): boolean {
  return token === null || isSame(text, token);
}

/** What the cookie holds: proof of the token, not the token; another token makes it void. */
function sessionOf(token: string): string {
  return createHmac('sha256', token).update('diptych console session').digest('base64url');
}

/** In a time that does not tell how much of it is right. */
function isSame(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

/** Of the Host header, without its port and the brackets of an IPv6 address. */
function hostName({ headers }: FastifyRequest): string {
  return (headers.host ?? '')
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1';
}
