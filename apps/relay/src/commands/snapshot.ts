/** `diptych snapshot`: asks the relay that holds the slot to read tables, and to pause, go on, or stop. */
import { randomUUID } from 'node:crypto';
import { appendRecord } from '@diptych/kafka/append-record';
import { unreachable } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type { Configuration } from '../configuration.ts';
import { type SnapshotCommand, SnapshotTopic, type SnapshotWord } from '../snapshot/snapshot-topic.ts';

export interface SnapshotRequest {
  readonly configuration: Configuration;
  readonly command: SnapshotCommand['command'];
  readonly tables: readonly string[];
  readonly where: string | null;
  /** How long to wait for the relay's answer, in ms. */
  readonly timeoutMs: number;
  /** The word as one line of JSON. */
  readonly json?: boolean;
  readonly out: NodeJS.WritableStream;
}

/**
 * Appends the command to the snapshot topic, waits for the word of the relay, and prints it. Throws OperatingError:
 * `snapshot-refused` with the relay's reason, `snapshot-command-unanswered` when no relay has answered in time.
 */
export async function askSnapshot({
  configuration,
  command,
  tables,
  where,
  timeoutMs,
  json = false,
  out,
}: SnapshotRequest): Promise<SnapshotWord> {
  const topic = new SnapshotTopic(configuration);
  const { nextOffset } = await topic.read();
  const request = randomUUID();
  const asked = topic.encodeCommand({ request, command, tables: [...tables], where });
  await appendRecord(configuration.kafka.brokers, asked);
  for await (const item of topic.follow(nextOffset, AbortSignal.timeout(timeoutMs))) {
    if (item.tag !== 'word' || item.word.request !== request) continue;
    if (item.word.status === 'refused') {
      throw new OperatingError('snapshot-refused', item.word.reason ?? 'the relay refused it', {
        remedy: item.word.remedy ?? 'The relay’s log says more.',
      });
    }
    out.write(`${json ? JSON.stringify(item.word) : describe(item.word)}\n`);
    return item.word;
  }
  throw new OperatingError(
    'snapshot-command-unanswered',
    `no relay has answered within ${timeoutMs / 1000} s`,
    {
      remedy:
        'It is kept: the relay that holds the slot executes it as soon as it runs. `diptych snapshot status` tells.',
    },
  );
}

function describe({ status, id, tables }: SnapshotWord): string {
  switch (status) {
    case 'started':
      return `snapshot ${id} has begun: ${tables.join(', ')}`;
    case 'paused':
      return 'paused; `diptych snapshot resume` goes on';
    case 'resumed':
      return 'goes on';
    case 'stopped':
      return `stopped: ${tables.join(', ')}`;
    case 'refused':
    case 'completed':
    case 'table-completed':
    case 'table-failed':
    case 'table-restarted':
      return `${status} ${tables.join(', ')}`;
    default:
      return unreachable(status);
  }
}
