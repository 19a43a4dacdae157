/** The engine keeps what it has folded together with up to which record: whatever ends it, it goes on as if nothing had. */
import { cartMapping } from '@diptych/compare/cart-mapping';
import type { DriftOf } from '@diptych/compare/comparison';
import { DriftFinder } from '@diptych/compare/drift';
import {
  baselineRecord,
  panelRecords,
  releasedRecord,
  type TestTransaction,
} from '@diptych/compare/panels-for-tests';
import { testSurroundings } from '@diptych/compare/published-for-tests';
import { cartEvent, legacyWrite, workedExample } from '@diptych/compare/worked-example-for-tests';
import { poll } from '@diptych/runtime/poll';
import pg from 'pg';
import { expect, test } from 'vitest';
import { Engine, type EngineAnswer } from './engine.ts';
import { EngineStore } from './engine-store.ts';

const drifts: DriftOf[] = [(options) => new DriftFinder(cartMapping, options)];

async function surroundings() {
  const { panels, databaseUrl } = await testSurroundings();
  const open = async (name = 'compare') => await EngineStore.open({ databaseUrl, name, captured: [] });
  /** `aggregatesMax` 1: what is not in use is in the database alone. */
  const resume = async (store: EngineStore): Promise<Engine> => {
    const bounds = { aggregatesMax: 1, rowsMax: 3, stragglerMs: 200 };
    return await Engine.resume(store, { ...panels.names, brokers: panels.brokers, drifts, ...bounds });
  };
  /** An engine's life, up to what is there now. */
  const live = async (store: EngineStore, meanwhile?: () => Promise<void>): Promise<EngineAnswer> => {
    try {
      const engine = await resume(store);
      await meanwhile?.();
      await engine.run(new AbortController().signal, { untilCaughtUp: true });
      return engine.answer();
    } finally {
      await store.close();
    }
  };
  return { panels, databaseUrl, open, resume, live };
}

/** Another cart, beside 101, so that one of the two is not in memory. */
const other = (at: number, version: number, type: string): TestTransaction => ({
  at,
  changes: [
    {
      table: 'carts',
      op: version === 1 ? 'c' : 'u',
      key: { id: 102 },
      after: { id: 102, status: 'open', total: null },
    },
  ],
  events: [{ ...cartEvent(type, version, { cartId: 102 }), key: '102' }],
});

test('killed at any moment it ends with the answer of one that never was', async () => {
  const { panels, databaseUrl, open, live } = await surroundings();
  const [first, second, ...rest] = [
    ...workedExample,
    legacyWrite(20),
    other(21, 1, 'CartOpened'),
    legacyWrite(22),
  ];
  const steps = [first, second].flatMap((one) => (one ? [one] : []));
  await panels.publish([
    baselineRecord({ table: 'carts', key: { id: 99 }, row: { id: 99, status: 'open', total: null } }),
    ...steps.flatMap(panelRecords),
  ]);
  expect(await live(await open())).toMatchObject({
    counts: { transactions: 2, baseline: 1 },
    caughtUp: true,
  });
  // The last transaction is not whole yet: what came of it is not folded, and must be read again.
  const records = rest.flatMap(panelRecords);
  await panels.publish([
    ...records.slice(0, -1),
    releasedRecord({ type: 'Noted', payload: {}, key: '98', aggregateType: 'note' }, 1),
  ]);
  // It has folded all of it when its session ends, and kept nothing.
  const kill = async (): Promise<void> => {
    const client = new pg.Client(databaseUrl);
    await client.connect();
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    await client.end();
  };
  await expect(live(await open(), kill)).rejects.toMatchObject({ code: 'comparison-database-away' });
  expect(await live(await open())).toMatchObject({
    counts: { transactions: 10, baseline: 1, released: 1 },
    drift: { cart: { drifted: [{ id: '101', since: { xid: 1020 } }], agreed: 1 } },
  });
  await panels.publish(records.slice(-1));
  const survived = await live(await open());
  const undisturbed = await live(await open('another'));
  const { lagMs: _late, ...answer } = undisturbed;
  expect(survived).toMatchObject(answer);
  expect(survived).toMatchObject({
    horizon: { xid: 1022 },
    counts: { transactions: 11, irregular: 0 },
    audit: { leaks: 2 },
    blockedBy: null,
  });
});

test('a transaction that is not whole holds back all behind it, and is named', async () => {
  const { panels, open, resume } = await surroundings();
  const [opened, ...lost] = workedExample.slice(0, 2).flatMap(panelRecords);
  if (opened) await panels.publish([opened]);
  await panels.publish([
    ...lost.slice(0, 1),
    ...lost.slice(1, 2),
    ...lost.slice(3),
    ...panelRecords(other(9, 1, 'CartOpened')),
  ]);
  const store = await open();
  const stop = new AbortController();
  const engine = await resume(store);
  const running = engine.run(stop.signal);
  const blockedBy = await poll(() => engine.answer().blockedBy ?? undefined, {
    what: 'the engine names what holds it back',
    timeoutMs: 60_000,
  });
  stop.abort();
  await running;
  await store.close();
  expect(blockedBy).toMatchObject({
    xid: 1002,
    expected: { events: 1, changes: 2 },
    got: { events: 1, changes: 1 },
  });
  expect(engine.answer()).toMatchObject({ horizon: { xid: 1001 }, counts: { transactions: 1 } });
});

test('the captured database is refused, and so is a second engine of the same name', async () => {
  const { databaseUrl, open } = await surroundings();
  const held = await open();
  await expect(open()).rejects.toMatchObject({ code: 'comparison-state-refused' });
  await (await open('another')).close();
  await held.close();
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const { rows } = await client.query<{ systemId: string; database: string }>(
    'select system_identifier::text as "systemId", current_database() as database from pg_control_system()',
  );
  await client.end();
  const refused = EngineStore.open({ databaseUrl, name: 'compare', captured: rows });
  await expect(refused).rejects.toMatchObject({ code: 'comparison-state-refused', message: /captured/ });
});
