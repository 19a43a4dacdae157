/** Proves that a broker whose disk is full – it halts – costs nothing but time: the relay keeps within its bound and loses nothing, and all arrives once there is room. */
import { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { testDatabase } from '@diptych/testkit/for-tests';
import { type KafkaCluster, startKafkaCluster } from '@diptych/testkit/kafka-cluster';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CountingLoad, expectCountedOnce } from './counting-load-for-tests.ts';
import { SmallDisk } from './small-disk-for-tests.ts';

const mebibyte = 1024 * 1024;

let disk: SmallDisk;
let cluster: KafkaCluster;
beforeAll(async () => {
  disk = await SmallDisk.create({ bytes: 12 * mebibyte });
  cluster = await startKafkaCluster({
    brokers: 1,
    dataDirectory: () => disk.directory,
    through: disk.through,
    // The indexes of a partition are made in full size at once: 10 MiB each would fill the disk with nothing in it.
    settings: { 'log.index.size.max.bytes': 4096, 'offsets.topic.num.partitions': 1 },
  });
}, 120_000);
afterAll(async () => {
  await cluster?.stop();
  await disk?.remove();
});

let relay: RelayUnderTest;
afterEach(() => relay?.close());

/** Some twenty fill the disk; the limit of a file's size needs a few more. */
const rowBytes = 500_000;
const rowsMax = 100;

test('a broker that halts because its disk is full costs nothing but time', {
  timeout: 180_000,
}, async () => {
  const batchBytesMax = mebibyte;
  const queueBytesMax = 4 * mebibyte;
  relay = await RelayUnderTest.create(
    {
      DIPTYCH_LIMITS_BATCH_BYTES_MAX: String(batchBytesMax),
      DIPTYCH_LIMITS_QUEUE_BYTES_MAX: String(queueBytesMax),
    },
    { database: testDatabase, brokers: cluster.brokers },
  );
  await relay.sql.query('create table ballast (id int primary key, filling text)');
  await relay.initialise();
  const running = relay.start();
  await relay.active(running);
  const load = await CountingLoad.start(relay);
  const broker = cluster.node(1);
  let ballast = 0;
  while (ballast < rowsMax && broker.pid !== undefined) {
    ballast += 1;
    await relay.sql.query(`insert into ballast values ($1::int, repeat(md5(($1::int)::text), $2::int))`, [
      ballast,
      rowBytes / 32,
    ]);
  }
  await poll(() => (broker.pid === undefined ? true : undefined), {
    what: 'the broker halts',
    timeoutMs: 60_000,
  });
  const reason = await cluster.log(1);
  expect(reason).toMatch(/No space left on device|File too large|a fault occurred in.*memory access/);
  const answered = load.answered;
  await poll(() => (running.board.lastError && load.answered > answered + 20 ? true : undefined), {
    what: 'the relay notices, and the database goes on',
    timeoutMs: 60_000,
  });
  await load.stop();
  await disk.enlarge({ bytes: 1024 * mebibyte });
  await broker.start();
  await relay.caughtUp({ timeoutMs: 90_000 });
  await running.stop();
  await expectCountedOnce(relay, { otherTransactions: ballast });
  const records = await relay.records(relay.topicOf('ballast'));
  const ids = records.map(({ key }) => Number(JSON.parse(String(key)).id));
  expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: ballast }, (_, index) => index + 1));
});
