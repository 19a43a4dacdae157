/** `diptych audit` and `diptych verify` on a real Kafka, from records as the relay writes them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { baselineRecord, panelRecords, type TestTransaction } from '@diptych/compare/panels-for-tests';
import { testPanels } from '@diptych/compare/published-for-tests';
import { legacyWrite, workedExample } from '@diptych/compare/worked-example-for-tests';
import { expect, onTestFinished, test } from 'vitest';
import { configurationSchema } from '../configuration.ts';
import { exitCodes } from '../exit-code.ts';
import { auditPanels, gate, verify } from './comparison-commands.ts';

/** An order that is placed and paid, each step with its event. */
const order = (id: number): TestTransaction[] =>
  ['placed', 'paid'].map((status, step) => ({
    at: 100 + id * 2 + step,
    changes: [{ table: 'orders', op: step === 0 ? 'c' : 'u', key: { id }, after: { id, status } }],
    events: [
      {
        type: `Order ${status}`,
        key: String(id),
        aggregateType: 'order',
        payload: {},
        aggregateVersion: step + 1,
      },
    ],
  }));

const mappings = {
  aggregates: [
    {
      aggregateType: 'order',
      table: 'public.orders',
      key: 'id',
      fields: { status: { column: 'status', events: { 'Order placed': 'placed', 'Order paid': 'paid' } } },
    },
  ],
};

async function published(transactions: readonly TestTransaction[]) {
  const panels = await testPanels();
  const directory = await mkdtemp(join(tmpdir(), 'diptych-audit-'));
  onTestFinished(async () => {
    await panels.close();
    await rm(directory, { recursive: true });
  });
  await panels.create();
  await panels.publish([
    baselineRecord({ table: 'orders', key: { id: 999 }, row: { id: 999, status: 'paid' } }),
    ...transactions.flatMap(panelRecords),
  ]);
  const { prefix, domainPrefix: topicPrefix } = panels.names;
  const run = async (
    command: typeof auditPanels,
    { audit = {}, ...options }: { audit?: object; failUnder?: number; since?: number } = {},
  ) => {
    const configuration = configurationSchema.parse({
      database: { url: 'postgres://nowhere' },
      kafka: { brokers: panels.brokers },
      outbox: { topicPrefix },
      prefix,
      audit,
    });
    let out = '';
    const code = await command({
      configuration,
      json: true,
      out: { write: (text) => (out += text) },
      ...options,
    });
    return { code, found: JSON.parse(out) };
  };
  return {
    run,
    file: async (name: string, content: object) => {
      const path = join(directory, name);
      await writeFile(path, JSON.stringify(content));
      return path;
    },
  };
}

test('the gate fails under its share, names the shapes, and lets pass what is accepted', async () => {
  const orders = Array.from({ length: 60 }, (_, id) => order(id)).flat();
  const silent = {
    at: 900,
    changes: [{ table: 'orders', op: 'u' as const, key: { id: 999 }, after: { id: 999, status: 'lost' } }],
  };
  const { run, file } = await published([...orders, silent]);
  const shape = 'public.orders u (status: paid → lost)';
  const failed = await run(auditPanels, { failUnder: 99.5 });
  expect(failed.found).toMatchObject({
    horizon: { xid: 1900 },
    incomplete: [],
    audit: { transactions: 121, leaks: 1, percent: 99.173, shapes: [{ shape, first: { xid: 1900 } }] },
  });
  expect(failed.code).toBe(exitCodes.differences);
  expect((await run(auditPanels, { failUnder: 99 })).code).toBe(exitCodes.ok);
  const accepted = await file('audit.accepted.json', {
    accepted: [{ shape, reason: 'written off by hand' }],
  });
  const passed = await run(auditPanels, { failUnder: 99.5, audit: { accepted } });
  expect(passed).toMatchObject({
    code: exitCodes.ok,
    found: { audit: { percent: 100, accepted: [{ shape }] } },
  });
  // Of the last transaction alone nothing can be told.
  const since = Date.parse(failed.found.horizon.commitTime);
  expect((await run(auditPanels, { failUnder: 99.5, since })).code).toBe(exitCodes.notEnoughData);
});

test('verify names where events and rows part, of the cart and of what a file declares', async () => {
  const lost = {
    at: 150,
    changes: [{ table: 'orders', op: 'u' as const, key: { id: 3 }, after: { id: 3, status: 'lost' } }],
  };
  const { run, file } = await published([...workedExample, legacyWrite(9), ...order(3), lost, ...order(30)]);
  const audit = { mappings: await file('mappings.json', mappings) };
  const { code, found } = await run(verify, { audit });
  expect(code).toBe(exitCodes.differences);
  expect(found.drift).toMatchObject({
    cart: { driftedCount: 1, drifted: [{ id: '101', since: { xid: 1009 } }] },
    order: {
      agreed: 1,
      drifted: [
        { id: '3', since: { xid: 1150 }, differences: [{ fact: 'status', events: 'paid', rows: 'lost' }] },
      ],
      unproven: [{ id: '999', reason: 'beginning-unseen' }],
    },
  });
  const since = Date.parse(found.drift.order.drifted[0].since.commitTime);
  expect((await run(verify, { audit, since })).found.drift).toMatchObject({
    cart: { driftedCount: 0 },
    order: { driftedCount: 1 },
  });
});

test('a share of too few transactions is not enough data, and one right at the limit passes', () => {
  expect(gate({ transactions: 99, percent: 100 }, 99.5)).toBe(exitCodes.notEnoughData);
  expect(gate({ transactions: 0, percent: null }, 0)).toBe(exitCodes.notEnoughData);
  expect(gate({ transactions: 200, percent: 99.5 }, 99.5)).toBe(exitCodes.ok);
  expect(gate({ transactions: 100_000, percent: 99.499 }, 99.5)).toBe(exitCodes.differences);
});
