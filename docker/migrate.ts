/** What has to be there before the services start: the databases exist, and the cart's has the newest schema. */
import { migrate } from '@diptych/cart-app/migrations';
import { createLogger } from '@diptych/runtime/log';
import { databaseUrlFrom } from '@diptych/runtime/service-environment';
import pg from 'pg';

const [cartUrl = '', ...others] = [
  'DATABASE',
  'SHIPPING_DATABASE',
  'PROJECTIONS_DATABASE',
  'COMPARE_DATABASE',
].map((name) => databaseUrlFrom(process.env, { name, url: process.env[`${name}_URL`] ?? '' }));
const log = createLogger('migrate');
for (const url of [cartUrl, ...others]) {
  log.info({ database: databaseOf(url), created: await createDatabase(url) }, 'the database is there');
}
await migrate(cartUrl);
log.info('the schema is up to date');

/** Creates the database that the URL names, and answers whether it was missing. */
async function createDatabase(url: string): Promise<boolean> {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  const client = new pg.Client({ connectionString: maintenance.href, application_name: 'diptych-migrate' });
  await client.connect();
  try {
    const database = databaseOf(url);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database]);
    const missing = rowCount === 0;
    if (missing) await client.query(`create database ${pg.escapeIdentifier(database)}`);
    return missing;
  } finally {
    await client.end();
  }
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}
