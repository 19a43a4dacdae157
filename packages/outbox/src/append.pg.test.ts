import { testDatabase } from '@diptych/testkit/for-tests';
import { sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { append, type Contract, type NewEvent } from './append.ts';
import { outbox, outboxHeads } from './schema.ts';

/** A Standard Schema by hand: a number `n`, and nothing else of what was given. */
const counted: Contract[string]['schema'] = {
  '~standard': {
    validate: (value) => {
      const n = typeof value === 'object' && value !== null && 'n' in value ? value.n : undefined;
      return typeof n === 'number'
        ? { value: { n } }
        : { issues: [{ message: `not ${String(n)}`, path: ['n'] }] };
    },
  },
};
const contract: Contract = { Counted: { typeversion: 3, schema: counted } };
const event = (n: number): NewEvent => ({ type: 'Counted', payload: { n } });
const events = (count: number) => Array.from({ length: count }, (_, n) => event(n));

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;
let db: NodePgDatabase;

beforeAll(async () => {
  database = await testDatabase();
  pool = new Pool({ connectionString: database.url });
  db = drizzle({ client: pool });
  await db.execute(sql`create table outbox (id uuid not null, aggregatetype text not null, aggregateid text not null,
    type text not null, payload jsonb not null, aggregateversion bigint not null, typeversion int not null default 1,
    headers jsonb not null default '{}', occurred_at timestamptz not null default now(),
    xid xid8 not null default pg_current_xact_id())`);
  await db.execute(sql`create table outbox_heads (aggregatetype text, aggregateid text, version bigint not null,
    primary key (aggregatetype, aggregateid))`);
});
afterAll(async () => {
  await pool?.end();
  await database?.drop();
});

const versionsOf = async (id: string) => {
  const rows = await db
    .select()
    .from(outbox)
    .where(sql`${outbox.aggregateid} = ${id}`)
    .orderBy(outbox.aggregateversion);
  return rows.map(({ aggregateversion }) => Number(aggregateversion));
};
const oneTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);
const counter = (id: string) => ({ type: 'counter', id });

