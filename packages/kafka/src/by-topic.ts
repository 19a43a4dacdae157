import type { RequestBody } from './request-body.ts';

export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
}

/**
 * A COMPACT_ARRAY of topics, each with its name, a COMPACT_ARRAY of its partitions, and no fields with tags: so they stand in each
 * request about partitions. Those of a topic stand together in the list, else the broker sees it twice. What is said of a partition
 * is for `write` to say. https://kafka.apache.org/43/design/protocol/#protocol_types
 */
export function writeByTopic<P extends PartitionName>(
  body: RequestBody,
  partitions: readonly P[],
  write: (partition: P) => void,
): void {
  let topics = 0;
  for (let at = 0; at < partitions.length; at = endOfTopic(partitions, at)) topics += 1;
  body.elements(topics);
  for (let at = 0; at < partitions.length; ) {
    const end = endOfTopic(partitions, at);
    body.text(partitions[at]?.topic ?? null);
    body.elements(end - at);
    for (; at < end; at += 1) write(partitions[at] as P);
    body.end();
  }
}

/** Where the partitions of the topic end that is at `from`. */
function endOfTopic(partitions: readonly PartitionName[], from: number): number {
  const topic = partitions[from]?.topic;
  let end = from + 1;
  while (end < partitions.length && partitions[end]?.topic === topic) end += 1;
  return end;
}
