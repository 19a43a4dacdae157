import { testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import { sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { append } from './append.ts';
import type { Contract, EventOf } from './contract.ts';
import { outbox, outboxHeads } from './schema.ts';
import { outboxTables } from './tables.ts';

/** A Standard Schema by hand: a number `n`, and nothing else of what was given. */
const counted: Contract[string]['schema'] = {
  '~standard': {
    validate: (value: unknown) => {
      const n = typeof value === 'object' && value !== null && 'n' in value ? value.n : undefined;
      return typeof n === 'number'
        ? { value: { n } }
        : { issues: [{ message: `not ${String(n)}`, path: ['n'] }] };
    },
  },
};
const contract: Contract = { Counted: { typeversion: 3, schema: counted } };
const event = (n: number): EventOf<Contract> => ({ type: 'Counted', payload: { n } });
const events = (count: number) => Array.from({ length: count }, (_, n) => event(n));

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Pool;
let db: NodePgDatabase;

beforeAll(async () => {
  database = await testDatabase();
  pool = new Pool({ connectionString: database.url });
  db = drizzle({ client: pool });
  await pool.query(outboxTables);
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
  test('says who writes when it is asked to, and of a transaction that has said so it is known', async () => {
    const said = async (context: boolean) =>
      await db.transaction(async (tx) => {
        await append(tx, { aggregate: counter('context'), events: event(1), contract, context });
        const { rows } = await tx.execute<{ said: boolean }>(
          sql`select current_setting('diptych.context', true) = pg_current_xact_id()::text as said`,
        );
        return rows[0]?.said ?? false;
      });
    expect([await said(true), await said(false), await said(true)]).toEqual([true, false, true]);
  });

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
    const wrong = (given: EventOf<Contract>) =>
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

describe('what is told of events', () => {
  test('actor, reason, correlation, causation and trace stand in the headers, an event’s own before the call’s', async () => {
    const telling = {
      actor: 'ann',
      reason: 'asked',
      correlationId: 'visit-7',
      causationId: 'command-9',
      traceparent: '00-a-b-01',
    };
    await db.transaction((tx) =>
      append(tx, {
        aggregate: counter('told'),
        events: [event(1), { ...event(2), headers: { actor: 'bob', tenant: 'x' } }],
        contract,
        telling: { ...telling, reason: undefined },
      }),
    );
    const rows = await db.select().from(outbox).where(sql`aggregateid = 'told'`).orderBy(outbox.id);
    const { reason: _, ...told } = telling;
    expect(rows.map(({ headers }) => headers)).toEqual([told, { ...told, actor: 'bob', tenant: 'x' }]);
  });

  test('a bigint in a payload is an integer of all its digits', async () => {
    const big = {
      Big: { typeversion: 1, schema: { '~standard': { validate: (value: unknown) => ({ value }) } } },
    };
    await db.transaction((tx) =>
      append(tx, {
        aggregate: counter('big'),
        events: { type: 'Big', payload: { n: 9007199254740993n } },
        contract: big,
      }),
    );
    const { rows } = await db.execute(sql`select payload::text from outbox where aggregateid = 'big'`);
    expect(rows).toEqual([{ payload: '{"n": 9007199254740993}' }]);
  });
});

describe('other ways to emit', () => {
  test('insert and delete leaves nothing in the table, and the head moved', async () => {
    const aggregate = counter('deleted');
    const appended = await db.transaction((tx) =>
      append(tx, {
        aggregate,
        events: events(2),
        contract,
        emission: { tag: 'delete', table: 'public.outbox' },
      }),
    );
    expect(appended).toMatchObject({ ok: true, version: 2n });
    expect(await versionsOf('deleted')).toEqual([]);
  });

  test('a message has the versions of outbox_heads, its conflicts, and the payload’s bytes as jsonb has them', async () => {
    const aggregate = counter('message');
    const send = {
      aggregate,
      events: events(2),
      contract,
      emission: { tag: 'message', name: 'sold' },
    } as const;
    const slot = testPrefix();
    await db.execute(sql`select pg_create_logical_replication_slot(${slot}, 'test_decoding')`);
    await db.transaction((tx) => append(tx, send));
    expect(await db.transaction((tx) => append(tx, { ...send, expectedVersion: 0n }))).toEqual({
      ok: false,
      reason: 'version-conflict',
    });
    const { rows } = await db.execute<{ data: string }>(
      sql`select data from pg_logical_slot_get_changes(${slot}, null, null) where data like 'message%'`,
    );
    await db.execute(sql`select pg_drop_replication_slot(${slot})`);
    expect(rows).toHaveLength(2);
    expect(rows[1]?.data).toMatch(/^message: transactional: 1 prefix: diptych.outbox:sold,/);
    const [head = '', payload, ...more] = rows[1]?.data.replace(/^.*?content:/, '').split('\n') ?? [];
    expect([payload, more]).toEqual(['{"n": 1}', []]);
    expect(JSON.parse(head)).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      aggregatetype: 'counter',
      aggregateid: 'message',
      aggregateversion: '2',
      type: 'Counted',
      typeversion: 3,
      headers: {},
      occurredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
  });
});
