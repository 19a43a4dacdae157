/** The process of latency-consumer.ts: takes the time of each answer of the broker, and when each event in it was written. */
import { cursorsOf } from '@diptych/kafka/cursor';
import { FetchClient } from '@diptych/kafka/fetch-client';
import { committedRecords } from '@diptych/kafka/read-committed';
import { present, unreachable } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import type { Question } from './latency-consumer.ts';
import { LatencyLog } from './latency-log.ts';

const requestTimeoutMs = 60_000;
/** The broker answers as soon as there is something. */
const maxWaitMs = 500;
const topicTimeoutMs = 60_000;

const [brokers = '', topic = '', eventsMax = '0'] = process.argv.slice(2);
const log = new LatencyLog(Number(eventsMax));

process.on('message', (question: Question) => {
  switch (question.tag) {
    case 'received':
      return process.send?.(log.received);
    case 'latencies':
      return process.send?.(log.latencies(question));
    default:
      return unreachable(question);
  }
});
process.once('disconnect', () => process.exit(1));

const client = new FetchClient({ brokers: brokers.split(','), requestTimeoutMs });
const location = await poll(async () => (await client.topics([topic])).get(topic), {
  ...{ what: `the topic ${topic}`, timeoutMs: topicTimeoutMs },
});
// One broker leads all of them: one request asks for all.
const cursors = cursorsOf(present(location, topic), () => 0n);
for (;;) {
  const fetched = await client.fetch(cursors, { maxWaitMs });
  const atUs = (performance.timeOrigin + performance.now()) * 1000;
  for (const { cursor, answer } of fetched) {
    const { records, nextOffset } = committedRecords(answer, cursor);
    for (const { value } of records) log.take(value, atUs);
    cursor.offset = nextOffset;
  }
}
