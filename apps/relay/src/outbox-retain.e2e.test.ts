/** Retention on real servers: partitions come ahead of time, and none goes before its events are in Kafka. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dayMs } from '@diptych/outbox/retention';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { retain } from './commands/outbox-retain.ts';
import { RelayUnderTest } from './relay-under-test.ts';

let relay: RelayUnderTest;

/** What the page tells people to run on a table that exists. */
const page = readFileSync(join(import.meta.dirname, '../../../docs/outbox.md'), 'utf8');
const partitioning = /```sql\n(.*?)```/s.exec(page)?.[1] ?? '';

beforeEach(async () => {
  // An idle relay confirms soon, so that retention need not wait long.
  relay = await RelayUnderTest.create({ DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '200' });
  const { sql } = relay;
  await sql.query(partitioning);
  await sql.query(`create table outbox_p1 partition of outbox for values from ('2026-01-01Z') to ('2026-01-02Z');
    create table outbox_p2 partition of outbox for values from ('2026-01-02Z') to ('2026-01-03Z');
    alter table outbox_p1 replica identity full; alter table outbox_p2 replica identity full`);
  await relay.initialise();
});
afterEach(() => relay?.close());

const nowMs = Date.UTC(2026, 1, 1, 12);

const retaining = (waitMs = 30_000) =>
  retain({
    configuration: relay.configuration,
    table: 'public.outbox',
    ...{ keepMs: 30 * dayMs, aheadMs: 2 * dayMs, waitMs, nowMs },
  });

const insert = (day: string) =>
  relay.sql.query(
    `insert into outbox (id, aggregatetype, aggregateid, type, payload, occurred_at)
     values (gen_random_uuid(), 'note', '1', 'Noted', '{}', $1)`,
    [`2026-01-${day}T10:00:00Z`],
  );

async function partitions(): Promise<string[]> {
  const { rows } = await relay.sql.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'outbox'::regclass order by 1`,
  );
  return rows.map(({ name }) => name);
}

const ahead = ['outbox_p20260201', 'outbox_p20260202', 'outbox_p20260203'];

test('days ahead are there and what is over and published is dropped, with all its events in Kafka', async () => {
  await relay.active(relay.start());
  await insert('01');
  await insert('02');
  const retained = await retaining();
  expect(retained).toMatchObject({
    ...{ table: 'public.outbox', created: ahead, postponed: [], kept: [] },
    dropped: [{ name: 'public.outbox_p1', to: '2026-01-02T00:00:00.000Z' }],
  });
  expect(await partitions()).toEqual(['outbox_default', 'outbox_p2', ...ahead]);
  await relay.sql.query(`insert into outbox (id, aggregatetype, aggregateid, type, payload, occurred_at)
    values (gen_random_uuid(), 'note', '1', 'Noted', '{}', '2026-02-02')`);
  await relay.sql.query(`delete from outbox where occurred_at = '2026-02-02'`);
  await relay.caughtUp();
  expect(await relay.records(relay.domainTopic('note'))).toHaveLength(3);
  expect(await retaining()).toMatchObject({ created: [], dropped: [], kept: [] });
});

test('what no relay has published is kept, in its place, and dropped when it is', async () => {
  await insert('01');
  expect(await retaining(0)).toMatchObject({
    dropped: [],
    kept: [{ name: 'public.outbox_p1', reason: 'not-published' }],
  });
  expect(await partitions()).toContain('outbox_p1');
  await relay.active(relay.start());
  expect((await retaining()).dropped).toHaveLength(1);
  expect(await relay.records(relay.domainTopic('note'))).toHaveLength(1);
});

test('a day of which rows are in the default partition gets no partition of its own, and the days after it do', async () => {
  await relay.sql.query(`insert into outbox (id, aggregatetype, aggregateid, type, payload, occurred_at)
    values (gen_random_uuid(), 'note', '1', 'Noted', '{}', '2026-02-01T11:00:00Z')`);
  await relay.active(relay.start());
  const [today, ...later] = ahead;
  expect(await retaining()).toMatchObject({ created: later, postponed: [today] });
});

test('a partition that was left detached is dropped the next time', async () => {
  await relay.sql.query(`alter table outbox detach partition outbox_p1;
    comment on table outbox_p1 is 'diptych: detached from public.outbox at 0/1'`);
  await relay.active(relay.start());
  expect((await retaining()).dropped).toEqual([{ name: 'public.outbox_p1', bytes: null, to: null }]);
});

test('a partition that a transaction still writes to is kept, and writers go on', async () => {
  await relay.active(relay.start());
  const writer = new pg.Client({ connectionString: relay.configuration.database.url });
  await writer.connect();
  try {
    await writer.query('begin');
    await writer.query(`insert into outbox (id, aggregatetype, aggregateid, type, payload, occurred_at)
      values (gen_random_uuid(), 'note', '1', 'Noted', '{}', '2026-01-01')`);
    expect(await retaining()).toMatchObject({
      ...{ created: ahead, postponed: [] },
      kept: [{ name: 'public.outbox_p1', reason: 'busy' }],
    });
    expect(await partitions()).toContain('outbox_p1');
    await writer.query('commit');
  } finally {
    await writer.end();
  }
  expect((await retaining()).dropped).toHaveLength(1);
  expect(await relay.records(relay.domainTopic('note'))).toHaveLength(1);
});

test('without its slot nothing is dropped, and a table without partitions is refused', async () => {
  await insert('01');
  await relay.sql.query('select pg_drop_replication_slot($1)', [relay.configuration.slot]);
  await expect(retaining()).rejects.toMatchObject({ code: 'slot-missing' });
  expect(await partitions()).toContain('outbox_p1');
  const plain = {
    configuration: relay.configuration,
    table: 'public.carts',
    keepMs: 0,
    aheadMs: 0,
    waitMs: 0,
  };
  await expect(retain(plain)).rejects.toMatchObject({ code: 'outbox-not-partitioned' });
});
