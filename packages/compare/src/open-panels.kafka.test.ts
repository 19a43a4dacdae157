/** `passed` on a real Kafka: docs/wire.md, "Commit token". */
import { type Checkpoint, checkpointRecord } from '@diptych/kafka/checkpoint';
import { createPublisher } from '@diptych/kafka/create-publisher';
import { formatIdentity, identityHeader } from '@diptych/kafka/identity';
import type { Publisher } from '@diptych/kafka/publisher';
import type { OutgoingRecord } from '@diptych/kafka/record';
import { ensureTopics, ownTopicNames, topicSpecs } from '@diptych/kafka/topics';
import { poll } from '@diptych/runtime/poll';
import { testBrokers, testPrefix } from '@diptych/testkit/for-tests';
import { lsn, xid } from '@diptych/wal/lsn';
import { afterEach, expect, test } from 'vitest';
import { openPanels, type Panels } from './open-panels.ts';

const slot = 'shop';
const brokers = testBrokers();
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface TestRelay {
  readonly panels: Panels;
  /** END records of these transactions, `xid@position`, and a checkpoint up to `reported`, in one Kafka transaction. */
  readonly publish: (ends: readonly string[], reported?: number) => Promise<void>;
}

async function testRelay({ create = true } = {}): Promise<TestRelay & { prefix: string }> {
  const prefix = testPrefix();
  const own = ownTopicNames({ prefix, slot });
  if (create) await ensureTopics({ brokers, specs: topicSpecs({ prefix, slot, eventTopics: [] }) });
  const panels = openPanels({ brokers, prefix, slot });
  closers.push(() => panels.close());
  let publisher: Publisher | undefined;
  const publish: TestRelay['publish'] = async (ends, reported) => {
    if (!publisher) {
      publisher = createPublisher('platformatic', {
        ...{ brokers, clientId: prefix, transactionalId: prefix },
        ...{ transactionTimeoutMs: 30_000, requestTimeoutMs: 10_000 },
      });
      const opened = publisher;
      closers.push(() => opened.close());
      await publisher.fence();
    }
    const said = reported === undefined ? [] : [checkpoint(own.checkpoint, reported)];
    await publisher.publish([...ends.map((text) => end(own.transaction, text)), ...said]);
  };
  return { panels, publish, prefix };
}

function end(topic: string, text: string): OutgoingRecord {
  const [of = '', at = ''] = text.split('@');
  const identity = {
    ...{ timeline: 1, commitLsn: lsn(BigInt(at)), xid: xid(Number(of)), ordinal: 2, part: 0 },
    commitTimeUs: 1_795_246_912_669_491n,
  };
  const headers: [string, string][] = [[identityHeader, formatIdentity(identity)]];
  return { topic, key: Buffer.from(of), value: Buffer.from('{}'), headers, timestampMs: Date.now() };
}

function checkpoint(topic: string, at: number): OutgoingRecord {
  const said: Checkpoint = {
    ...{ v: 1, slot, systemId: '7421896543210987654', database: 'shop', timeline: 1, era: 1, part: null },
    ...{ lsn: lsn(BigInt(at)), reportedLsn: lsn(BigInt(at)), optionsHash: '', publications: {} },
    ...{ partitions: {}, snapshot: null },
  };
  return checkpointRecord(said, { topic, timestampMs: Date.now() });
}

const token = (of: number, at: number) => ({ xid: BigInt(of), lsn: lsn(BigInt(at)) });
const timeoutMs = 30_000;

test('a commit has passed that was published before anybody asked, that carried nothing, or whose END is no more', async () => {
  const { panels, publish } = await testRelay();
  await publish(['757@1000', '758@2000'], 2100);
  await publish(['759@3000']);
  expect(await panels.passed('759@0/C00', { timeoutMs })).toMatchObject({ tag: 'end', commitLsn: 3000n });
  // Nobody told of 700 and 2050: they stand before the checkpoint.
  expect(await panels.passed(token(700, 900), { timeoutMs })).toEqual({ tag: 'position', lsn: 2100n });
  expect(await panels.passed(token(2050, 2050), { timeoutMs })).toEqual({ tag: 'position', lsn: 2100n });
});

test('thousands wait at once, each until its own commit is there; other waits end by time or signal', async () => {
  const { panels, publish } = await testRelay();
  await publish(['1@10'], 15);
  const count = 3000;
  const settled = new Set<number>();
  const waits = Array.from({ length: count }, async (_, index) => {
    const passed = await panels.passed(token(index + 100, 1000 + index * 10 + 5), { timeoutMs: 60_000 });
    settled.add(index);
    return passed.tag;
  });
  const stop = new AbortController();
  const aborted = panels.passed(token(9, 10_000_000), { signal: stop.signal, timeoutMs });
  const late = panels.passed(token(9, 10_000_000), { timeoutMs: 50 });
  await expect(late).rejects.toMatchObject({ code: 'commit-not-published', retry: 'timed' });
  stop.abort(new Error('not interested any more'));
  await expect(aborted).rejects.toThrow('not interested any more');
  // Every other one publishes something.
  const ends = Array.from({ length: count }, (_, index) => `${index + 100}@${1000 + index * 10}`);
  await publish(ends.filter((_, index) => index % 2 === 0));
  const even = async () => (settled.size >= count / 2 ? true : undefined);
  await poll(even, { what: 'those with an END have passed', timeoutMs });
  expect([...settled].filter((index) => index % 2 === 1)).toEqual([]);
  await publish([], 1000 + count * 10);
  const tags = await Promise.all(waits);
  expect(tags.filter((tag) => tag === 'position')).toHaveLength(count / 2);
  await expect(panels.passed(token(9, 10_000_000), { timeoutMs: 50 })).rejects.toThrow(
    'published is everything up to 0/7918',
  );
  const waiting = panels.passed(token(9, 10_000_000), { timeoutMs });
  waiting.catch(() => undefined);
  await panels.close();
  await expect(waiting).rejects.toMatchObject({ code: 'commit-not-published' });
});

test('what is no token and a relay that is not there are refused, and asked again it reads anew', async () => {
  const { panels, publish, prefix } = await testRelay({ create: false });
  await expect(panels.passed('757')).rejects.toMatchObject({ code: 'commit-token-malformed' });
  await expect(panels.passed(token(757, 1000), { timeoutMs })).rejects.toMatchObject({
    code: 'kafka-refused',
  });
  await ensureTopics({ brokers, specs: topicSpecs({ prefix, slot, eventTopics: [] }) });
  await publish(['757@900']);
  expect(await panels.passed(token(757, 1000), { timeoutMs })).toMatchObject({ tag: 'end' });
});
