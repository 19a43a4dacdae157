/** `/healthz`, `/readyz`, `/status`, `/metrics` of the relay. */
import { createServer, drain, listen, metricsRoute, serveMetrics } from '@diptych/runtime/http-server';
import type { Board } from './board.ts';
import type { Configuration } from './configuration.ts';
import type { Metrics } from './metrics.ts';

export interface HealthServer {
  readonly url: string;
  /** Where `/metrics` is: the same, unless it has a port of its own. */
  readonly metricsUrl: string;
  close(): Promise<void>;
}

const kinds = {
  'route-not-found': { status: 404, title: 'There is /healthz, /readyz, /status and /metrics' },
  'request-invalid': { status: 400, title: 'The request is not valid' },
  'internal-error': { status: 500, title: 'Something went wrong here' },
} as const;

/** Nothing here takes a body. */
const bodyBytesMax = 1024;

/**
 * Healthy while the process answers; ready while it does its part: active, or standing by for another relay. A relay
 * that starts, backs off or has stopped is not ready, nor is one whose position stands still (standstill.ts): it stays
 * healthy, because a restart would not help. Throws OperatingError `port-taken`.
 */
export async function serveHealth({
  board,
  metrics: { registry },
  host,
  port,
  metricsPort,
  metricsHost = host,
}: { board: Board; metrics: Metrics } & Configuration['http']): Promise<HealthServer> {
  // Nothing that it answers takes time: nobody is waited for at the end.
  const server = createServer({ log: null, bodyBytesMax, kinds, options: { forceCloseConnections: true } });
  server.get('/healthz', () => ({ healthy: true }));
  server.get('/readyz', (_request, reply) => {
    const { ready, role, standstill, lastError } = board;
    return reply.code(ready ? 200 : 503).send({ ready, role, standstill, lastError });
  });
  server.get('/status', () => board.toJSON());
  const source = { contentType: registry.contentType, read: () => registry.metrics() };
  if (metricsPort === undefined) metricsRoute(server, source);
  const url = await listen(server, { host, port, setting: 'DIPTYCH_HTTP_PORT' });
  if (metricsPort === undefined) return { url, metricsUrl: url, close: () => drain(server) };
  try {
    const apart = { host: metricsHost, port: metricsPort, setting: 'DIPTYCH_HTTP_METRICS_PORT' };
    const own = await serveMetrics(source, apart);
    const close = async () => void (await Promise.all([drain(server), own.close()]));
    return { url, metricsUrl: own.url, close };
  } catch (error) {
    await drain(server);
    throw error;
  }
}
