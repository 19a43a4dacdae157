/** A commit's events, in a real Kafka, against the positions of a projection in a real Postgres. */
import { createPublisher } from '@diptych/kafka/create-publisher';
import { formatIdentity, identityHeader } from '@diptych/kafka/identity';
import { ensureTopics, eventTopicSpec } from '@diptych/kafka/topics';
import { testBrokers, testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import { parseLsn, xid } from '@diptych/wal/lsn';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { begin, lastWords, prepare } from './projection-for-tests.ts';
import { projectionPassed } from './read-your-writes.ts';

const commits = ['0/10', '0/20', '0/30'];
/** As a service has it: where the WAL ended right behind the commit. */
const tokenOf = (commit: number) => `${700 + commit}@0/${commit}8`;

test('a projection has passed a commit when it has read every event up to it, in each partition', async () => {
  const brokers = testBrokers();
  const topic = `${testPrefix()}.events`;
  const database = await testDatabase();
  const pool = new pg.Pool({ connectionString: database.url });
  await ensureTopics({ brokers, specs: [{ ...eventTopicSpec(topic), partitions: 2 }] });
  const publisher = createPublisher('platformatic', {
    ...{ brokers, clientId: topic, transactionalId: topic },
    ...{ transactionTimeoutMs: 15_000, requestTimeoutMs: 10_000 },
  });
  onTestFinished(async () => {
    await publisher.close();
    await pool.end();
    await database.drop();
  });
  await publisher.fence();
  // The first and the third commit have an event in partition 0, the second one in partition 1.
  for (const [index, commitLsn] of commits.entries()) {
    const identity = { timeline: 1, commitLsn: parseLsn(commitLsn), xid: xid(701 + index), commitTimeUs: 1n };
    const headers: [string, string][] = [
      [identityHeader, formatIdentity({ ...identity, ordinal: 1, part: 0 })],
    ];
    const value = Buffer.from('{}');
    await publisher.publish([{ topic, partition: index % 2, key: null, value, headers, timestampMs: 0 }]);
  }
  await prepare(pool);
  const asked: string[] = [];
  const panels = { passed: (token: string) => Promise.resolve(asked.push(token)) };
  const passed = async (commit: number, timeoutMs = 0) =>
    await projectionPassed(tokenOf(commit), {
      ...{ database: pool, brokers, topics: [topic], projection: lastWords.name, panels, timeoutMs },
    });
  const read = async (group: string, partition: number, next: number) =>
    await pool.query(
      `insert into inbox_positions (consumer_group, topic, partition, topic_id, next_offset, epoch, member)
       values ($1, $2, $3, 'one', $4, 1, 'tester')
       on conflict (consumer_group, topic, partition) do update set next_offset = excluded.next_offset`,
      [group, topic, partition, next],
    );
  // Nobody projects yet; then somebody who has read nothing.
  expect(await passed(1)).toBe(false);
  const { group } = await begin(pool, 'live');
  expect(await passed(1)).toBe(false);
  await read(group, 0, 1);
  expect([await passed(1), await passed(2), await passed(3)]).toEqual([true, false, false]);
  const waiting = passed(2, 60_000);
  await read(group, 1, 1);
  expect(await waiting).toBe(true);
  // The markers behind the first event are no events: the third one is still owed.
  expect(await passed(3)).toBe(false);
  await read(group, 0, 3);
  expect(await passed(3)).toBe(true);
  expect(asked).toContain(tokenOf(3));
}, 120_000);
