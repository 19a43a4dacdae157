/** What every HTTP server of ours has in common: bounds, refusals as RFC 9457 documents, listening, metrics, an end. */
import type { Server } from 'node:http';
import fastify, {
  type FastifyBaseLogger,
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyReply,
  LogController,
} from 'fastify';
import { OperatingError } from './failure.ts';
import type { Logger } from './log.ts';

type ServerOptions = FastifyHttpOptions<Server>;

/** Requests of ours have a handful of headers; Node's own bound, said here so that no flag of Node raises it. */
const headerBytesMax = 16_384;
/** Headers that trickle in hold a connection no longer than this, and a whole request, its body included, than the other. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
/** Between two requests: longer than a monitor's interval. */
const keepAliveTimeoutMs = 65_000;
/** Of one server: each costs some 20 kB. Whoever comes beyond is hung up on. */
const connectionsMax = 1_000;
/** How long requests in flight may take to finish once a server is asked to end: longer than a statement may take. */
const drainTimeoutMs = 15_000;

/** Options of Fastify that bound a server; it sends no banner of its own. */
export const serverLimits = ({ bodyBytesMax }: { readonly bodyBytesMax: number }) =>
  ({
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    forceCloseConnections: 'idle',
    http: {
      maxHeaderSize: headerBytesMax,
      headersTimeout: headersTimeoutMs,
      connectionsCheckingInterval: 5_000,
    },
    // Paths name carts and rows: requests are not logged.
    logController: new LogController({ disableRequestLogging: true }),
  }) satisfies ServerOptions;

/** What a code of a refusal means. */
export interface ProblemKind {
  readonly status: number;
  readonly title: string;
}

/** Codes that every server needs. */
export type CommonCode = 'route-not-found' | 'request-invalid' | 'internal-error';

export interface Answered<Code extends string> {
  readonly code: Code;
  readonly detail?: string | undefined;
}

/** Seconds until a client may try again: a restart of Postgres takes about as long. */
const retryAfterSeconds = 1;

/** The document of a problem. https://www.rfc-editor.org/rfc/rfc9457 */
export function problemDocument<Code extends string>(
  kinds: Readonly<Record<Code, ProblemKind>>,
  { code, detail }: Answered<Code>,
) {
  const { status, title } = kinds[code];
  const said = detail === undefined ? {} : { detail };
  return { type: `urn:diptych:problem:${code}`, title, status, code, ...said };
}

/** Answers with the document of a problem, by the table of a server's codes. */
export const refusing =
  <Code extends string>(kinds: Readonly<Record<Code, ProblemKind>>) =>
  (reply: FastifyReply, answered: Answered<Code>): FastifyReply => {
    const document = problemDocument(kinds, answered);
    if (document.status === 503) reply.header('retry-after', retryAfterSeconds);
    return reply.code(document.status).type('application/problem+json').send(document);
  };

/** Whether Fastify says that the request is at fault. */
export function isClientsFault(error: unknown): error is Error {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number')
    return false;
  return error.statusCode >= 400 && error.statusCode < 500;
}

/**
 * A server with the bounds and without routes. What goes wrong is answered as a problem document, without a stack, and logged
 * unless the request is at fault; `explain` names what is nobody's fault.
 */
