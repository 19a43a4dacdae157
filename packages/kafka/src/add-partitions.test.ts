import { expect, test } from 'vitest';
import { parseResponse } from './add-partitions.ts';
import { errorCodes } from './classify.ts';
import { ResponseError, Writer } from './client-floors.ts';
import { protocol } from './client-modules.ts';

const concurrentTransactions = 51;
const topicAuthorizationFailed = 29;

/** An answer of six partitions of each topic. */
function answer(codeOf: (topic: number, partition: number) => number, topics = 64) {
  const six = [0, 1, 2, 3, 4, 5];
  const writer = Writer.create()
    .appendInt32(0)
    .appendArray([...Array(topics).keys()], (ofTopics, topic) => {
      ofTopics.appendString(`topic ${topic}`).appendArray(six, (ofPartitions, partition) => {
        ofPartitions.appendInt32(partition).appendInt16(codeOf(topic, partition));
      });
    })
    .appendTaggedFields();
  return protocol.Reader.from(writer.buffer);
}

test('an answer without a code is none', () => {
  expect(
    parseResponse(
      1,
      24,
      3,
      answer(() => 0),
    ),
  ).toBeUndefined();
});

test('each code of an answer is said once, whatever number of partitions have it', () => {
  const codes = (topic: number, partition: number) =>
    topic === 40 && partition === 5 ? topicAuthorizationFailed : concurrentTransactions;
  let thrown: unknown;
  try {
    parseResponse(1, 24, 3, answer(codes));
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ResponseError);
  expect((thrown as InstanceType<typeof ResponseError>).errors).toHaveLength(2);
  const said = errorCodes(thrown);
  expect(said).toContain('CONCURRENT_TRANSACTIONS');
  expect(said).toContain('TOPIC_AUTHORIZATION_FAILED');
});
