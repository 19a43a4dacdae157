/** Partitions that somebody adds to a topic are said and left empty: nothing has to stop for them. */
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { OperatingError } from '@diptych/runtime/failure';
import type { PartitionChange } from './partition-agreement.ts';
import type { SessionContext } from './session-context.ts';

/**
 * Keys go on being placed as the checkpoint says, unless the operator accepted the partitions that there are now. Answers
 * whether that changed anything. Throws OperatingError: `partitions-changed`, `kafka-unreachable`, `kafka-refused`.
 */
export async function resumePartitions(
  context: SessionContext,
  { partitions }: Pick<Checkpoint, 'partitions'>,
): Promise<boolean> {
  const { destination, acceptPartitions, log } = context;
  destination.resumePartitions(partitions);
  const accepted = acceptPartitions ? await destination.acceptPartitions() : [];
  for (const change of accepted) log.warn(change, 'placing keys in other partitions, as asked');
  await tellUnused(context, []);
  return accepted.length > 0;
}

/**
 * Asks Kafka again, and tells what is new since then; brokers that do not answer are the publisher's matter. Throws
 * OperatingError: `partitions-changed`, `kafka-refused`.
 */
export async function watchPartitions(context: SessionContext): Promise<void> {
  try {
    await tellUnused(context, context.board.partitionsUnused);
  } catch (error) {
    if (!(error instanceof OperatingError) || error.code !== 'kafka-unreachable') throw error;
  }
}

async function tellUnused(
  { board, destination, log }: SessionContext,
  told: readonly PartitionChange[],
): Promise<void> {
  board.partitionsUnused = await destination.comparePartitions();
  for (const change of board.partitionsUnused) {
    if (told.some(({ topic, found }) => topic === change.topic && found === change.found)) continue;
    log.warn(change, 'a topic has got partitions that stay empty until `diptych run --accept-partitions`');
  }
}
