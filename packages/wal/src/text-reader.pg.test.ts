import { testDatabase } from '@diptych/testkit/for-tests';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Catalogue, openCatalogue } from './catalogue.ts';
import { TextReader } from './text-reader.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let sql: Catalogue;
let reader: TextReader;
beforeAll(async () => {
  database = await testDatabase();
  sql = await openCatalogue(database.url);
  await sql.query('create table kept (id int)');
  await sql.query('insert into kept values (1), (2)');
  reader = await TextReader.open(database.url, { applicationName: 'reader under test' });
});
afterAll(async () => {
  await reader.close();
  await sql.close();
  await database.drop();
});

test('what is asked is one statement, whatever a condition in it says', async () => {
  const twoStatements = 'select 1; delete from kept';
  await expect(reader.query(twoStatements)).rejects.toThrow('multiple commands');
  await expect(reader.read(twoStatements, { bytesMax: 100 })).rejects.toThrow('multiple commands');
});

test('nothing is written', async () => {
  await expect(reader.query('delete from kept')).rejects.toThrow('read-only');
  expect((await reader.read('select id from kept order by id', { bytesMax: 100 })).rows).toEqual([
    ['1'],
    ['2'],
  ]);
});
