/** Publications follow the configuration where they are the relay's matter, and are only compared where they are not (C-99). */
import { poll } from '@diptych/runtime/poll';
import { afterEach, expect, test } from 'vitest';
import { readStatus } from './commands/status.ts';
import { RelayUnderTest, type RunningRelay } from './relay-under-test.ts';

let relay: RelayUnderTest;
afterEach(() => relay.close());

async function create(settings: Record<`DIPTYCH_${string}`, string> = {}): Promise<void> {
  relay = await RelayUnderTest.create({
    DIPTYCH_TIMING_PUBLICATION_CHECK_INTERVAL_MS: '100',
    ...settings,
  });
}

async function running(settings: Parameters<RelayUnderTest['start']>[0] = {}): Promise<RunningRelay> {
  const started = relay.start(settings);
  await relay.active(started);
  return started;
}

const ids = async (table: string) =>
  (await relay.records(relay.topicOf(table))).map(({ key }) => Number(JSON.parse(String(key)).id));

/** The tables that the change publication was given. */
async function members(): Promise<string[]> {
  const { rows } = await relay.sql.query<{ name: string }>(
    `select prrelid::regclass::text as name from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
     where pubname = $1 order by 1`,
    [relay.configuration.change.publication],
  );
  return rows.map(({ name }) => name);
}

const published = (table: string) =>
  poll(async () => (await members()).includes(table) || undefined, {
    what: `${table} is published`,
    timeoutMs: 60_000,
  });

test('managed: tables that come while the relay runs are published from then on, and those without identity are told', async () => {
  await create();
  await relay.initialise();
  const active = await running();
  // What is there before it is published is not in the stream; the application goes on in any case.
  await relay.sql.query(`create table later (id int primary key); insert into later values (1);
    create table bare (id int); insert into bare values (1)`);
  await published('later');
  await relay.sql.query('insert into later values (2); update bare set id = 2');
  await relay.caughtUp();
  expect(await ids('later')).toEqual([2]);
  await poll(() => active.board.unpublished.length > 0 || undefined, {
    ...{ what: 'the table without identity is told', timeoutMs: 60_000 },
  });
  expect(active.board.unpublished).toEqual([
    {
      table: 'public.bare',
      reason: 'it has no usable replica identity',
      remedy: expect.stringContaining('`alter table "public"."bare" replica identity full`'),
    },
  ]);
  await relay.sql.query('alter table bare replica identity full');
  await published('bare');
  // Somebody takes out what the configuration wants: that is a gap, and never put back in silence.
  await relay.sql.query(`alter publication ${relay.configuration.change.publication} drop table later`);
  await expect(active.ended).rejects.toMatchObject({ code: 'publication-changed' });
  // One that is gone is made anew only when the operator accepts what is lost with it.
  await relay.sql.query(`drop publication ${relay.configuration.change.publication}`);
  await expect(relay.start().ended).rejects.toMatchObject({ code: 'publication-lost' });
  await relay.sql.query('insert into later values (3)');
  const anew = await running({ acceptGap: true });
  await relay.sql.query('insert into later values (4)');
  await relay.caughtUp();
  await anew.stop();
  expect((await ids('later')).toSorted((a, b) => a - b)).toEqual([2, 4]);
});

test('managed: another list of tables takes effect when the relay starts: the new one flows, the old one stops, a standby changes nothing', async () => {
  await create();
  await relay.sql.query('create table orders (id int primary key)');
  await relay.initialise();
  const first = await running();
  await relay.sql.query('insert into carts (id) values (1); insert into orders values (1)');
  await relay.caughtUp();
  const change = {
    ...relay.configuration.change,
    exclude: [...relay.configuration.change.exclude, '*.orders'],
  };
  const second = relay.start({ change });
  await poll(() => second.board.role === 'standby' || undefined, { what: 'it stands by', timeoutMs: 60_000 });
  expect(await members()).toContain('orders');
  // Written before the change, read after it: still there.
  await first.stop();
  await relay.sql.query('insert into orders values (2)');
  await relay.active(second);
  await poll(async () => !(await members()).includes('orders') || undefined, {
    ...{ what: 'orders is taken out', timeoutMs: 60_000 },
  });
  await relay.sql.query('insert into orders values (3); insert into carts (id) values (2)');
  await relay.caughtUp();
  await second.stop();
  expect((await ids('carts')).toSorted((a, b) => a - b)).toEqual([1, 2]);
  expect((await ids('orders')).toSorted((a, b) => a - b)).not.toContain(3);
  const again = await running();
  expect(await members()).toContain('orders');
  await relay.sql.query('insert into orders values (4)');
  await relay.caughtUp();
  expect(await ids('orders')).toContain(4);
  await again.stop();
});

test('given: a publication is compared and never touched; what does not fit is refused with the statement', async () => {
  await create({ DIPTYCH_PUBLICATION: 'given' });
  const { change, outbox } = relay.configuration;
  const creation = `create publication "${change.publication}" for table "public"."carts" with (publish_via_partition_root = false)`;
  await expect(relay.initialise()).rejects.toMatchObject({
    code: 'publication-lost',
    remedy: expect.stringContaining(creation),
  });
  await relay.sql.query(`create publication ${outbox.publication} for table outbox`);
  await relay.sql.query(creation);
  await relay.initialise();
  const active = await running();
  await relay.sql.query('create table orders (id int primary key); insert into carts (id) values (1)');
  await relay.caughtUp();
  await poll(() => active.board.unpublished.length > 0 || undefined, {
    ...{ what: 'what does not fit is told', timeoutMs: 60_000 },
  });
  expect(await members()).toEqual(['carts']);
  await active.stop();
  const add = `alter publication "${change.publication}" add table "public"."orders"`;
  const refused = { code: 'publication-unsuitable', remedy: expect.stringContaining(add) };
  await expect(relay.start().ended).rejects.toMatchObject(refused);
  expect(await readStatus(relay.configuration)).toMatchObject({
    state: 'refused',
    lastError: { code: 'publication-unsuitable' },
  });
  await relay.sql.query(add);
  const again = await running();
  await relay.sql.query('insert into orders values (1)');
  await relay.caughtUp();
  expect(await ids('orders')).toEqual([1]);
  await again.stop();
});

test('a list that fits no table is refused before anything is touched', async () => {
  await create({ DIPTYCH_CHANGE_INCLUDE: 'public.cart' });
  await expect(relay.initialise()).rejects.toMatchObject({
    code: 'configuration-invalid',
    message: 'change.include: public.cart fits no table',
  });
  expect((await relay.sql.query('select from pg_publication')).rows).toEqual([]);
});
