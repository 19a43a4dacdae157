/**
 * AddPartitionsToTxn, whose answer has a word for each partition. Right after a commit all of them say that the transaction
 * before is not ended yet, and the client makes an error of each, its stack included: with hundreds of partitions that was a tenth
 * of what a relay took. Here each code is said once. https://kafka.apache.org/43/design/protocol/#protocol_messages
 */
import type * as Kafka from '@platformatic/kafka';
import { ResponseError, requests } from './client-floors.ts';

const { addPartitionsToTxnV3, createAPI } = requests;

type Asked = [readonly Kafka.addPartitionsToTxnV3.AddPartitionsToTxnRequestTransaction[]];

/** From version 4 on it is among brokers, and wants ClusterAction. */
export const addPartitionsApi = createAPI<Asked, void>(
  addPartitionsToTxnV3.api.key,
  addPartitionsToTxnV3.api.version,
  (transactions) => addPartitionsToTxnV3.createRequest([...transactions]),
  parseResponse,
);

/** Throws the client's ResponseError: of each code the first place that has it. For the test. */
export function parseResponse(_: number, apiKey: number, apiVersion: number, reader: Kafka.Reader): void {
  const seen = new Set<number>();
  const errors: Record<string, [number, null]> = {};
  reader.readInt32(); // throttle_time_ms
  reader.readArray(
    (topic) => {
      const name = topic.readString();
      topic.readArray(
        (partition) => {
          const index = partition.readInt32();
          const code = partition.readInt16();
          partition.readTaggedFields();
          if (code === 0 || seen.has(code)) return;
          seen.add(code);
          errors[`${name}/${index}`] = [code, null];
        },
        true,
        false,
      );
      topic.readTaggedFields();
    },
    true,
    false,
  );
  reader.readTaggedFields();
  if (seen.size > 0) throw new ResponseError(apiKey, apiVersion, errors, {});
}
