/** How a test's database gets its tables. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';

/** SQL, a folder whose `*.sql` files are run in the order of their names, or whatever migrates a database. */
export type Migrations =
  | { readonly sql: string }
  | { readonly folder: string }
  | ((databaseUrl: string) => Promise<void>);

/** Brings the database to its schema. Throws what the database, the file system or the function throws. */
export async function migrateWith(migrations: Migrations, databaseUrl: string): Promise<void> {
  if (typeof migrations === 'function') return await migrations(databaseUrl);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (const text of await textsOf(migrations)) await client.query(text);
  } finally {
    await client.end();
  }
}

async function textsOf(migrations: Exclude<Migrations, (...args: never) => unknown>): Promise<string[]> {
  if ('sql' in migrations) return [migrations.sql];
  const files = (await readdir(migrations.folder)).filter((name) => name.endsWith('.sql')).toSorted();
  return await Promise.all(files.map((name) => readFile(join(migrations.folder, name), 'utf8')));
}
