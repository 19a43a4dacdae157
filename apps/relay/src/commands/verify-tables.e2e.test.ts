/** `diptych verify --tables`: what events say, against the rows that there are. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { exitCodes } from '../exit-code.ts';
import { RelayUnderTest } from '../relay-under-test.ts';
import { printVerifiedTables } from './verify-tables.ts';

const mappings = {
  aggregates: [
    {
      ...{ aggregateType: 'order', table: 'public.orders', key: 'id' },
      fields: {
        status: { column: 'status', events: { OrderPlaced: 'placed', OrderPaid: 'paid' } },
        total: { column: 'total', payload: 'total', as: 'decimal' },
      },
    },
  ],
};

const told = (id: number, type: string, version: number) => `insert into outbox
  (aggregatetype, aggregateid, type, payload, aggregateversion) values ('order', '${id}', '${type}', '{"total": 9.5}', ${version})`;
const placed = (id: number) =>
  `begin; insert into orders values (${id}, 'placed', 9.50); ${told(id, 'OrderPlaced', 1)}; commit`;
const paid = (id: number) =>
  `begin; update orders set status = 'paid' where id = ${id}; ${told(id, 'OrderPaid', 2)}; commit`;

test('events are laid beside the tables as of one commit, while others write', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'diptych-verify-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, 'mappings.json');
  await writeFile(file, JSON.stringify(mappings));
  const relay = await RelayUnderTest.create({ DIPTYCH_AUDIT_MAPPINGS: file });
  onTestFinished(() => relay.close());
  const { sql, configuration } = relay;
  await sql.query(`create table orders (id bigint primary key, status text, total numeric(10,2));
    insert into orders values (1, 'placed', 9.50)`);
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  for (const id of [2, 3, 4, 9_007_199_254_740]) await sql.query(placed(id));
  await sql.query(paid(2));
  await sql.query(`update orders set status = 'lost' where id = 3; delete from orders where id = 4`);

  const writer = new pg.Client(configuration.database.url);
  await writer.connect();
  let written = 0;
  let isOver = false;
  const writing = (async () => {
    for (; !isOver; written += 1) {
      await writer.query(placed(1000 + written));
      await writer.query(paid(1000 + written));
    }
  })();
  let out = '';
  const report = { configuration, out: { write: (text: string) => (out += text) } };
  const code = await printVerifiedTables({ ...report, json: true });
  isOver = true;
  await writing;
  await writer.end();

  expect(code).toBe(exitCodes.differences);
  const { order, cart } = JSON.parse(out).tables;
  expect(order.drifted).toEqual([
    {
      ...{ aggregateType: 'order', id: '3' },
      ...{ events: { status: 'placed', total: '9.5' }, rows: { status: 'lost', total: '9.5' } },
      differences: [{ fact: 'status', events: 'placed', rows: 'lost' }],
    },
    expect.objectContaining({ id: '4', events: { status: 'placed', total: '9.5' }, rows: null }),
  ]);
  expect(order).toMatchObject({ driftedCount: 2, unprovenCount: 1 });
  expect(order.agreed).toBeGreaterThanOrEqual(2);
  expect(order.agreed).toBeLessThanOrEqual(2 + written);
  expect(cart).toMatchObject({ agreed: 0, driftedCount: 0 });
  const { rows } = await sql.query(`select from pg_replication_slots where slot_name ~ '^diptych_verify'`);
  expect(rows).toEqual([]);
  out = '';
  await printVerifiedTables(report);
  expect(out).toContain('status: meant placed, stored lost');
  await running.stop();
});
