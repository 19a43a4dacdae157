/** Brings a database to the newest schema. */
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as migrateWithDrizzle } from 'drizzle-orm/node-postgres/migrator';
import { Client } from 'pg';

/** The SQL files, beside `apps`. */
export const migrationsFolder = fileURLToPath(new URL('../../../migrations', import.meta.url));

/** Any number that nobody else locks: drizzle's migrator has no lock, and two at once would both create the tables. */
const migrationLock = 7_305_804_402;

/** Runs the migrations of a folder, ours unless another is given, that the database has not had; one process at a time. Throws what the database throws. */
export async function migrate(url: string, folder: string = migrationsFolder): Promise<void> {
  const client = new Client({ connectionString: url, application_name: 'diptych-migrate' });
  await client.connect();
  try {
    const database = drizzle({ client });
    await database.execute(sql`select pg_advisory_lock(${migrationLock})`);
    await migrateWithDrizzle(database, { migrationsFolder: folder });
  } finally {
    await client.end();
  }
}
