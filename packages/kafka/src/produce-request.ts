/**
 * Produce: the request without its batches, which the socket is given from where they stand, and of the answer what we ask of it.
 * The client makes an object with three bigints of each partition's answer, which are hundreds where tables are many.
 * https://kafka.apache.org/43/design/protocol/#protocol_messages
 */
import type * as Kafka from '@platformatic/kafka';
import { requests } from './client-floors.ts';
import type { GatheringSocket, LongPart } from './gathered-request.ts';
import { RequestBody } from './request-body.ts';

const { createAPI, ProduceAcks, produceV9, produceV10, produceV11 } = requests;

/** A record batch on its way to its partition. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
}

export interface ProduceRequest {
  readonly transactionalId: string | null;
  /** How long the leader waits for its replicas. */
  readonly timeoutMs: number;
  readonly batches: readonly PartitionBatch[];
  /** That the request is written to. */
  readonly socket: GatheringSocket;
}

/** What the leader says of a batch: 0, or why it is not taken. */
export interface PartitionAnswer {
  readonly code: number;
  readonly message: string | null;
}

/** By topic and partition. */
export type ProduceAnswer = ReadonlyMap<string, readonly (PartitionAnswer | undefined)[]>;

const taken: PartitionAnswer = { code: 0, message: null };

/** base_offset, log_append_time_ms, log_start_offset */
const placeBytes = 24;

/** Newest first. Requests and answers are the same in 9 to 11 (Kafka 2.4 and newer) but for fields with tags. */
export const produceApis = [produceV11, produceV10, produceV9].map(({ api }) =>
  createAPI<[ProduceRequest], ProduceAnswer>(api.key, api.version, writeRequest, readAnswer),
);

/** ProduceRequest, version 9 to 11, without its batches. */
function writeRequest({ transactionalId, timeoutMs, batches, socket }: ProduceRequest): Kafka.Writer {
  const parts: LongPart[] = [];
  const body = new RequestBody();
  body.text(transactionalId);
  body.int16(ProduceAcks.ALL);
  body.int32(timeoutMs);
  const topics = byTopic(batches);
  body.elements(topics.size);
  for (const [name, ofTopic] of topics) {
    body.text(name);
    body.elements(ofTopic.length);
    for (const { partition, bytes } of ofTopic) {
      body.int32(partition);
      // COMPACT_RECORDS: their length and one, and they themselves.
      body.unsignedVarint(bytes.length + 1);
      parts.push({ at: body.length, bytes });
      body.end();
    }
    body.end();
  }
  body.end();
  const request = body.toWriter();
  socket.awaits(request.buffer, parts);
  return request;
}

/** ProduceResponse, version 9 to 11. For the test. */
export function readAnswer(
  _correlation: number,
  _apiKey: number,
  _apiVersion: number,
  reader: Kafka.Reader,
): ProduceAnswer {
  const answer = new Map<string, (PartitionAnswer | undefined)[]>();
  reader.readArray((topic) => {
    const partitions: (PartitionAnswer | undefined)[] = [];
    answer.set(topic.readString(), partitions);
    topic.readArray((partition) => {
      const index = partition.readInt32();
      partitions[index] = readPartition(partition);
    });
  });
  reader.readInt32(); // throttle_time_ms
  reader.readTaggedFields();
  return answer;
}

function readPartition(reader: Kafka.Reader): PartitionAnswer {
  const code = reader.readInt16();
  reader.position += placeBytes;
  // record_errors: which record of the batch, and why; `message` says it of the batch.
  reader.readArray((error) => {
    error.readInt32();
    error.readNullableString();
  });
  const message = reader.readNullableString();
  return code === 0 ? taken : { code, message };
}

/** In the order of each topic's first. */
export function byTopic(batches: readonly PartitionBatch[]): Map<string, PartitionBatch[]> {
  return Map.groupBy(batches, ({ topic }) => topic);
}
