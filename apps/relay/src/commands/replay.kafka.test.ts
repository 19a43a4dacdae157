/** Replaying with upcasters: the same history in the newest version, whole and once, however often it is ended. */
import { EventContract } from '@diptych/events/event-contract';
import { createPublisher } from '@diptych/kafka/create-publisher';
import { readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord } from '@diptych/kafka/record';
import { ensureTopics } from '@diptych/kafka/topics';
import { testBrokers, testPrefix } from '@diptych/testkit/for-tests';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { loadContracts, replay } from './replay.ts';

const contracts = {
  Noted: EventContract.first({
    since: '2026-01-01',
    payload: z.strictObject({ number: z.int() }),
    example: { number: 1 },
  }).next({
    since: '2026-02-01',
    payload: z.strictObject({ n: z.int() }),
    example: { n: 1 },
    upcast: ({ number }) => ({ n: number }),
  }),
};
type Written = readonly [key: string, version: number, value: string, type?: string];

let from: string;
let to: string;
beforeEach(async () => {
  from = `${testPrefix()}.history`;
  to = `${from}.newest`;
  await ensureTopics({ brokers: testBrokers(), specs: [{ name: from, partitions: 3, config: {} }] });
});

async function write(events: readonly Written[], topic = from): Promise<void> {
  const publisher = createPublisher('platformatic', {
    ...{ brokers: testBrokers(), clientId: 'test', transactionalId: from },
    ...{ transactionTimeoutMs: 30_000, requestTimeoutMs: 10_000 },
  });
  await publisher.fence();
  await publisher.publish(
    events.map(([key, version, value, type = 'Noted']) => ({
      ...{ topic, key: Buffer.from(key), value: Buffer.from(value), timestampMs: 1_795_246_912_669 },
      headers: [
        ['id', `${key}-${value}`],
        ['eventType', type],
        ['eventVersion', String(version)],
      ],
    })),
  );
  await publisher.close();
}

async function read(topic: string): Promise<IncomingRecord[]> {
  return await Array.fromAsync(readToEnd({ brokers: testBrokers(), topics: [topic] }));
}

const again = (given = contracts) => replay({ brokers: testBrokers(), from, to, contracts: given });
const shown = ({ key, value, headers, partition, timestampMs }: IncomingRecord) => ({
  ...{ key: String(key), value: String(value), partition, timestampMs, id: headers.get('id') },
  ...{ type: headers.get('eventType'), version: headers.get('eventVersion') },
});

test('older versions are upcast, all else is as it was: bytes, key, partition, order, id and time', async () => {
  await write([
    ['a', 1, '{"number": 1}'],
    ['b', 2, '{"n" :  2}'],
    ['a', 2, '{"n":3}'],
    ['c', 7, 'no JSON', 'Unheard'],
  ]);
  expect(await again()).toEqual({ events: 4, upcast: 1 });
  const before = (await read(from)).map(shown);
  const expected = before.map((one) =>
    one.value === '{"number": 1}' ? { ...one, value: '{"n":1}', version: '2' } : one,
  );
  expect((await read(to)).map(shown)).toEqual(expected);
});

test('called again it goes on behind what is there', async () => {
  await write([
    ['a', 1, '{"number":1}'],
    ['b', 1, '{"number":2}'],
  ]);
  await again();
  await write([['a', 1, '{"number":3}']]);
  expect(await again()).toEqual({ events: 1, upcast: 1 });
  expect(await again()).toEqual({ events: 0, upcast: 0 });
  expect((await read(to)).map(({ value }) => String(value)).toSorted()).toEqual([
    '{"n":1}',
    '{"n":2}',
    '{"n":3}',
  ]);
});

test('what cannot be read is refused with its place, and what came before is gone on with', async () => {
  await write([['a', 1, '{"number":1}']]);
  await write([['a', 9, '{"n":2}']]);
  await expect(again()).rejects.toMatchObject({
    code: 'contract-unknown-version',
    message: expect.stringContaining(`${from}/`),
  });
});

test('a topic with records of somebody else, or with other partitions, is not written to', async () => {
  await write([['a', 1, '{"number":1}']]);
  await ensureTopics({ brokers: testBrokers(), specs: [{ name: to, partitions: 3, config: {} }] });
  await write([['a', 1, '{"number":1}']], to);
  await expect(again()).rejects.toMatchObject({ code: 'configuration-invalid' });
  to = `${to}.other`;
  await ensureTopics({ brokers: testBrokers(), specs: [{ name: to, partitions: 2, config: {} }] });
  await expect(again()).rejects.toMatchObject({ code: 'configuration-invalid' });
});

test('contracts are loaded by module and name', async () => {
  const module = 'packages/contracts/src/cart-events.ts';
  expect(Object.keys(await loadContracts(`${module}#cartContract`))).toContain('CartOpened');
  for (const reference of [module, `${module}#cartEventSchemas`, './nowhere.ts#x']) {
    await expect(loadContracts(reference)).rejects.toMatchObject({ code: 'configuration-invalid' });
  }
});
