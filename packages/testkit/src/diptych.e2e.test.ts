/** The kit as its users have it: a service that writes rows and events, both panels, faults. */
import { append } from '@diptych/outbox/append';
import { outboxTables } from '@diptych/outbox/tables';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crashPoints } from './crash-points.ts';
import { startDiptych } from './diptych.ts';
import type { DiptychStack } from './diptych-stack.ts';
import './vitest-matchers.ts';

const orders = `create table orders (id int primary key, status text not null, total numeric(10, 2) not null);`;

const standardSchema = <Payload>() => ({
  '~standard': {
    validate: (value: unknown) => ({ value: value as Payload }),
    types: { input: {} as Payload, output: {} as Payload },
  },
});
const contract = {
  OrderPlaced: { typeversion: 1, schema: standardSchema<{ orderId: number; total: string }>() },
  OrderPaid: { typeversion: 1, schema: standardSchema<{ orderId: number }>() },
} as const;

const order = (id: number) => ({ aggregate: { type: 'order', id: String(id) }, contract });

async function place(tx: Client, id: number) {
  await tx.query('insert into orders values ($1, $2, $3)', [id, 'placed', '9.90']);
  await append(tx, {
    ...order(id),
    events: { type: 'OrderPlaced', payload: { orderId: id, total: '9.90' } },
  });
}

async function pay(tx: Client, id: number) {
  await tx.query('update orders set status = $2 where id = $1', [id, 'paid']);
  await append(tx, { ...order(id), events: { type: 'OrderPaid', payload: { orderId: id } } });
}

const late = { code: 'commit-not-published' };

let stack: DiptychStack;
beforeAll(async () => {
  stack = await startDiptych({ migrations: { sql: `${outboxTables}${orders}` } });
  // The first to use a broker waits until it has made its own topics.
}, 240_000);
afterAll(() => stack.close());

test('what was committed before a read is in it: typed events, changes, and both as one transaction', async () => {
  const { token } = await stack.transaction((tx) => place(tx, 1));
  await stack.passed(token);
  await stack.transaction((tx) => pay(tx, 1));
  const events = await stack.domainEvents({ aggregate: 'order', contract });
  expect(events.map(({ type, key }) => [type, key])).toEqual([
    ['OrderPlaced', '1'],
    ['OrderPaid', '1'],
  ]);
  expect(events.map((event) => (event.type === 'OrderPlaced' ? event.payload.total : null))).toEqual([
    '9.90',
    null,
  ]);
  const changes = await stack.changeEvents<{ id: number; status: string }>('orders');
  expect(changes.map(({ op, after }) => [op, after?.status])).toEqual([
    ['c', 'placed'],
    ['u', 'paid'],
  ]);
  const pairs = await stack.transactions();
  expect(pairs.map(({ domainEvents, changes }) => [domainEvents.length, changes.length])).toEqual([
    [1, 1],
    [1, 1],
  ]);
  await expect(stack).toHaveEmitted({ type: 'OrderPlaced', payload: { orderId: 1 } }, { times: 1 });
  await expect(stack).not.toHaveEmitted({ type: 'OrderPlaced', aggregate: { type: 'order', id: '2' } });
  await expect(stack).toHaveChanged('orders', { op: 'u', after: { status: 'paid' } });
  await expect(stack).toBeInStep();
});

test('a matcher that fails shows both panels; a write without its event is out of step, and is named', async () => {
  const failing = async () => await expect(stack).toHaveEmitted('OrderShipped');
  await expect(failing()).rejects.toThrow(
    /OrderShipped.*found 0[\s\S]*OrderPlaced {2}order 1 .*│ orders {2}c {2}id=1/,
  );
  await stack.query(`update orders set status = 'lost' where id = 1`);
  const inStep = async () => await expect(stack).toBeInStep();
  await expect(inStep()).rejects.toThrow(
    /1 × without an event: public\.orders u[\s\S]*\(no event\).*│ orders {2}u/,
  );
});

test('a relay that is killed, cut off, held up or slow loses nothing; time runs out with the position reached', async () => {
  await stack.faults.kill('relay');
  const { token } = await stack.transaction((tx) => place(tx, 2));
  await expect(stack.passed(token, { timeoutMs: 300 })).rejects.toMatchObject(late);
  await stack.faults.start('relay');
  await stack.passed(token);
  stack.faults.cut('postgres');
  stack.faults.slow('kafka', 20);
  await stack.transaction((tx) => pay(tx, 2));
  await expect(stack).toHaveEmitted(
    { type: 'OrderPaid', aggregate: { type: 'order', id: '2' } },
    { times: 1 },
  );
  stack.faults.hold('kafka');
  const held = await stack.transaction((tx) => place(tx, 3));
  await expect(stack.passed(held.token, { timeoutMs: 300 })).rejects.toMatchObject(late);
  await expect(stack.caughtUp({ timeoutMs: 300 })).rejects.toThrow(
    /everything up to .* is published; the relay/,
  );
  await stack.faults.heal();
  await stack.passed(held.token);
  await expect(stack.faults.restart('kafka')).rejects.toMatchObject({ code: 'prerequisite-missing' });
});

test('the relay dies between every two steps of a scenario: the server’s own word is what both panels hold, once', async () => {
  const report = await crashPoints(stack, {
    scenario: (run) => [
      { name: 'place', step: () => stack.transaction((tx) => place(tx, 100 + run)) },
      { name: 'pay', step: () => stack.transaction((tx) => pay(tx, 100 + run)) },
    ],
  });
  expect(report).toEqual({
    points: ['before place', 'between place and pay', 'after pay'],
    ...{ kills: 3, transactions: 6, events: 6, changes: 6, lost: [], repeated: 0, misplaced: 0 },
  });
  const { length } = await stack.query(
    `select from pg_replication_slots where database = current_database()`,
  );
  expect(length).toBe(1);
}, 240_000);
