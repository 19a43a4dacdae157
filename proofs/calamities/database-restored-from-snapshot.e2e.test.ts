/**
 * Proves that a database which is put back to an older state is refused: Kafka holds what it no longer has, and what it
 * writes next takes the same positions again. Nothing is fenced, reported or skipped meanwhile. Put back by archive recovery
 * it has a timeline of its own, and the relay names what it lost.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { listPhantoms } from '@diptych/relay-app/commands/parked';
import { Destination } from '@diptych/relay-app/destination';
import { outlook } from '@diptych/relay-app/outlook';
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { runCommand } from '@diptych/testkit/command';
import { openCatalogue } from '@diptych/wal/catalogue';
import { inspectSlot } from '@diptych/wal/slot';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OwnPostgres, startOwnPostgres } from './own-postgres-for-tests.ts';
import { acceptedGaps, createShop, publishedIds, runAndPublish, slotNow } from './shop-for-tests.ts';

const copyTimeoutMs = 120_000;

let postgres: OwnPostgres;
let shop: RelayUnderTest;
beforeEach(async () => {
  postgres = await startOwnPostgres();
  shop = await createShop({}, postgres.servers);
  await shop.initialise();
  await runAndPublish(shop, 1);
});
afterEach(async () => {
  await shop.close();
  await postgres.remove();
});

/** With owner and modes: the server refuses anything else. */
async function copy(from: string, to: string): Promise<void> {
  const { code, output } = await runCommand({
    ...{ command: 'cp', args: ['-a', from, to], timeoutMs: copyTimeoutMs },
  });
  if (code !== 0) throw new Error(`the data were not copied: ${output}`);
}

/** Rows 2 to 30 are written and published after a copy of the data was taken, which then replaces them. */
async function restoreAnOlderState({ beforeStart }: { beforeStart: () => Promise<void> }): Promise<void> {
  const { control, dataDirectory } = postgres;
  const snapshot = `${dataDirectory}-snapshot`;
  await control.stop();
  await copy(dataDirectory, snapshot);
  await control.start();
  await shop.reconnect();
  for (let id = 2; id < 30; id += 1) await shop.sql.query('insert into carts (id) values ($1)', [id]);
  await runAndPublish(shop, 30);
  await control.stop();
  await rm(dataDirectory, { recursive: true });
  await copy(snapshot, dataDirectory);
  await beforeStart();
  await control.start();
  await poll(isPrimary, { what: 'the recovery is over', timeoutMs: 60_000 });
}

async function isPrimary(): Promise<true | undefined> {
  await shop.reconnect();
  const { rows } = await shop.sql.query<{ primary: boolean }>('select not pg_is_in_recovery() as primary');
  return rows[0]?.primary || undefined;
}

test('an older state of the same timeline is refused before anything is fenced or reported; init --from-slot goes on from there', {
  timeout: 180_000,
}, async () => {
  await restoreAnOlderState({ beforeStart: async () => {} });
  const before = await slotNow(shop);
  await shop.sql.query('insert into carts (id) values (101)');
  const refused = {
    code: 'kafka-ahead-of-database',
    message: expect.stringContaining('it was put back to an older state'),
    remedy: expect.stringContaining('diptych init --from-slot'),
  };
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await expect(shop.start().ended).rejects.toMatchObject(refused);
  }
  await expect(shop.initialise()).rejects.toMatchObject(refused);
  expect(await seenByStatus()).toMatchObject(refused);
  expect(await slotNow(shop)).toEqual(before);
  await shop.initialise({ fromSlot: true });
  expect(await acceptedGaps(shop)).toMatchObject([
    { from: before.flushed, reason: 'kafka-ahead-of-database' },
  ]);
  await runAndPublish(shop, 102);
  expect((await publishedIds(shop)).filter((id) => id > 30)).toEqual([101, 102]);
});

async function seenByStatus() {
  const { configuration } = shop;
  const catalogue = await openCatalogue(configuration.database.url);
  try {
    const slot = await inspectSlot(catalogue, configuration.slot);
    const checkpoint = await new Destination(configuration).readCheckpoint();
    return await outlook(catalogue, { configuration, slot, checkpoint });
  } finally {
    await catalogue.close();
  }
}

test('put back by archive recovery it begins a timeline: what it lost is listed, and nothing new is skipped, however much was written', {
  timeout: 180_000,
}, async () => {
  await restoreAnOlderState({
    beforeStart: async () => {
      const { dataDirectory } = postgres;
      await writeFile(join(dataDirectory, 'recovery.signal'), '');
      await writeFile(join(dataDirectory, 'postgresql.auto.conf'), "restore_command = 'false'\n", {
        flag: 'a',
      });
    },
  });
  for (let id = 101; id < 201; id += 1) await shop.sql.query('insert into carts (id) values ($1)', [id]);
  await expect(shop.start().ended).rejects.toMatchObject({
    code: 'kafka-ahead-of-database',
    message: expect.stringContaining('where timeline 2 begins'),
  });
  const running = shop.start({ acceptPhantoms: true });
  await shop.active(running);
  await shop.caughtUp();
  await running.stop();
  const out = new PassThrough();
  await listPhantoms({ configuration: shop.configuration, json: true, out });
  expect(JSON.parse(await text(out.end()))).toMatchObject({ timeline: 1, newTimeline: 2, count: 29 });
  const ids = await publishedIds(shop);
  expect(ids.filter((id) => id > 100)).toEqual(Array.from({ length: 100 }, (_, index) => 101 + index));
});
