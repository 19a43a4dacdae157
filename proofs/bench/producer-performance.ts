/**
 * Kafka's own producer, that writes records out of nothing: what the broker takes. As many as ours, of their mean size.
 * https://github.com/apache/kafka/blob/4.3.1/tools/src/main/java/org/apache/kafka/tools/ProducerPerformance.java
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureTopics, eventTopicSpec } from '@diptych/kafka/topics';
import { present } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { findJava } from '@diptych/testkit/java';
import { kafkaHome } from '@diptych/testkit/kafka-installation';
import { installedJars } from '@diptych/testkit/maven';
import { Server } from '@diptych/testkit/server';
import type { Competitor, Counted, Entry, Ground } from './competitor.ts';
import { Destination } from './destination.ts';

/** Batches as large as Debezium's; its heap too. Idempotence is the producer's default, said all the same. */
const producer = {
  acks: 'all',
  'enable.idempotence': 'true',
  'compression.type': 'none',
  'linger.ms': '10',
  'batch.size': '524288',
  'buffer.memory': '67108864',
};
const jvmArguments = ['-Xms64m', '-Xmx512m'];
const startTimeoutMs = 60_000;

export const producerPerformance: Competitor = {
  name: 'ProducerPerformance',
  prepare: async (ground, id) => {
    await ensureTopics({ brokers: ground.brokers, specs: [eventTopicSpec(id)] });
    return entry(ground, id);
  },
};

function entry(ground: Ground, id: string): Entry {
  let server: Server | null = null;
  return {
    slots: [],
    start: async ({ ours }) => {
      const { records, bytes } = present(ours, 'a drain of ours before it');
      const seen = await Destination.of(ground.brokers, [id]);
      const started = await start(ground, { topic: id, records, bytes });
      server = started;
      return {
        pids: [present(started.pid, 'a producer')],
        eventTopic: null,
        hasBegun: async () => (await seen.stable()) > 0,
        hasAll: async () => {
          const hasEnded = started.pid === undefined;
          const isThere = (await seen.stable()) >= records;
          if (hasEnded && !isThere) throw new Error('ProducerPerformance ended early: its log says why');
          return isThere;
        },
        count: () => seen.count(),
        owed: () => records,
      };
    },
    stop: async () => {
      await server?.kill();
      server = null;
    },
  };
}

async function start(
  ground: Ground,
  { topic, records, bytes }: Counted & { topic: string },
): Promise<Server> {
  const { brokers, watchdog, signal } = ground;
  const java = await findJava();
  const jars = await installedJars(kafkaHome());
  if (java.tag === 'missing' || !jars)
    throw new OperatingError('prerequisite-missing', 'ProducerPerformance cannot be run', {
      remedy: 'apt-get install openjdk-17-jre-headless',
    });
  const directory = join(ground.directory, topic);
  await mkdir(directory, { recursive: true });
  // One text from a file: otherwise it draws each byte of each record at random, which takes longer than to send it.
  const payload = join(directory, 'payload');
  await writeFile(payload, 'x'.repeat(Math.round(bytes / records)));
  const properties = Object.entries(producer).map(([name, value]) => `${name}=${value}`);
  const server = new Server({
    name: 'ProducerPerformance',
    command: java.command,
    args: [
      ...jvmArguments,
      ...['-cp', jars.join(':'), 'org.apache.kafka.tools.ProducerPerformance'],
      ...['--bootstrap-server', brokers.join(','), '--topic', topic],
      ...['--num-records', String(records), '--throughput', '-1', '--payload-file', payload],
      ...['--command-property', ...properties],
    ],
    directory,
    logFile: join(directory, 'producer.log'),
    signals: { orderly: 'SIGTERM', immediate: 'SIGKILL' },
    ready: async () => true,
    startTimeoutMs,
    watchdog,
    signal,
  });
  await server.start();
  return server;
}
