/**
 * Produce: its batches are written straight into the request, and of the answer we ask what is not taken. The client makes an object
 * with three bigints of each partition's answer, which are hundreds where tables are many; an object for each batch, which lives
 * until the answer, was as much again.
 * https://kafka.apache.org/43/design/protocol/#protocol_messages
 */
import type * as Kafka from '@platformatic/kafka';
import { AnswerBody } from './answer-body.ts';
import { type PartitionName, writeByTopic } from './by-topic.ts';
import { requests } from './client-floors.ts';
import type { GatheringSocket } from './gathered-request.ts';
import type { Place } from './packing.ts';
import type { BatchHead, RecordBatchWriter } from './record-batch.ts';
import { putUnsignedVarint } from './record-fields.ts';
import { RequestBody } from './request-body.ts';

const { createAPI, ProduceAcks, produceV9, produceV10, produceV11 } = requests;

export interface ProduceRequest {
  readonly transactionalId: string | null;
  /** How long the leader waits for its replicas. */
  readonly timeoutMs: number;
  /** As `writeBatches` wrote them. They stay as they are until the answer. */
  readonly batches: Buffer;
  /** That the request is written to. */
  readonly socket: GatheringSocket;
}

/** A batch that is not taken, and why. */
export interface RefusedBatch extends PartitionName {
  readonly code: number;
  readonly message: string | null;
}

/** What the leader says. */
export interface ProduceAnswer {
  /** So many batches are there. */
  readonly taken: number;
  readonly refused: readonly RefusedBatch[];
}

/** Before a batch: its partition and its length; behind it: no fields with tags. */
const aroundBatchBytes = 4 + 5 + 1;
/** Before those of a topic: its name in UTF-8, of so many bytes at most for each of its units; its length, theirs. */
const nameUnitBytes = 3;
const aroundTopicBytes = 5 + 5 + 1;
const varintSteps = [2 ** 7, 2 ** 14, 2 ** 21, 2 ** 28];

/** base_offset, log_append_time_ms, log_start_offset */
const placeBytes = 24;

/** Newest first. Requests and answers are the same in 9 to 11 (Kafka 2.4 and newer) but for fields with tags. */
export const produceApis = [produceV11, produceV10, produceV9].map(({ api }) =>
  createAPI<[ProduceRequest], ProduceAnswer>(api.key, api.version, writeRequest, readAnswer),
);

/** What the batches of these places take in a request, at most. */
export function batchesBytesMax(places: readonly Place[]): number {
  let bytes = aroundTopicBytes;
  for (const place of places)
    bytes += place.bytes + aroundBatchBytes + aroundTopicBytes + nameUnitBytes * place.topic.length;
  return bytes;
}

/** Of a ProduceRequest, version 9 to 11, all from its topics on, each batch with the head that it is said to have. */
export function writeBatches(
  body: RequestBody,
  {
    places,
    writer,
    headOf,
  }: { places: readonly Place[]; writer: RecordBatchWriter; headOf: (place: Place) => BatchHead },
): void {
  writeByTopic(body, places, (place) => {
    body.int32(place.partition);
    // COMPACT_RECORDS: their length and one, and they themselves. How long they are, is known when they are written.
    const lengthAt = body.length;
    const guess = unsignedVarintBytes(place.bytes + 1);
    body.room(lengthAt, guess);
    body.written(lengthAt + guess);
    writer.write(body, place, headOf(place));
    const length = body.length - lengthAt - guess;
    const needed = unsignedVarintBytes(length + 1);
    const bytes = body.room(body.length, 0);
    if (needed !== guess) bytes.copyWithin(lengthAt + needed, lengthAt + guess, body.length);
    putUnsignedVarint(bytes, lengthAt, length + 1);
    body.written(lengthAt + needed + length);
    body.end();
  });
  body.end();
}

const unsignedVarintBytes = (value: number): number => {
  const above = varintSteps.findIndex((step) => value < step);
  return above === -1 ? varintSteps.length + 1 : above + 1;
};

/** The client is given what stands before the batches. */
function writeRequest({ transactionalId, timeoutMs, batches, socket }: ProduceRequest): Kafka.Writer {
  const body = new RequestBody();
  body.text(transactionalId);
  body.int16(ProduceAcks.ALL);
  body.int32(timeoutMs);
  const request = body.toWriter();
  socket.awaits(request.buffer, [{ at: body.length, bytes: batches }]);
  return request;
}

/** ProduceResponse, version 9 to 11. For the test. */
export function readAnswer(
  _correlation: number,
  _apiKey: number,
  _apiVersion: number,
  reader: Kafka.Reader,
): ProduceAnswer {
  const body = new AnswerBody(reader);
  let taken = 0;
  const refused: RefusedBatch[] = [];
  for (let topics = body.elements(); topics > 0; topics -= 1) {
    const topic = body.text() ?? '';
    for (let partitions = body.elements(); partitions > 0; partitions -= 1) {
      const partition = body.int32();
      const code = body.int16();
      body.leave(placeBytes);
      const message = readMessage(body);
      if (code === 0) taken += 1;
      else refused.push({ topic, partition, code, message });
    }
    body.end();
  }
  return { taken, refused };
}

/** What is said of a batch, and behind it its fields with tags. Of its single records the same is said before. */
function readMessage(body: AnswerBody): string | null {
  for (let records = body.elements(); records > 0; records -= 1) {
    body.int32();
    body.text();
    body.end();
  }
  const message = body.text();
  body.end();
  return message;
}
