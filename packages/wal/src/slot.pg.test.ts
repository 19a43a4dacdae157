import { poll } from '@diptych/runtime/poll';
import { testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Catalogue, openCatalogue } from './catalogue.ts';
import { endTurn, untilSlotFree } from './slot.ts';

const slot = testPrefix();
let database: Awaited<ReturnType<typeof testDatabase>>;
const opened: Catalogue[] = [];
beforeEach(async () => {
  database = await testDatabase();
  const catalogue = await open();
  await catalogue.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((catalogue) => catalogue.close()));
  await database.drop();
});

async function open(): Promise<Catalogue> {
  const catalogue = await openCatalogue(database.url);
  opened.push(catalogue);
  return catalogue;
}

/** Waits as a standby does; `looks` counts how often it was not its turn. */
async function standby(): Promise<{ catalogue: Catalogue; looks: () => number; turn: Promise<number> }> {
  const catalogue = await open();
  let looks = 0;
  const onHeld = () => {
    looks += 1;
  };
  const signal = AbortSignal.timeout(60_000);
  const turn = untilSlotFree(catalogue, { name: slot, onHeld, signal }).then(() => performance.now());
  return { catalogue, looks: () => looks, turn };
}

const looked = ({ looks }: { looks: () => number }) =>
  poll(() => looks() > 0 || undefined, { what: 'the second one has looked', timeoutMs: 30_000 });

async function hasTurn({ catalogue }: { catalogue: Catalogue }): Promise<boolean> {
  const rows = await catalogue.query(
    `select from pg_locks where locktype = 'advisory' and granted and pid = pg_backend_pid()`,
  );
  return rows.length === 1;
}

test('of two that see a free slot one has its turn, and the other when that one has ended', async () => {
  const first = await standby();
  await first.turn;
  const second = await standby();
  await looked(second);
  await endTurn(first.catalogue);
  await second.turn;
  expect(await hasTurn(second)).toBe(true);
});

test('the turn of one that is gone is over', async () => {
  const first = await standby();
  await first.turn;
  const second = await standby();
  await looked(second);
  await first.catalogue.close();
  await second.turn;
  expect(await hasTurn(second)).toBe(true);
});

test('one that does not use its turn keeps the others away for two seconds', async () => {
  const first = await standby();
  await first.turn;
  const second = await standby();
  const sinceMs = performance.now();
  expect((await second.turn) - sinceMs).toBeGreaterThan(1900);
});
