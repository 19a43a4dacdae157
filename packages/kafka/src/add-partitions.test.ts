import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addPartitionsRequest, parseResponse } from './add-partitions.ts';
import { errorCodes } from './classify.ts';
import { ResponseError, requests, Writer } from './client-floors.ts';
import { protocol } from './client-modules.ts';

const concurrentTransactions = 51;
const operationNotAttempted = 55;
const topicAuthorizationFailed = 29;

test('the request is the client’s own', () => {
  const place = fc.record({ topic: fc.string({ unit: 'grapheme', maxLength: 200 }), partition: fc.nat() });
  const all = fc.record({
    transactionalId: fc.string(),
    id: fc.bigInt({ min: -1n, max: 2n ** 63n - 1n }),
    epoch: fc.integer({ min: -1, max: 0x7fff }),
    places: fc.array(place, { maxLength: 400 }),
  });
  fc.assert(
    fc.property(all, ({ transactionalId, id, epoch, places }) => {
      const byTopic = Map.groupBy(places, ({ topic }) => topic);
      const partitions = [...byTopic.values()].flat();
      const request = addPartitionsRequest({ transactionalId, producer: { id, epoch }, partitions });
      const topics = [...byTopic].map(([name, ofTopic]) => ({
        name,
        partitions: ofTopic.map(({ partition }) => partition),
      }));
      const asked = { transactionalId, producerId: id, producerEpoch: epoch, verifyOnly: false, topics };
      const theirs = requests.addPartitionsToTxnV3.createRequest([asked]).buffer;
      expect(request.toWriter().buffer).toEqual(theirs);
      // An attempt more has the same.
      expect(request.toWriter().buffer).toEqual(theirs);
    }),
  );
});

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
    topic === 40 && partition === 5 ? topicAuthorizationFailed : operationNotAttempted;
  const thrown = thrownBy(codes);
  expect(thrown).toBeInstanceOf(ResponseError);
  expect((thrown as InstanceType<typeof ResponseError>).errors).toHaveLength(2);
  const said = errorCodes(thrown);
  expect(said).toContain('OPERATION_NOT_ATTEMPTED');
  expect(said).toContain('TOPIC_AUTHORIZATION_FAILED');
});

test('of a transaction before that is not ended yet the first word is enough', () => {
  const thrown = thrownBy(() => concurrentTransactions);
  expect(thrown).toBeInstanceOf(ResponseError);
  expect((thrown as InstanceType<typeof ResponseError>).errors).toHaveLength(1);
  expect(errorCodes(thrown)).toContain('CONCURRENT_TRANSACTIONS');
});

function thrownBy(codeOf: (topic: number, partition: number) => number): unknown {
  try {
    parseResponse(1, 24, 3, answer(codeOf));
  } catch (error) {
    return error;
  }
  return undefined;
}
