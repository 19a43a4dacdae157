/** `/healthz`, `/readyz`, `/status`, `/metrics` of the relay. */
import type { AddressInfo } from 'node:net';
import { OperatingError } from '@diptych/runtime/failure';
import fastify from 'fastify';
import type { Board } from './board.ts';
import type { Metrics } from './metrics.ts';

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Healthy while the process answers; ready while it does its part: active, or standing by for another relay. A relay
 * that starts, backs off or has stopped is not ready, nor is one whose position stands still (standstill.ts): it stays
 * healthy, because a restart would not help.
 */
export async function serveHealth({
  board,
  metrics,
  host,
  port,
}: {
  board: Board;
  metrics: Metrics;
  host: string;
  port: number;
}): Promise<HealthServer> {
  const server = fastify({ forceCloseConnections: true, bodyLimit: 1024 });
  server.get('/healthz', () => ({ healthy: true }));
  server.get('/readyz', (_request, reply) => {
    const { ready, role, standstill, lastError } = board;
    return reply.code(ready ? 200 : 503).send({ ready, role, standstill, lastError });
  });
  server.get('/status', () => board.toJSON());
  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  try {
    await server.listen({ host, port });
  } catch (cause) {
    throw new OperatingError('port-taken', `nothing can listen at ${host}:${port}: ${String(cause)}`, {
      remedy: 'Give this relay another DIPTYCH_HTTP_PORT (0 takes any free one).',
      cause,
    });
  }
  const address = server.server.address() as AddressInfo;
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    close: () => server.close(),
  };
}
