/** The report on a real Kafka, from records as the relay writes them. */
import { panelRecords, type TestTransaction } from '@diptych/compare/panels-for-tests';
import { type TestPanels, testPanels } from '@diptych/compare/published-for-tests';
import { legacyWrite, workedExample } from '@diptych/compare/worked-example-for-tests';
import { afterEach, expect, test } from 'vitest';
import { exitCodes, runCommandLine } from './command-line.ts';
import { compareReport, type Report } from './report.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function published(transactions: readonly TestTransaction[]): Promise<TestPanels> {
  const panels = await testPanels();
  closers.push(async () => await panels.close());
  await panels.create();
  for (const transaction of transactions) await panels.publish(panelRecords(transaction));
  return panels;
}

const reportOf = async ({ names, brokers }: TestPanels, stragglerMs = 2000): Promise<Report> =>
  await compareReport({ ...names, brokers, stragglerMs });

async function run(
  { names, brokers }: TestPanels,
  ...args: string[]
): Promise<{ code: number; out: string }> {
  let out = '';
  const code = await runCommandLine(
    [
      'report',
      '--brokers',
      brokers.join(','),
      '--prefix',
      names.prefix,
      '--domain-prefix',
      names.domainPrefix,
      ...args,
    ],
    { out: { write: (text) => (out += text) }, err: process.stderr },
  );
  return { code, out };
}

test('an ordinary run has nothing to report, and exit code 0', async () => {
  const panels = await published(workedExample);
  expect(await reportOf(panels)).toMatchObject({
    horizon: { xid: 1008 },
    transactions: 8,
    events: 8,
    changes: 14,
    leaks: [],
    driftedCarts: [],
    unproven: [],
    incomplete: [],
    heldBack: 0,
    repeatedCount: 0,
  });
  const { code, out } = await run(panels);
  expect(code).toBe(exitCodes.ok);
  expect(out).toContain('CartCheckedOut  cart 101');
});

test('a legacy write is the one leak and makes its cart drift: exit code 1, named to the transaction', async () => {
  const panels = await published([...workedExample, legacyWrite(9)]);
  const { code, out } = await run(panels, '--json');
  expect(code).toBe(exitCodes.differences);
  expect(out.trimEnd().split('\n')).toHaveLength(1);
  expect(JSON.parse(out)).toMatchObject({
    name: 'compare',
    ok: false,
    figures: {
      transactions: 9,
      events: 8,
      changes: 15,
      leaks: [{ xid: 1009, tables: ['public.cart_items'], ops: ['u'] }],
      driftedCarts: [{ id: '101', since: { xid: 1009 } }],
    },
    failures: [{ what: 'leaks' }, { what: 'driftedCarts' }],
  });
});

test('a batch that was published twice is found record by record, also at the very end', async () => {
  const panels = await published(workedExample);
  const again = workedExample.slice(-1).flatMap(panelRecords);
  await panels.publish(again);
  const report = await reportOf(panels);
  expect(report).toMatchObject({ transactions: 8, repeatedCount: again.length });
  expect(new Set(report.repeated.map(({ what, xid }) => `${what} ${xid}`))).toEqual(
    new Set(['repeated 1008']),
  );
});

test('a lost record stops the report there and is named', async () => {
  const panels = await published(workedExample.slice(0, 3));
  const [, ...incomplete] = workedExample.slice(3, 4).flatMap(panelRecords);
  await panels.publish(incomplete);
  await panels.publish(workedExample.slice(4, 5).flatMap(panelRecords));
  expect(await reportOf(panels, 300)).toMatchObject({
    transactions: 3,
    horizon: { xid: 1003 },
    incomplete: [{ xid: 1004, expected: { events: 1, changes: 2 }, got: { events: 1, changes: 1 } }],
    heldBack: 1,
  });
});

test('a prefix that no relay has is an operating error with a remedy', async () => {
  const panels = await published([]);
  expect(await reportOf(panels)).toMatchObject({ horizon: null, transactions: 0 });
  await expect(reportOf({ ...panels, names: { ...panels.names, prefix: 'nobody' } })).rejects.toMatchObject({
    code: 'kafka-refused',
    remedy: expect.stringContaining('diptych init'),
  });
});
