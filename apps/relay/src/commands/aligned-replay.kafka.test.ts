/** `diptych replay --into` and `--group`: both panels up to one transaction, on a real Kafka. */
import { copyPanels, replayPanels } from '@diptych/compare/aligned-replay';
import { compareToNow } from '@diptych/compare/compare-to-now';
import { parseCutTarget } from '@diptych/compare/cut';
import { startGroupAtCut } from '@diptych/compare/group-at-cut';
import { baselineRecord, panelRecords, testIdentity } from '@diptych/compare/panels-for-tests';
import { testPanels } from '@diptych/compare/published-for-tests';
import { legacyWrite, workedExample } from '@diptych/compare/worked-example-for-tests';
import { joinGroup, type TopicPartition } from '@diptych/kafka/group-member';
import { groupStanding, setGroupPositions } from '@diptych/kafka/group-positions';
import { readToEnd } from '@diptych/kafka/partition-reader';
import { askTopics } from '@diptych/kafka/topics';
import { present } from '@diptych/runtime/assert';
import { createLogger } from '@diptych/runtime/log';
import { poll } from '@diptych/runtime/poll';
import { formatLsn } from '@diptych/wal/lsn';
import { expect, onTestFinished, test } from 'vitest';

const target = (text: string) => present(parseCutTarget(text), text);
const tokenOf = (at: number, epoch = 0n) => {
  const { xid, commitLsn } = testIdentity({ at });
  return `${(epoch << 32n) + BigInt(xid)}@${formatLsn(commitLsn)}`;
};

test('both panels are copied up to the same transaction, whole and once, and no topic that exists is written to', async () => {
  const panels = await testPanels();
  onTestFinished(() => panels.close());
  await panels.create();
  const fifth = present(workedExample[4], 'five transactions');
  const records = [...workedExample, legacyWrite(90)].flatMap(panelRecords);
  // An at-least-once relay has published the third one again.
  const repeated = panelRecords(present(workedExample[2], 'three transactions'));
  const at = records.findIndex((record) =>
    record.headers.get('diptych-tx')?.includes(`-${1000 + fifth.at}-`),
  );
  await panels.publish([
    baselineRecord({ table: 'carts', key: { id: 7 }, row: { id: 7, status: 'open' } }),
    ...[...records.slice(0, at), ...repeated, ...records.slice(at)],
  ]);
  const { brokers, names } = panels;
  const source = { brokers, ...names };
  const before = await Array.fromAsync(readToEnd({ brokers, topics: [`${names.prefix}.transaction`] }));

  const into = `${names.prefix}_copy`;
  const copied = await copyPanels({ ...source, into, to: target(tokenOf(fifth.at, 3n)) });
  expect(copied).toMatchObject({ transactions: 5, last: { xid: 1000 + fifth.at } });
  const seen: number[] = [];
  const replayed = await replayPanels({ ...source, to: target(tokenOf(fifth.at)) }, ({ identity }) => {
    seen.push(identity.xid);
  });
  expect(seen).toEqual(workedExample.slice(0, 5).map((one) => 1000 + one.at));
  expect(replayed.last).toEqual(copied.last);

  const { comparison, incomplete } = await compareToNow({
    ...{ brokers, prefix: copied.prefix, domainPrefix: copied.domainPrefix, drifts: [] },
  });
  expect(incomplete).toEqual([]);
  expect(comparison.answer()).toMatchObject({
    horizon: copied.last,
    counts: { transactions: 5, irregular: 0 },
  });
  const carts = await Array.fromAsync(readToEnd({ brokers, topics: [`${into}.public.carts`] }));
  expect(carts.filter(({ headers }) => headers.has('diptych-snapshot'))).toHaveLength(1);

  await expect(copyPanels({ ...source, into, to: target('F/0') })).rejects.toMatchObject({
    code: 'replay-refused',
  });
  const after = await Array.fromAsync(readToEnd({ brokers, topics: [`${names.prefix}.transaction`] }));
  expect(after).toEqual(before);
});

