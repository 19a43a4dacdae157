import { join } from 'node:path';
import { testDatabase } from '@diptych/testkit/for-tests';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { migrate, migrationsFolder } from './migrations.ts';
import { dumpSchema } from './schema-dump.ts';

test('migrations/schema.sql is what the migrations make of an empty database', async () => {
  const database = await testDatabase();
  const client = new Client({ connectionString: database.url });
  try {
    await migrate(database.url);
    await client.connect();
    await expect(await dumpSchema(client)).toMatchFileSnapshot(join(migrationsFolder, 'schema.sql'));
  } finally {
    await client.end();
    await database.drop();
  }
});

test('migrating twice, and by two processes at once, does it once', async () => {
  const database = await testDatabase();
  const client = new Client({ connectionString: database.url });
  try {
    await Promise.all([migrate(database.url), migrate(database.url)]);
    await migrate(database.url);
    await client.connect();
    const { rows } = await client.query(
      'select sku, unit_price from products where sku = any($1) order by sku',
      [['apple', 'banana', 'mango']],
    );
    expect(rows).toEqual([
      { sku: 'apple', unit_price: '1.50' },
      { sku: 'banana', unit_price: '1.00' },
      { sku: 'mango', unit_price: '2.00' },
    ]);
    const { rows: count } = await client.query('select count(*)::int as n from products');
    expect(count).toEqual([{ n: 15 }]);
  } finally {
    await client.end();
    await database.drop();
  }
});
