/** What a reader sees when others alter what it reads, and when commits wait for a standby. */
import type { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';
import type { DescribedTable } from '@diptych/snapshot/described-table';
import { AbsentStandby } from '@diptych/testkit/absent-standby';
import { testDatabase } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChunkReader } from './chunk-reader.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let sql: pg.Client;
let other: pg.Client;
let reader: ChunkReader;
const names = { slot: 'under test', publication: 'p' };

async function client(): Promise<pg.Client> {
  const connected = new pg.Client({ connectionString: database.url });
  await connected.connect();
  return connected;
}

beforeAll(async () => {
  database = await testDatabase();
  sql = await client();
  other = await client();
  reader = await ChunkReader.open(database.url, names);
  await sql.query(`create publication p for all tables; create table kept (id int primary key, note text);
    insert into kept select generate_series(1, 10)`);
});
afterAll(async () => {
  await reader.close();
  await Promise.all([sql.end(), other.end()]);
  await database.drop();
});

async function describe(of: ChunkReader, name: string): Promise<DescribedTable> {
  const described = await of.describe({ schema: 'public', name });
  if (!described) throw new Error(`${name} is published`);
  return described;
}

test('a table that was rewritten since a state was fixed is not taken for an empty one', async () => {
  await sql.query(`create table rewritten (id int primary key); insert into rewritten values (1);
    create table root (id int primary key, n int) partition by range (id); create table leaf partition of root default;
    insert into root values (1)`);
  await sql.query('begin isolation level repeatable read');
  const { rows } = await sql.query<{ name: string }>('select pg_export_snapshot() as name');
  const adopted = await ChunkReader.open(database.url, names);
  try {
    await adopted.adopt(rows[0]?.name ?? '');
    await sql.query('commit');
    await sql.query(
      `alter table rewritten alter column id type bigint; alter table root alter column n type bigint`,
    );
    const seen = async (name: string) => {
      const described = await describe(adopted, name);
      return [await adopted.isEmpty(described, null), await adopted.isAsSeen(described)];
    };
    expect(await seen('kept')).toEqual([false, true]);
    expect(await seen('rewritten')).toEqual([true, false]);
    expect(await seen('leaf')).toEqual([true, false]);
    // What is wrong with one table leaves the state to the others.
    await expect(
      adopted.trying(async () => adopted.isEmpty(await describe(adopted, 'kept'), '1 / 0 = id')),
    ).rejects.toThrow('division');
    expect(await seen('kept')).toEqual([false, true]);
  } finally {
    await adopted.close();
  }
});

// The server may hold the reader up in its look at the catalogue or behind it: null is to be looked at again, as is `timed`.
test.each([
  ['rewritten', 'alter table altered alter column id type bigint', [null]],
  ['without a column', 'alter table altered drop column note', [null, { columns: ['id'], rows: 10 }]],
  ['dropped', 'drop table altered', [null, 'timed']],
  ['another one', 'drop table altered; create table altered (id int primary key)', [null, 'timed']],
])(
  'a table that is %s when its reader has waited for it is read as it is then, or again, and not said to be at its end',
  async (_what, statement, right) => {
    await sql.query(`drop table if exists altered; create table altered (id int primary key, note text);
    insert into altered select generate_series(1, 10)`);
    await sql.query('begin; lock table altered');
    const table = { schema: 'public', name: 'altered', where: null };
    const read = reader
      .read({ table, after: null, rows: 100, bytesMax: 1000 }, async () => {})
      .then(
        (chunk) =>
          chunk && {
            columns: chunk.described.relation.columns.map((column) => column.name),
            rows: chunk.rows.length,
          },
        (error: OperatingError) => error.retry,
      );
    const waits = async () =>
      (
        await other.query(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'diptych snapshot%'`,
        )
      ).rows.length > 0 || undefined;
    await poll(waits, { what: 'it waits for the table', timeoutMs: 50_000 });
    await sql.query(`${statement}; commit`);
    expect(right).toContainEqual(await read);
    // What is wrong in itself is said, however often one looks.
    const kept = { schema: 'public', name: 'kept', where: 'id / 0 = 1' };
    await expect(
      reader.read({ table: kept, after: null, rows: 9, bytesMax: 9 }, async () => {}),
    ).rejects.toThrow('division');
  },
);

test('commits that wait for a standby are waited for, by a role that may not see who waits too; without standbys there are none', {
  timeout: 120_000,
}, async () => {
  const role = `reader_${process.pid}`;
  await sql.query(`create role ${role} login password 'x'; grant select on kept to ${role}`);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'x';
  const plain = await ChunkReader.open(url.href, names);
  expect((await plain.waitingCommits()).tag).toBe('none');
  await sql.query('set synchronous_commit = local');
  const standby = await AbsentStandby.create(database.url);
  try {
    const commit = other.query('insert into kept values (11)');
    commit.catch(() => {});
    const all = await poll(
      async () => {
        const shown = await reader.waitingCommits();
        return shown.tag === 'shown' && (await reader.hasWaiting(shown)) ? shown : undefined;
      },
      { what: 'the commit waits', timeoutMs: 50_000 },
    );
    const open = await plain.waitingCommits();
    expect(open.tag).toBe('open');
    expect(await plain.hasWaiting(open)).toBe(true);
    await standby.release();
    await commit;
    await poll(async () => !(await plain.hasWaiting(open)) || undefined, {
      what: 'it is seen',
      timeoutMs: 50_000,
    });
    expect(await reader.hasWaiting(all)).toBe(false);
  } finally {
    await standby.close();
    await plain.close();
    await sql.query(`drop owned by ${role}; drop role ${role}`);
  }
});
