/** Following both panels on a real Kafka: what is there, what comes, and what never does. */
import { poll } from '@diptych/runtime/poll';
import { afterEach, expect, test } from 'vitest';
import { type FollowPairsOptions, followPairs } from './follow.ts';
import { panelRecords } from './panels-for-tests.ts';
import type { Straggler } from './pending-transaction.ts';
import { type TestPanels, testPanels } from './published-for-tests.ts';
import { legacyWrite, workedExample } from './worked-example-for-tests.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function newPanels(): Promise<TestPanels> {
  const panels = await testPanels();
  closers.push(async () => await panels.close());
  return panels;
}

/** The xids that were followed so far; following ends with the test. */
function following(
  { names, brokers }: TestPanels,
  options: Omit<FollowPairsOptions, 'brokers' | 'prefix'>,
): number[] {
  const stop = new AbortController();
  const xids: number[] = [];
  const work = (async () => {
    for await (const { identity } of followPairs({ ...names, brokers, ...options, signal: stop.signal })) {
      xids.push(identity.xid);
    }
  })();
  closers.push(async () => {
    stop.abort();
    await work;
  });
  return xids;
}

const until = async (xids: readonly number[], count: number): Promise<readonly number[]> =>
  await poll(() => (xids.length >= count ? xids : undefined), { what: `${count} pairs`, timeoutMs: 20_000 });

test('from the beginning: what is there, then what comes, with topics that did not exist', async () => {
  const panels = await newPanels();
  await panels.publish(workedExample.slice(0, 5).flatMap(panelRecords));
  const xids = following(panels, { from: 'beginning' });
  expect(await until(xids, 5)).toEqual([1001, 1002, 1003, 1004, 1005]);
  // The discount's table has its first row, and with it its topic, only now.
  for (const transaction of workedExample.slice(5)) await panels.publish(panelRecords(transaction));
  await panels.publish(panelRecords({ at: 9, changes: [{ table: 'cart_items', op: 't' }] }));
  await panels.publish(panelRecords(legacyWrite(10)));
  expect(await until(xids, 10)).toEqual([1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010]);
});

test('before there is any topic, following waits for them', async () => {
  const panels = await newPanels();
  const xids = following(panels, { from: 'beginning' });
  await panels.publish(workedExample.slice(0, 2).flatMap(panelRecords));
  expect(await until(xids, 2)).toEqual([1001, 1002]);
});

test('a transaction that lacks a record is named and left out, and the others go on', async () => {
  const panels = await newPanels();
  const stragglers: Straggler[] = [];
  const xids = following(panels, {
    from: 'beginning',
    stragglerMs: 500,
    onStraggler: (straggler) => stragglers.push(straggler),
  });
  const [, ...incomplete] = workedExample.slice(0, 1).flatMap(panelRecords);
  await panels.publish(incomplete);
  await panels.publish(workedExample.slice(1, 2).flatMap(panelRecords));
  expect(await until(xids, 1)).toEqual([1002]);
  expect(stragglers).toMatchObject([
    { identity: { xid: 1001 }, expected: { changes: 1 }, got: { changes: 0 } },
  ]);
});
