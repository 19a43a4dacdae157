/** Each value of each type, through a real server and back: the database is the oracle. */
import { openSlotForTests, readSlotForTests } from '@diptych/pgoutput/read-slot-for-tests';
import { testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtInTypes } from './built-in-types.ts';
import type { Representation } from './column-plan.ts';
import { conforms } from './conforms-for-tests.ts';
import { debeziumCases, omittedTypes } from './debezium-cases-for-tests.ts';
import { type Json, parseExactly } from './decode-for-tests.ts';
import { exactCases } from './exact-cases-for-tests.ts';
import { publishForTests } from './publish-for-tests.ts';
import { readTypes } from './read-types.ts';
import { TypeCatalogue } from './type-catalogue.ts';
import { debeziumModes, exactModes, type ValueModes } from './value-modes.ts';
import type { ConnectSchema } from './value-schema.ts';

const slot = testPrefix();
let database: Awaited<ReturnType<typeof testDatabase>>;
let client: Client;
let tables = 0;

beforeAll(async () => {
  database = await testDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
  for (const extension of ['hstore', 'citext', 'ltree', 'isn', 'cube']) {
    await client.query(`create extension ${extension}`);
  }
  await client.query(`
    create type mood as enum ('sad', 'ok', 'it''s "so, so"');
    create domain amount as numeric(12, 3) check (value > -1000000);
    create domain amounts as amount[];
    create type address as (street text, number int, since date, moods mood[]);
    create type floatrange as range (subtype = float8)`);
  await openSlotForTests(client, slot);
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

/** One key or value with its schema. */
interface Inline {
  readonly schema: ConnectSchema;
  readonly payload: Json;
}

interface Stored {
  /** Key and value of each record, with their schemas. */
  readonly inline: (modes: ValueModes) => readonly Inline[];
  /** What the database says each value is. */
  readonly expected: readonly (string | null)[];
  /** What is published for it, without a column when it is left out. */
  readonly published: (modes: ValueModes) => readonly (Json | undefined)[];
}

/** Puts values into a column of the type. `oracle` is an expression over `c`. */
async function stored(
  type: string,
  { values, oracle = `format('%s', c)` }: { values: readonly string[]; oracle?: string },
): Promise<Stored> {
  tables += 1;
  const table = `v_${tables}`;
  await client.query(`create table ${table} (id int primary key, c ${type})`);
  await client.query(
    `insert into ${table} select id, value::${type} from unnest($1::int[], $2::text[]) u (id, value)`,
    [values.map((_, index) => index), values],
  );
  const { rows } = await client.query<{ text: string | null }>(
    `select ${oracle} as text from ${table} order by id`,
  );
  const messages = await readSlotForTests(client, slot);
  const { rows: types, moneyDigits } = await readTypes({
    query: async (text: string) => (await client.query(text)).rows,
  });
  const published = (modes: ValueModes, schemas: Representation['schemas']) =>
    publishForTests(
      messages.map(({ lsn, bytes }) => ({ lsn, bytes: Buffer.from(bytes) })),
      { representation: { schemas, modes, types: new TypeCatalogue({ rows: types, moneyDigits }) } },
    ).filter(({ topic }) => topic !== 'p.transaction');
  return {
    expected: rows.map(({ text }) => text),
    published: (modes) =>
      published(modes, 'none').map(
        ({ value }) => (parseExactly(String(value)) as { after: { c?: Json } }).after.c,
      ),
    inline: (modes) =>
      published({ ...modes, shapes: 'debezium' }, 'inline').flatMap(({ key, value }) =>
        [key, value].map((bytes) => {
          const { schema } = JSON.parse(String(bytes)) as Inline;
          return { schema, payload: (parseExactly(String(bytes)) as { payload: Json }).payload };
        }),
      ),
  };
}

describe('in our own representation each value is read back as the text that the database has, and is as its schema says', () => {
  test.for(exactCases)('%s', async ([type, values, decode, oracle]) => {
    const { expected, published, inline } = await stored(type, { values, ...(oracle ? { oracle } : {}) });
    const told = published(exactModes).map((json) => (json == null ? json : decode(json)));
    expect(told).toEqual(expected);
    for (const { schema, payload } of inline(exactModes)) conforms(schema, payload);
  });
});

describe("in Debezium's representation", () => {
  test.for(debeziumCases)('%s is what the database computes', async ([type, values, decode, oracle]) => {
    const { expected, published, inline } = await stored(type, { values, ...(oracle ? { oracle } : {}) });
    const told = published(debeziumModes).map((json) => (json == null ? json : decode(json)));
    expect(told).toEqual(expected);
    for (const { schema, payload } of inline(debeziumModes)) conforms(schema, payload);
  });

  test.for(omittedTypes)('%s is left out, and can be had as bytes', async ([type, value]) => {
    const { published } = await stored(type, { values: [value] });
    expect(published(debeziumModes)).toEqual([undefined]);
    expect(published({ ...debeziumModes, unknownTypes: 'bytes' })).toEqual([
      Buffer.from(value).toString('base64'),
    ]);
  });
});

test('the built-in types are those of the server', async () => {
  const { rows } = await client.query<{ name: string; oid: number; array_oid: number }>(
    `select typname as name, oid, typarray as array_oid from pg_type
     where oid < 10000 and typtype in ('b', 'r', 'm') and typarray <> 0`,
  );
  const known = new Map(builtInTypes.map((type) => [type.oid, type]));
  expect(rows.map(({ oid }) => known.get(oid))).toEqual(
    rows.map(({ name, oid, array_oid: arrayOid }) => ({ name, oid, arrayOid })),
  );
});