describe('append', () => {
  test('gives versions without gaps over several transactions, ids that sort by time, type version and headers', async () => {
    const aggregate = counter('plain');
    await db.transaction((tx) => append(tx, { aggregate, events: events(2), contract }));
    const appended = await db.transaction((tx) =>
      append(tx, {
        aggregate,
        events: [{ ...event(1), headers: { traceparent: '00-a-b-01' } }, event(2), event(3)],
        contract,
      }),
    );
    expect(appended).toMatchObject({ ok: true, firstVersion: 3n, version: 5n });
    expect(await versionsOf('plain')).toEqual(oneTo(5));
    const rows = await db.select().from(outbox).where(sql`aggregateid = 'plain'`).orderBy(outbox.id);
    expect(rows.map(({ aggregateversion }) => Number(aggregateversion))).toEqual(oneTo(5));
    expect(rows[0]?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(rows[2]).toMatchObject({
      typeversion: 3,
      headers: { traceparent: '00-a-b-01' },
      payload: { n: 1 },
    });
    expect(rows[2]?.xid).toBe(rows[4]?.xid);
    expect(rows[2]?.xid).not.toBe(rows[1]?.xid);
    expect(rows[2]?.occurredAt).toBeInstanceOf(Date);
  });

  test('writes more events of one command than one statement could bind', async () => {
    await db.transaction((tx) => append(tx, { aggregate: counter('many'), events: events(8_500), contract }));
    expect(await versionsOf('many')).toEqual(oneTo(8_500));
  });

  test('expecting 0 begins an aggregate once; the second time is a conflict, and the transaction stays usable', async () => {
    const begin = { aggregate: counter('begun'), events: events(2), contract, expectedVersion: 0n };
    expect(await db.transaction((tx) => append(tx, begin))).toMatchObject({ ok: true, version: 2n });
    const again = await db.transaction(async (tx) => {
      const conflict = await append(tx, begin);
      const retried = await append(tx, { ...begin, expectedVersion: 2n });
      return [conflict, retried];
    });
    expect(again).toMatchObject([
      { ok: false, reason: 'version-conflict' },
      { ok: true, firstVersion: 3n, version: 4n },
    ]);
    expect(await versionsOf('begun')).toEqual(oneTo(4));
  });

  test('expecting a version that is not the head is a conflict and writes nothing', async () => {
    const aggregate = counter('expected');
    const expecting = (expectedVersion: bigint) =>
      db.transaction((tx) => append(tx, { aggregate, events: [event(1)], contract, expectedVersion }));
    expect(await expecting(1n)).toEqual({ ok: false, reason: 'version-conflict' });
    expect((await expecting(0n)).ok).toBe(true);
    expect(await expecting(2n)).toEqual({ ok: false, reason: 'version-conflict' });
    expect((await expecting(1n)).ok).toBe(true);
    expect(await versionsOf('expected')).toEqual(oneTo(2));
  });

  test.each([
    ['of any version, all get in', undefined, 20],
    ['of a new aggregate, one gets in', 0n, 1],
  ])('parallel writers %s', async (_what, expectedVersion, accepted) => {
    const aggregate = counter(`parallel-${accepted}`);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        db.transaction((tx) =>
          append(tx, {
            aggregate,
            events: [event(1)],
            contract,
            ...(expectedVersion === undefined ? {} : { expectedVersion }),
          }),
        ),
      ),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(accepted);
    expect(await versionsOf(aggregate.id)).toEqual(oneTo(accepted));
  });

  test('a transaction that is rolled back leaves no gap', async () => {
    const aggregate = counter('rolled-back');
    const give = () => append(db, { aggregate, events: events(3), contract });
    await give();
    await expect(
      db.transaction(async (tx) => {
        await append(tx, { aggregate, events: events(3), contract });
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    await give();
    expect(await versionsOf('rolled-back')).toEqual(oneTo(6));
  });

  test('an event that breaks its contract ends the transaction, naming the field and not the value', async () => {
    const aggregate = counter('broken');
    const wrong = (given: NewEvent) =>
      db.transaction(async (tx) => {
        await append(tx, { aggregate, events: [event(1)], contract });
        await append(tx, { aggregate, events: [given], contract });
      });
    const failure = await wrong({ type: 'Counted', payload: { n: 'secret' } }).catch(
      (error: unknown) => error,
    );
    expect(String(failure)).toMatch(/payload of Counted breaks its contract: n/);
    expect(String(failure)).not.toContain('secret');
    await expect(wrong({ type: 'Guessed', payload: {} })).rejects.toThrow(
      'the contract of event Guessed is missing',
    );
    await expect(wrong({ type: 'toString', payload: {} })).rejects.toThrow('is missing');
    await expect(db.transaction((tx) => append(tx, { aggregate, events: [], contract }))).rejects.toThrow(
      'whole events',
    );
    expect(await versionsOf('broken')).toEqual([]);
    expect(await db.select().from(outboxHeads).where(sql`aggregateid = 'broken'`)).toEqual([]);
  });

  test('what the schema does not return is not written', async () => {
    const aggregate = counter('stripped');
    await db.transaction((tx) =>
      append(tx, { aggregate, events: [{ type: 'Counted', payload: { n: 1, secret: true } }], contract }),
    );
    const [row] = await db.select().from(outbox).where(sql`aggregateid = 'stripped'`);
    expect(row?.payload).toEqual({ n: 1 });
  });

  test('a version beyond what a float holds is counted exactly', async () => {
    const aggregate = counter('old');
    await db
      .insert(outboxHeads)
      .values({ aggregatetype: 'counter', aggregateid: 'old', version: 9007199254740992n });
    const appended = await db.transaction((tx) =>
      append(tx, { aggregate, events: [event(1)], contract, expectedVersion: 9007199254740992n }),
    );
    expect(appended).toMatchObject({ ok: true, version: 9007199254740993n });
    const [row] = await db.select().from(outbox).where(sql`aggregateid = 'old'`);
    expect(row?.aggregateversion).toBe(9007199254740993n);
  });
});
