/**
 * Proves that a table may change its shape at any moment – between statements under load, several times within one
 * transaction, and while the relay is dead – and that each row is published in the shape it was written in.
 * https://www.postgresql.org/docs/18/protocol-logicalrep-message-formats.html (Relation)
 */

import type { IncomingRecord } from '@diptych/kafka/record';
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { parseLossless } from '@diptych/runtime/json';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createShop,
  expectAllOnce,
  hasRole,
  identityOf,
  idOf,
  keepWriting,
  Relays,
} from './shop-for-tests.ts';

let shop: RelayUnderTest;
let relays: Relays;
beforeEach(async () => {
  shop = await createShop({ DIPTYCH_KAFKA_PARTITIONS: '1' });
  await shop.sql.query(`create table shapes (id int primary key, v text, note text)`);
  await shop.initialise();
  relays = await Relays.of(shop);
});
afterEach(async () => {
  await relays.close();
  await shop.close();
});

interface Told {
  readonly op: string;
  readonly before: unknown;
  readonly after: unknown;
}

const told = ({ value }: IncomingRecord): Told => {
  const { op, before, after } = parseLossless(String(value)) as Told;
  return { op, before, after };
};

/** What each is written as, in order; each change of the shape comes before one row. */
const changes = [
  ['', `(id, v) values ($1, 'a')`, { v: 'a', note: null }],
  ['add column extra int default 7', `(id, v) values ($1, 'b')`, { v: 'b', note: null, extra: 7 }],
  ['rename column v to w', `(id, w) values ($1, 'c')`, { w: 'c', note: null, extra: 7 }],
  ['drop column note', `(id, w) values ($1, 'd')`, { w: 'd', extra: 7 }],
  [
    'alter column extra type text using extra || $x$ pieces$x$',
    `(id, w) values ($1, 'e')`,
    { w: 'e', extra: '7' },
  ],
  [
    'drop column extra, add column extra numeric(6, 2)',
    `(id, w, extra) values ($1, 'f', 1.5)`,
    { w: 'f', extra: '1.50' },
  ],
] as const;

const expected = changes.map(([, , after], index) => ({
  op: 'c',
  before: null,
  after: { id: index + 1, ...after },
}));

test('each row is published in the shape it was written in: changes between transactions, under load', {
  timeout: 120_000,
}, async () => {
  const running = shop.start();
  await shop.active(running);
  const load = keepWriting(shop.configuration.database.url);
  for (const [index, [change, row]] of changes.entries()) {
    if (change !== '') await shop.sql.query(`alter table shapes ${change}`);
    await shop.sql.query(`insert into shapes ${row}`, [index + 1]);
  }
  const committed = await load.stop();
  await shop.caughtUp();
  await running.stop();
  expect((await shop.records(shop.topicOf('shapes'))).map(told)).toEqual(expected);
  await expectAllOnce(shop, committed);
});

test('and within one transaction, whose relay is killed and which the next one reads in full', {
  timeout: 120_000,
}, async () => {
  const relay = await relays.add('killed');
  relay.start();
  await hasRole(relay, 'active');
  await shop.sql.query('begin');
  for (const [index, [change, row]] of changes.entries()) {
    if (change !== '') await shop.sql.query(`alter table shapes ${change}`);
    await shop.sql.query(`insert into shapes ${row}`, [index + 1]);
  }
  await relay.kill();
  await shop.sql.query('commit');
  // As it is by then no row of it ever was: the catalogue of now must not be asked about then.
  await shop.sql.query('alter table shapes drop column w; alter table shapes add column later bool');
  await shop.sql.query('insert into shapes (id, later) values (7, true)');
  relay.start();
  await hasRole(relay, 'active');
  await shop.caughtUp();
  const records = await shop.records(shop.topicOf('shapes'));
  expect(records.map(told)).toEqual([
    ...expected,
    { op: 'c', before: null, after: { id: 7, extra: null, later: true } },
  ]);
  expect(records.map((record) => identityOf(record).ordinal)).toEqual([1, 2, 3, 4, 5, 6, 1]);
});

test('the replica identity and the name of a table change between two statements of one transaction', {
  timeout: 120_000,
}, async () => {
  const running = shop.start();
  await shop.active(running);
  await shop.sql.query(`insert into shapes values (1, 'a', 'x')`);
  await shop.caughtUp();
  await shop.sql.query(`begin;
    update shapes set v = 'b' where id = 1;
    alter table shapes replica identity full;
    update shapes set v = 'c' where id = 1;
    alter table shapes rename to renamed;
    update renamed set v = 'd' where id = 1;
    alter table renamed replica identity default;
    update renamed set v = 'e' where id = 1;
    delete from renamed where id = 1; commit`);
  await shop.caughtUp();
  await running.stop();
  const row = (v: string) => ({ id: 1, v, note: 'x' });
  const old = await shop.records(shop.topicOf('shapes'));
  expect(old.map(told)).toEqual([
    { op: 'c', before: null, after: row('a') },
    { op: 'u', before: null, after: row('b') },
    { op: 'u', before: row('b'), after: row('c') },
  ]);
  const renamed = await shop.records(shop.topicOf('renamed'));
  expect(renamed.filter(({ value }) => value !== null).map(told)).toEqual([
    { op: 'u', before: row('c'), after: row('d') },
    { op: 'u', before: null, after: row('e') },
    { op: 'd', before: { id: 1 }, after: null },
  ]);
  expect([...old, ...renamed].map(idOf)).toEqual([1, 1, 1, 1, 1, 1, 1]);
});