export function createServer<Code extends string>({
  log,
  bodyBytesMax,
  kinds,
  explain = () => null,
  options = {},
}: {
  readonly log: Logger | null;
  readonly bodyBytesMax: number;
  readonly kinds: Readonly<Record<Code | CommonCode, ProblemKind>>;
  readonly explain?: (error: unknown) => NoInfer<Code> | null;
  readonly options?: ServerOptions;
}): FastifyInstance {
  const refuse = refusing(kinds);
  const answer = (error: unknown, reply: FastifyReply): FastifyReply => {
    if (isClientsFault(error)) return refuse(reply, { code: 'request-invalid', detail: error.message });
    const code = explain(error);
    // The server's `detail` may quote a row, so that only the message is logged.
    const reason = error instanceof Error ? error.message : String(error);
    log?.[code === null ? 'error' : 'warn']({ reason }, 'a request failed');
    return refuse(reply, { code: code ?? 'internal-error' });
  };
  const app = fastify({
    ...serverLimits({ bodyBytesMax }),
    ...(log && { loggerInstance: log as FastifyBaseLogger }),
    frameworkErrors: (error, _request, reply) => {
      answer(error, reply as FastifyReply);
    },
    // Unknown parameters are refused, not removed: a misspelt one would be ignored without a word.
    ajv: { customOptions: { removeAdditional: false } },
    ...options,
  });
  app.setNotFoundHandler((_request, reply) => refuse(reply, { code: 'route-not-found' }));
  app.setErrorHandler((error, _request, reply) => answer(error, reply));
  return app;
}

/** Where a server listens; port 0 is any free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Listens; answers the URL. Throws OperatingError `port-taken`; `setting` is how the port is set. */
export async function listen(
  app: FastifyInstance,
  { host, port, setting }: Address & { readonly setting: string },
): Promise<string> {
  app.server.maxConnections = connectionsMax;
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    throw new OperatingError('port-taken', `nothing can listen at ${host}:${port}: ${String(cause)}`, {
      remedy: `Choose another ${setting} (0 takes any free one), or end what uses it.`,
      cause,
    });
  }
}

/** Takes no more requests, and waits for those in flight, within bounds. */
export async function drain(app: FastifyInstance): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), drainTimeoutMs);
  await app.close();
  clearTimeout(cut);
}

export interface MetricsSource {
  readonly contentType: string;
  readonly read: () => Promise<string>;
}

/** `/metrics`, beside the routes of a server or on one of its own. */
export function metricsRoute(app: FastifyInstance, { contentType, read }: MetricsSource): void {
  app.get('/metrics', async (_request, reply) => reply.type(contentType).send(await read()));
}

const metricsKinds = {
  'route-not-found': { status: 404, title: 'There is nothing here but /metrics' },
  'request-invalid': { status: 400, title: 'The request is not valid' },
  'internal-error': { status: 500, title: 'Something went wrong here' },
} as const;

/** A server with `/metrics` alone, for a network that health is not asked from. Throws OperatingError `port-taken`. */
export async function serveMetrics(
  source: MetricsSource,
  address: Address & { readonly setting: string },
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const app = createServer({ log: null, bodyBytesMax: 1_024, kinds: metricsKinds });
  metricsRoute(app, source);
  return { url: await listen(app, address), close: () => drain(app) };
}

export interface Served {
  readonly url: string;
  /** Where `/metrics` is: the same, unless it has a port of its own. */
  readonly metricsUrl: string;
  /** Finishes the requests in flight while `stop` runs, then `end`. */
  readonly close: () => Promise<void>;
}

/** Listens, with metrics apart when they have a port; whatever cannot listen closes everything. Throws OperatingError `port-taken`. */
export async function serve(
  app: FastifyInstance,
  {
    host,
    port,
    metrics,
    metricsPort,
    metricsHost = host,
    stop,
    end,
  }: Address & {
    readonly metrics: MetricsSource;
    readonly metricsPort?: number | undefined;
    readonly metricsHost?: string | undefined;
    readonly stop: () => Promise<unknown>;
    readonly end: () => Promise<unknown>;
  },
): Promise<Served> {
  let apart: Awaited<ReturnType<typeof serveMetrics>> | null = null;
  const close = async (): Promise<void> => {
    await Promise.all([stop(), drain(app), apart?.close()]);
    await end();
  };
  try {
    const url = await listen(app, { host, port, setting: 'PORT' });
    if (metricsPort !== undefined)
      apart = await serveMetrics(metrics, { host: metricsHost, port: metricsPort, setting: 'METRICS_PORT' });
    return { url, metricsUrl: apart?.url ?? url, close };
  } catch (error) {
    await close();
    throw error;
  }
}
