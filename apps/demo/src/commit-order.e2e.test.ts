/** In which order were events committed? A table cannot tell, however it is read; the topics can. */
import { EventContract } from '@diptych/events/event-contract';
import { type CommittedEvents, type ReadAllOptions, readAll } from '@diptych/journal/read-all';
import { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { tally } from './examples/tally-for-tests.ts';
import { randomFrom } from './shopper.ts';

const contract = {
  Noted: EventContract.first({
    ...{ since: '2026-01-01', example: { n: 1 } },
    payload: z.strictObject({ n: z.int() }),
  }),
};

let relay: RelayUnderTest;
beforeAll(async () => {
  relay = await RelayUnderTest.create();
  await relay.sql.query(`alter table outbox replica identity full;
    alter table outbox add position bigint generated always as identity;
    create table clock (id int primary key, n int); insert into clock values (1, 0)`);
  await relay.initialise();
  await relay.active(relay.start());
});
afterAll(() => relay?.close());

const connected = async (): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: relay.configuration.database.url });
  await client.connect();
  return client;
};

const note = (client: pg.Client, stream: string, { version, n }: { version: number; n: number }) =>
  client.query(
    `insert into outbox (aggregatetype, aggregateid, aggregateversion, type, payload)
     values ('note', $1, $2, 'Noted', jsonb_build_object('n', $3::int))`,
    [stream, version, n],
  );

type Options = Partial<ReadAllOptions<typeof contract>>;
const options = (rest: Options = {}): ReadAllOptions<typeof contract> => ({
  brokers: relay.configuration.kafka.brokers,
  prefix: relay.configuration.prefix,
  topics: [relay.domainTopic('note')],
  contract,
  ...rest,
});
const all = async (rest?: Options) => Array.fromAsync(readAll(options(rest)));
const told = (transactions: readonly CommittedEvents<typeof contract>[]) =>
  transactions.map(({ events }) => events.map(({ key, version }) => `${key} ${version}`));

test('a reader of the sequence loses an event, a reader of (xid8, position) turns a stream around, and we do neither', async () => {
  const [early, late, reader] = [await connected(), await connected(), await connected()];
  try {
    let seen = 0;
    /** What so many outbox pollers do: all that is behind the last one seen. */
    const bySequence = async (): Promise<string[]> => {
      const { rows } = await reader.query(
        `select aggregateid || ' ' || aggregateversion as told, position::int from outbox
         where position > $1 order by position`,
        [seen],
      );
      seen = rows.at(-1)?.position ?? seen;
      return rows.map((row) => row.told);
    };
    let after = ['0', '0'];
    /** The careful ones: only what no running transaction can come before. */
    const byTransaction = async (): Promise<string[]> => {
      const { rows } = await reader.query(
        `select aggregateid || ' ' || aggregateversion as told, xid::text, position::text from outbox
         where (xid, position) > ($1::xid8, $2::bigint) and xid < pg_snapshot_xmin(pg_current_snapshot())
         order by xid, position`,
        after,
      );
      const last = rows.at(-1);
      after = last ? [last.xid, last.position] : after;
      return rows.map((row) => row.told);
    };
    await early.query('begin');
    await note(early, 'a', { version: 1, n: 1 });
    await late.query('begin');
    await note(late, 'b', { version: 1, n: 2 });
    await late.query('commit');
    const first = { bySequence: await bySequence(), byTransaction: await byTransaction() };
    await note(early, 'b', { version: 2, n: 3 });
    await early.query('commit');
    const second = { bySequence: await bySequence(), byTransaction: await byTransaction() };

    expect([...first.bySequence, ...second.bySequence]).toEqual(['b 1', 'b 2']);
    expect([...first.byTransaction, ...second.byTransaction]).toEqual(['a 1', 'b 2', 'b 1']);
    await relay.caughtUp();
    expect(told(await all())).toEqual([['b 1'], ['a 1', 'b 2']]);
  } finally {
    await Promise.all([early, late, reader].map((client) => client.end()));
  }
});

test('over hundreds of transactions at once the order is that of their commits, none is missing, and reading goes on where it was', async () => {
  const before = (await all()).length;
  const random = randomFrom(7);
  const count = 60;
  const streams = new Map<string, number>();
  const writer = async () => {
    const client = await connected();
    for (let turn = 0; turn < count; turn += 1) {
      await client.query('begin');
      // Xid and position are drawn now, the commit comes after whoever has the clock.
      const own = `own ${streams.size}`;
      streams.set(own, 1);
      await note(client, own, { version: 1, n: 0 });
      if (random(2) === 0) await client.query('select pg_sleep(0.002)');
      const { rows } = await client.query('update clock set n = n + 1 returning n');
      await note(client, 'clock', { version: rows[0].n, n: rows[0].n });
      await client.query('commit');
    }
    await client.end();
  };
  await Promise.all([writer(), writer(), writer(), writer()]);
  await relay.caughtUp();
  const transactions = (await all()).slice(before);
  const ticks = transactions.flatMap(({ events }) =>
    events.filter(({ key }) => key === 'clock').map(({ event }) => event.payload.n),
  );
  const expected = Array.from({ length: 4 * count }, (_, index) => index + 1);
  expect(ticks).toEqual(expected);
  expect(transactions.flatMap(({ events }) => events)).toHaveLength(8 * count);
  const { rows } = await relay.sql.query(
    `select (payload->>'n')::int as n from outbox where aggregateid = 'clock' order by xid, position`,
  );
  expect(rows.map(({ n }) => n)).not.toEqual(expected);

  const [half] = transactions.slice(2 * count);
  const rest = transactions.slice(2 * count + 1).map(({ place }) => place);
  const from = half?.offsets;
  expect((await all({ after: half?.place })).map(({ place }) => place)).toEqual(rest);
  expect((await all({ after: half?.place, from })).map(({ place }) => place)).toEqual(rest);
});

test('the code of docs/replay.md counts all events, and from where it was only what came since', async () => {
  const counted = await tally(options());
  const { rows } = await relay.sql.query(
    `select count(*)::int as n from outbox where aggregatetype = 'note'`,
  );
  expect(counted.counts.get('Noted')).toBe(rows[0].n);
  await note(relay.sql, 'since', { version: 1, n: 1 });
  await relay.caughtUp();
  const since = await tally(options({ after: counted.after, from: counted.from }));
  expect(since.counts.get('Noted')).toBe(1);
});

test('following goes on with what is committed from then on, also in a topic that was not there', async () => {
  const stopping = new AbortController();
  const topics = [relay.domainTopic('note'), relay.domainTopic('memo')];
  const last = (await all()).at(-1);
  const following = readAll(options({ topics, after: last?.place, follow: true, signal: stopping.signal }));
  const next = following.next();
  await relay.sql.query(`begin;
    insert into outbox (aggregatetype, aggregateid, aggregateversion, type, payload)
    values ('memo', 'm', 1, 'Noted', '{"n": 1}'), ('note', 'f', 1, 'Noted', '{"n": 2}'), ('memo', 'm', 2, 'Noted', '{"n": 3}');
    commit`);
  const { value } = await next;
  expect(value ? told([value]) : []).toEqual([['m 1', 'f 1', 'm 2']]);
  stopping.abort();
  expect(await following.next()).toEqual({ done: true, value: undefined });
});
