import { defineConfig } from 'drizzle-kit';

/** `npm run migrations` writes the SQL that leads from the last migration to these tables. */
export default defineConfig({
  dialect: 'postgresql',
  schema: ['apps/cart/src/tables.ts', 'packages/outbox/src/schema.ts', 'packages/journal/src/schema.ts'],
  out: 'migrations',
});
