/** Which databases the relays of a prefix read, by their checkpoints: the engine must not write into one of them. */

import { decodeCheckpoint } from '@diptych/kafka/checkpoint';
import { classify } from '@diptych/kafka/classify';
import { FetchClient } from '@diptych/kafka/fetch-client';
import { readToEnd } from '@diptych/kafka/partition-reader';
import type { Brokers } from '@diptych/runtime/kafka-access';

/** The topic is compacted, and its last records name the database as the first did. */
const recordsPerTopic = 10n;

/** Throws OperatingError: `kafka-unreachable`, `kafka-refused`, `checkpoint-unreadable`. */
export async function capturedDatabases({
  brokers,
  prefix,
}: {
  brokers: Brokers;
  prefix: string;
}): Promise<{ readonly systemId: string; readonly database: string }[]> {
  const client = new FetchClient({ brokers, requestTimeoutMs: 10_000 });
  const topics = await topicsOf(client);
  const checkpoints = [...topics.keys()].filter((topic) => topic.startsWith(`${prefix}.checkpoint.`));
  if (checkpoints.length === 0) return [];
  const found: { systemId: string; database: string }[] = [];
  for await (const { value } of readToEnd({
    brokers,
    topics: checkpoints,
    from: { last: recordsPerTopic },
  })) {
    if (value === null) continue;
    const { systemId, database } = decodeCheckpoint(value);
    found.push({ systemId, database });
  }
  return found;
}

async function topicsOf(client: FetchClient): ReturnType<FetchClient['topics']> {
  try {
    return await client.topics('all');
  } catch (error) {
    throw classify(error, 'asking');
  } finally {
    await client.close();
  }
}