test('a new group goes on exactly where a handler ended, and no group that is at work is moved', async () => {
  const panels = await testPanels();
  onTestFinished(() => panels.close());
  await panels.create();
  const [fifth, ...behind] = workedExample.slice(4);
  const snapshotted = baselineRecord({ table: 'carts', key: { id: 7 }, row: { id: 7, status: 'open' } });
  await panels.publish([snapshotted, ...[...workedExample, legacyWrite(90)].flatMap(panelRecords)]);
  const { brokers, names } = panels;
  const group = `${names.prefix}_group`;
  const asked = { brokers, ...names, group, to: target(tokenOf(present(fifth, 'five transactions').at)) };
  const seen: number[] = [];
  const begun = await startGroupAtCut(asked, ({ identity }) => void seen.push(identity.xid));
  expect(seen).toEqual(workedExample.slice(0, 5).map((one) => 1000 + one.at));
  expect(begun).toMatchObject({ group, transactions: 5, last: { xid: 1000 + present(fifth, 'fifth').at } });

  const topics = Object.keys(begun.positions);
  expect(await groupStanding({ brokers, group })).toEqual({ topics: topics.toSorted(), members: 0 });
  const from = new Map(Object.entries(begun.positions));
  const rest = await Array.fromAsync(readToEnd({ brokers, topics, from }));
  const xids = new Set(rest.map(({ headers }) => Number(headers.get('diptych-tx')?.split('-')[2])));
  expect(xids).toEqual(new Set([...behind, legacyWrite(90)].map((one) => 1000 + one.at)));

  const refusal = { code: 'replay-refused' };
  await expect(startGroupAtCut(asked)).rejects.toMatchObject({ ...refusal, message: /positions/ });
  const earlier = { ...asked, reset: true, to: target(tokenOf(present(workedExample[0], 'one').at)) };
  expect(await startGroupAtCut(earlier)).toMatchObject({ transactions: 1 });

  let held: readonly TopicPartition[] = [];
  const member = await joinGroup({
    ...{
      brokers,
      groupId: group,
      topics: [`${names.prefix}.transaction`],
      log: createLogger('test', { level: 'silent' }),
    },
    onAssigned: (partitions) => {
      held = partitions;
    },
  });
  onTestFinished(() => member.leave());
  await poll(() => held.length > 0 || undefined, { what: 'the member has a partition', timeoutMs: 60_000 });
  await expect(startGroupAtCut({ ...asked, reset: true })).rejects.toMatchObject({
    ...refusal,
    message: /members/,
  });
  const positions = new Map([[`${names.prefix}.transaction`, [0n]]]);
  expect(await setGroupPositions({ brokers, group, positions })).toBe('live');
}, 120_000);

test('a cut is a commit, a position or a time; one that is not there is refused before a topic is made', async () => {
  const panels = await testPanels();
  onTestFinished(() => panels.close());
  await panels.create();
  await panels.publish(workedExample.flatMap(panelRecords));
  const { brokers, names } = panels;
  const upTo = async (text: string) =>
    (await replayPanels({ brokers, ...names, to: target(text) }, () => undefined)).transactions;
  const third = testIdentity({ at: present(workedExample[2], 'three transactions').at });
  expect(await upTo(formatLsn(third.commitLsn))).toBe(3);
  const time = new Date(Number(third.commitTimeUs / 1000n) + 1).toISOString();
  expect(await upTo(time)).toBe(3);
  expect(await upTo('2099-01-01T00:00:00Z')).toBe(workedExample.length);
  for (const text of ['0/1', '9@F/0', '1999-01-01T00:00:00+01:00']) {
    const into = `${names.prefix}_none`;
    await expect(copyPanels({ brokers, ...names, into, to: target(text) })).rejects.toMatchObject({
      code: 'replay-refused',
    });
    expect((await askTopics({ brokers }, [`${into}.transaction`])).size).toBe(0);
  }
  for (const text of ['', 'yesterday', '757', '2026-11-21', 'outbox.event.cart']) {
    expect(parseCutTarget(text)).toBeUndefined();
  }
});
