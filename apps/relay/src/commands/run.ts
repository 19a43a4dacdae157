import { maskSecrets } from '@diptych/runtime/configuration';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import { createLogger } from '@diptych/runtime/log';
import { openTracer } from '@diptych/runtime/tracing';
import { Board } from '../board.ts';
import { type Configuration, configurationSchema } from '../configuration.ts';
import { serveHealth } from '../health.ts';
import { Metrics } from '../metrics.ts';
import { runRelay } from '../relay.ts';
import type { Accepted } from '../session-context.ts';

/** What is still under way then is not waited for. */
const exitGraceMs = 1000;

/** Runs the relay in the foreground. SIGTERM and SIGINT drain it: what is received is published and reported first. */
export async function run({
  configuration,
  ...accepted
}: Accepted & {
  readonly configuration: Configuration;
}): Promise<void> {
  const log = createLogger('relay');
  const tracer = await openTracer({ service: 'diptych-relay', environment: process.env, log });
  const lifecycle = new Lifecycle();
  lifecycle.onClose('traces', () => tracer.close());
  const board = new Board();
  const metrics = new Metrics(board);
  const health = await serveHealth({ board, metrics, ...configuration.http });
  lifecycle.onClose('health', () => health.close());
  log.info(
    { http: health.url, configuration: maskSecrets(configurationSchema, configuration) },
    'relay starts',
  );
  try {
    await runRelay({ configuration, board, metrics, log, tracer, ...accepted, stopping: lifecycle.stopping });
  } finally {
    await lifecycle.close();
    // A request to a broker that hangs must not keep the process: everything that matters is done.
    setTimeout(() => process.exit(), exitGraceMs).unref();
  }
}
