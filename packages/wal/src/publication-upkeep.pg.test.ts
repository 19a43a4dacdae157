import { poll } from '@diptych/runtime/poll';
import { testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Catalogue, openCatalogue } from './catalogue.ts';
import { inspectPublications } from './publication.ts';
import { bringInStep, driftOf, isInStep, unfitStatements } from './publication-upkeep.ts';
import { listTables, unusableParts } from './table.ts';

const role = testPrefix();
let database: Awaited<ReturnType<typeof testDatabase>>;
let sql: pg.Client;
let catalogue: Catalogue;
beforeAll(async () => {
  database = await testDatabase();
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  catalogue = await openCatalogue(database.url);
  const name = new URL(database.url).pathname.slice(1);
  await sql.query(`create role ${role} login password 'p'; grant create on database "${name}" to ${role};
    create table theirs (id int primary key);
    create table days (id int, day int, primary key (id, day)) partition by range (day);
    create table "Day 1" partition of days for values from (0) to (10); alter table "Day 1" replica identity full;
    create table old (id int primary key);
    alter table days owner to ${role}; alter table old owner to ${role}; grant all on schema public to ${role}`);
});
afterAll(async () => {
  await catalogue.close();
  await sql.query(`drop owned by ${role}; drop role ${role}`);
  await sql.end();
  await database.drop();
});

/** As the role that owns some of the tables. */
function roleUrl(): string {
  const url = new URL(database.url);
  url.username = role;
  url.password = 'p';
  return url.href;
}

const wanted = async (names: readonly string[], viaRoot: boolean) => ({
  ...{ name: 'p', viaRoot },
  tables: (await listTables(catalogue)).filter(({ name }) => names.includes(name)),
});

test('a publication is brought in step table by table; what its role may not do is told with the statement', async () => {
  const [days] = (await wanted(['days'], true)).tables;
  expect(days).toMatchObject({
    ...{ isPartitioned: true, replicaIdentity: 'default', identityColumns: ['id', 'day'] },
    partitions: [{ name: 'Day 1', replicaIdentity: 'full', identityColumns: [] }],
  });
  const made = await bringInStep(roleUrl(), await wanted(['old'], false), { mayTakeOut: false });
  expect(made).toMatchObject({ created: true, added: [{ name: 'old' }] });
  // While others may stream by it, nothing is taken out, and no partitioned table comes in the wrong way.
  const next = await wanted(['days', 'theirs'], true);
  const careful = await bringInStep(roleUrl(), next, { mayTakeOut: false });
  expect(careful).toMatchObject({ added: [], removed: [], left: [{ name: 'old' }], viaRoot: null });
  expect(careful.refused).toMatchObject([
    {
      table: { name: 'theirs' },
      failure: {
        code: 'postgres-privilege-missing',
        remedy: expect.stringContaining('`alter publication "p" add table "public"."theirs"`'),
      },
    },
  ]);
  const done = await bringInStep(roleUrl(), next, { mayTakeOut: true });
  expect(done).toMatchObject({ added: [{ name: 'days' }], removed: [{ name: 'old' }], viaRoot: true });
  const [found] = await inspectPublications(catalogue, ['p']);
  expect(found?.tables).toEqual(['public.days']);
  const statements = unfitStatements(found, next, ['insert']);
  expect(statements).toEqual(['alter publication "p" add table "public"."theirs"']);
  for (const statement of statements) await sql.query(statement);
  const [mended] = await inspectPublications(catalogue, ['p']);
  expect(mended && isInStep(driftOf(mended, next))).toBe(true);
  expect(unfitStatements(mended, next, ['insert'])).toEqual([]);
});

test('a table that is dropped while the publications’ tables are listed is not among them, and nothing else fails', async () => {
  await sql.query('create table kept (id int primary key); create table dropped (id int primary key)');
  await sql.query('create publication every for all tables');
  await sql.query('begin');
  await sql.query('drop table dropped');
  const listed = inspectPublications(catalogue, ['every']);
  const waits = async () => {
    const { rowCount } = await sql.query(
      `select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`,
    );
    return rowCount === 1 || undefined;
  };
  await poll(waits, { what: 'the list waits for the table that is dropped', timeoutMs: 20_000 });
  await sql.query('commit');
  const [every] = await listed;
  expect(every?.tables).toContain('public.kept');
  expect(every?.tables).not.toContain('public.dropped');
});

test('a primary key that is deferrable is no replica identity: an UPDATE by it would be refused', async () => {
  await sql.query('create table deferred (id int primary key deferrable, v int)');
  const [deferred] = (await wanted(['deferred'], false)).tables;
  expect(deferred).toMatchObject({ identityColumns: [], primaryKey: ['id'] });
  expect(deferred && unusableParts(deferred, { viaRoot: false })).toMatchObject([{ name: 'deferred' }]);
});
