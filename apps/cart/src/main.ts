/** Runs the cart service until SIGTERM or SIGINT. */
import { OperatingError } from '@diptych/runtime/failure';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import { createLogger } from '@diptych/runtime/log';
import { openTracer } from '@diptych/runtime/tracing';
import { readConfiguration } from './configuration.ts';
import { startCart } from './server.ts';

const log = createLogger('cart');
const lifecycle = new Lifecycle();
try {
  const configuration = readConfiguration(process.env);
  const tracer = await openTracer({ service: 'cart', environment: process.env, log });
  lifecycle.onClose('traces', () => tracer.close());
  const service = await startCart({ ...configuration, log, tracer });
  lifecycle.onClose('the cart service', service.close);
  log.info({ url: service.url }, 'the cart service listens');
  await lifecycle.untilStopped();
  log.info('the cart service drains');
  await lifecycle.close();
} catch (error) {
  if (!(error instanceof OperatingError)) throw error;
  log.fatal({ code: error.code, remedy: error.remedy }, error.message);
  // Bad use is 2, by the exit codes of docs/wire.md.
  process.exitCode = error.code === 'configuration-invalid' ? 2 : 4;
}
