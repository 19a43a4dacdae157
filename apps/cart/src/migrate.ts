/** `node apps/cart/src/migrate.ts`: brings the database of DATABASE_URL to the newest schema. */
import { OperatingError } from '@diptych/runtime/failure';
import { createLogger } from '@diptych/runtime/log';
import { readConfiguration } from './configuration.ts';
import { describeError } from './database.ts';
import { migrate } from './migrations.ts';

const log = createLogger('migrate');
try {
  await migrate(readConfiguration(process.env).databaseUrl);
  log.info('the schema is up to date');
} catch (error) {
  const isUse = error instanceof OperatingError && error.code === 'configuration-invalid';
  log.fatal(
    isUse ? { remedy: error.remedy } : describeError(error),
    isUse ? error.message : 'the migration failed',
  );
  process.exitCode = isUse ? 2 : 4;
}
