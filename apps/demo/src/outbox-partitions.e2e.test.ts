/** The cart's outbox becomes one of partitions while a relay reads it and shoppers write: docs/outbox.md, "Retention". */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, migrationsFolder } from '@diptych/cart-app/migrations';
import { startCart } from '@diptych/cart-app/server';
import { retain } from '@diptych/relay-app/commands/outbox-retain';
import { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { createLogger } from '@diptych/runtime/log';
import { testDatabase } from '@diptych/testkit/for-tests';
import { expect, test } from 'vitest';
import { openCart, shop } from './shopper.ts';

test('a migration in the middle of load stops neither relay nor shoppers, and every event is there once, in order', async () => {
  const database = await testDatabase();
  await migrateUpTo(database.url, '0002_es_carts');
  const relay = await RelayUnderTest.create({
    DIPTYCH_DATABASE_URL: database.url,
    DIPTYCH_CHANGE_EXCLUDE: '*.outbox*,drizzle.*,*.idempotency_keys',
    DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '200',
    DIPTYCH_TIMING_PUBLICATION_CHECK_INTERVAL_MS: '200',
  });
  const log = createLogger('cart', { level: 'silent' });
  const cart = await startCart({ databaseUrl: database.url, host: '127.0.0.1', port: 0, log });
  try {
    await relay.initialise();
    const running = relay.start();
    await relay.active(running);
    const cartId = await openCart(cart.url);
    const add = (times: number) => {
      const steps = Array.from({ length: times }, () => ({ tag: 'add' as const, sku: 'fig' }));
      return shop(cart.url, { cartId, steps });
    };
    await add(10);
    await Promise.all([add(30), migrate(database.url)]);
    await add(10);
    const keepMs = 30 * 86_400_000;
    await retain({
      configuration: relay.configuration,
      ...{ table: 'public.outbox', keepMs, aheadMs: 2 * 86_400_000, waitMs: 0 },
    });
    await add(10);
    await relay.caughtUp();
    const records = await relay.records(relay.domainTopic('cart'));
    const versions = records.map(({ headers }) => Number(headers.get('aggregateVersion')));
    expect(versions).toEqual(Array.from({ length: 61 }, (_, index) => index + 1));
    expect(running.board.role).toBe('active');
    await running.stop();
    await relay.active(relay.start());
  } finally {
    await cart.close();
    await relay.close();
    await database.drop();
  }
});

/** As `migrate` does, up to one of them. */
async function migrateUpTo(url: string, tag: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'diptych-migrations-'));
  try {
    await cp(migrationsFolder, folder, { recursive: true });
    const path = join(folder, 'meta/_journal.json');
    const journal = JSON.parse(await readFile(path, 'utf8')) as { entries: { tag: string }[] };
    const entries = journal.entries.filter((entry) => entry.tag <= tag);
    await writeFile(path, JSON.stringify({ ...journal, entries }));
    await migrate(url, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
