/** Runs the shipping service until SIGTERM or SIGINT; `inbox …` asks about what it has parked. */
import { runInboxCommand } from '@diptych/inbox/inbox-command';
import { OperatingError } from '@diptych/runtime/failure';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import { createLogger } from '@diptych/runtime/log';
import { openTracer } from '@diptych/runtime/tracing';
import pg from 'pg';
import { type Configuration, readConfiguration } from './configuration.ts';
import { startShipping } from './server.ts';

const log = createLogger('shipping');
const lifecycle = new Lifecycle();
try {
  const configuration = readConfiguration(process.env);
  const [, , command, ...args] = process.argv;
  if (command === 'inbox') await inbox(args, configuration);
  else await serve(configuration);
} catch (error) {
  if (!(error instanceof OperatingError)) throw error;
  log.fatal({ code: error.code, remedy: error.remedy }, error.message);
  // Bad use is 2, by the exit codes of docs/wire.md.
  process.exitCode = error.code === 'configuration-invalid' ? 2 : 4;
}

async function serve(configuration: Configuration): Promise<void> {
  const tracer = await openTracer({ service: 'shipping', environment: process.env, log });
  lifecycle.onClose('traces', () => tracer.close());
  const service = await startShipping({ ...configuration, log, tracer });
  lifecycle.onClose('the shipping service', service.close);
  log.info({ url: service.url }, 'the shipping service listens');
  await lifecycle.untilStopped();
  log.info('the shipping service drains');
  await lifecycle.close();
}

async function inbox(args: readonly string[], { databaseUrl, groupId: group }: Configuration): Promise<void> {
  const database = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 3_000 });
  await database.connect();
  try {
    await runInboxCommand(args, { database, group, out: process.stdout });
  } finally {
    await database.end();
  }
}
