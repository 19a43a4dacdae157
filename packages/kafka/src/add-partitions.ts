/**
 * AddPartitionsToTxn, whose answer has a word for each partition. Right after a commit all of them say that the transaction
 * before is not ended yet, once or several times for each batch, and the client makes an error of each, its stack included: with
 * hundreds of partitions that was a tenth of what a relay took. Here the request is written once for all attempts, and of an answer
 * each code is said once. https://kafka.apache.org/43/design/protocol/#protocol_messages
 */
import type * as Kafka from '@platformatic/kafka';
import { AnswerBody } from './answer-body.ts';
import { type PartitionName, writeByTopic } from './by-topic.ts';
import { ResponseError, requests } from './client-floors.ts';
import { RequestBody } from './request-body.ts';

const { addPartitionsToTxnV3, createAPI } = requests;

/** It stands for all partitions of an answer: none of them was looked at. */
const concurrentTransactions = 51;

/** From version 4 on it is among brokers, and wants ClusterAction. */
export const addPartitionsApi = createAPI<[RequestBody], void>(
  addPartitionsToTxnV3.api.key,
  addPartitionsToTxnV3.api.version,
  (body) => body.toWriter(),
  parseResponse,
);

export interface Adding {
  readonly transactionalId: string;
  readonly producer: { readonly id: bigint; readonly epoch: number };
  /** Those of a topic stand together. */
  readonly partitions: readonly PartitionName[];
}

/** AddPartitionsToTxnRequest, version 3. */
export function addPartitionsRequest({ transactionalId, producer, partitions }: Adding): RequestBody {
  const body = new RequestBody();
  body.text(transactionalId);
  body.int64(producer.id);
  body.int16(producer.epoch);
  writeByTopic(body, partitions, ({ partition }) => body.int32(partition));
  body.end();
  return body;
}

/** Throws the client's ResponseError: of each code the first place that has it. For the test. */
export function parseResponse(_: number, apiKey: number, apiVersion: number, reader: Kafka.Reader): void {
  const seen = new Set<number>();
  const errors: Record<string, [number, null]> = {};
  const body = new AnswerBody(reader);
  body.int32(); // throttle_time_ms
  for (let topics = body.elements(); topics > 0; topics -= 1) {
    const name = body.text();
    for (let partitions = body.elements(); partitions > 0; partitions -= 1) {
      const index = body.int32();
      const code = body.int16();
      body.end();
      if (code === 0 || seen.has(code)) continue;
      seen.add(code);
      errors[`${name}/${index}`] = [code, null];
      if (code === concurrentTransactions) throw new ResponseError(apiKey, apiVersion, errors, {});
    }
    body.end();
  }
  if (seen.size > 0) throw new ResponseError(apiKey, apiVersion, errors, {});
}
