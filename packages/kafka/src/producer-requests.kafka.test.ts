import { poll } from '@diptych/runtime/poll';
import { testBrokers, testPrefix } from '@diptych/testkit/for-tests';
import { expect, test } from 'vitest';
import { batchOverheadBytes, type Place, recordBytes, runOf } from './packing.ts';
import { ProducerRequests } from './producer-requests.ts';
import type { OutgoingRecord } from './record.ts';
import { ensureTopics } from './topics.ts';

test('an attempt that is under way when the publisher is closed reads no record any more: they may be others by then', async () => {
  const topic = testPrefix();
  const brokers = testBrokers();
  await ensureTopics({ brokers, specs: [{ name: topic, partitions: 1, config: {} }] });
  const requests = new ProducerRequests({
    ...{
      brokers,
      clientId: 'under test',
      requestTimeoutMs: 10_000,
      transactionalId: null,
      timeoutMs: 10_000,
    },
  });
  const producer = await poll(() => requests.identify().catch(() => undefined), {
    ...{ what: 'a young broker gives identities', timeoutMs: 30_000 },
  });
  let reads = 0;
  const record: OutgoingRecord = {
    ...{ topic, key: null, headers: [], timestampMs: 1 },
    get value() {
      reads += 1;
      return Buffer.from('v');
    },
  };
  const place: Place = {
    topic,
    partition: 0,
    bytes: batchOverheadBytes + recordBytes(record),
    ...runOf([record]),
  };
  const produce = (sequence: number) =>
    requests.produce({ places: [place], producer, sequenceOf: () => sequence });
  expect(await produce(0)).toEqual([]);
  expect(reads).toBeGreaterThan(0);
  reads = 0;

  const producing = produce(1);
  const closing = requests.close();
  const untaken = await producing;

  expect(untaken.map((one) => one.place)).toEqual([place]);
  expect(reads).toBe(0);
  await closing;
});
