/** `serve`, `rebuild`, and `inbox` about what is parked. */
import { runInboxCommand } from '@diptych/inbox/inbox-command';
import { OperatingError } from '@diptych/runtime/failure';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import { createLogger } from '@diptych/runtime/log';
import { Command, CommanderError } from 'commander';
import pg from 'pg';
import { readConfiguration } from './configuration.ts';
import { rebuild } from './rebuild-command.ts';
import { startProjections } from './server.ts';

const defaultUrl = 'http://127.0.0.1:8083';

/** Runs one command and answers its exit code (docs/wire.md, "Names and defaults"). */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const program = new Command('projections').exitOverride().showHelpAfterError();
  const lifecycle = new Lifecycle();
  const { stopping: signal } = lifecycle;
  program
    .command('serve', { isDefault: true })
    .description('follow the topics and answer questions, until SIGTERM')
    .action(() => serve(lifecycle));
  program
    .command('rebuild')
    .description('rebuild a projection from zero while it is read; shows how far it is')
    .argument('<name>', 'as GET /projections names it')
    .option('--url <url>', 'of the running service', defaultUrl)
    .action(async (name: string, { url }: { url: string }) => {
      await rebuild({ name, url: url.replace(/\/$/, ''), out: process.stdout, signal });
    });
  program
    .command('inbox')
    .description('what is parked: parked, release <id>, discard <id> --reason <text>')
    .argument('<group>', 'of a generation, as GET /projections names it')
    .argument('<command...>')
    .allowUnknownOption()
    .action((group: string, command: readonly string[]) => inbox(group, command));
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (signal.aborted) return 0;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof OperatingError)) throw error;
    process.stderr.write(`${error.message} (${error.code})\n  → ${error.remedy}\n`);
    return error.code === 'configuration-invalid' ? 2 : 4;
  }
}

async function serve(lifecycle: Lifecycle): Promise<void> {
  const log = createLogger('projections');
  const service = await startProjections({ ...readConfiguration(process.env), log });
  lifecycle.onClose('the projections', service.close);
  log.info({ url: service.url }, 'the projections listen');
  await lifecycle.untilStopped();
  log.info('the projections drain');
  await lifecycle.close();
}

async function inbox(group: string, command: readonly string[]): Promise<void> {
  const { databaseUrl } = readConfiguration(process.env);
  const database = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 3_000 });
  await database.connect();
  try {
    await runInboxCommand(command, { database, group, out: process.stdout });
  } finally {
    await database.end();
  }
}
