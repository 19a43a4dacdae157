/** Kafka is away within a session: the slot is kept, and what became of the batch in flight is found out when it is back. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import type { Publisher } from '@diptych/kafka/publisher';
import { OperatingError } from '@diptych/runtime/failure';
import { requireOwnSlot } from './own-slot.ts';
import type { SessionContext } from './session-context.ts';
import { sessionOver } from './session-outcome.ts';

const backOffMinMs = 100;

/** Whether Kafka may say later what it did not say now. One that has fenced us has said it. */
export const mayAnswerAgain = ({ code }: OperatingError): boolean =>
  code === 'publish-outcome-unknown' || code === 'kafka-unreachable';

export interface Recovered {
  /** Fenced. */
  readonly publisher: Publisher;
  /** What is committed now stays the last. */
  readonly checkpoint: Checkpoint;
}

/**
 * Tries until Kafka answers or the session is over: look, make sure that the slot is still ours, fence, read – what a session
 * begins with, without its stream. Throws OperatingError: `replication-ended`, `publish-outcome-unknown` when the checkpoint
 * is not of `expected`'s story or the session ended, and what cannot pass by itself.
 */
export async function recover(
  context: SessionContext,
  options: { backendPid: number | null; expected: Checkpoint; over: AbortSignal },
): Promise<Recovered> {
  const { backOffMaxMs } = context.configuration.timing;
  for (let backOffMs = backOffMinMs; ; backOffMs = Math.min(backOffMs * 2, backOffMaxMs)) {
    await sleep(backOffMs * (0.5 + Math.random()), undefined, { signal: options.over }).catch(() => {});
    if (options.over.aborted) throw sessionOver();
    const recovered = await attempt(context, options);
    if (recovered) return recovered;
  }
}

/** Null while Kafka does not answer. */
async function attempt(
  context: SessionContext,
  { backendPid, expected, over }: { backendPid: number | null; expected: Checkpoint; over: AbortSignal },
): Promise<Recovered | null> {
  const { destination, source } = context;
  const publisher = destination.createPublisher(source);
  // A session that has ended fences nobody.
  const close = () => void publisher.close();
  over.addEventListener('abort', close, { once: true });
  try {
    await destination.ensureTopicsAnew();
    requireSameStory(await destination.readCheckpoint(), expected);
    // Whoever has the slot meanwhile must not be fenced by us.
    await requireOwnSlot(context, backendPid);
    if (over.aborted) throw sessionOver();
    await publisher.fence();
    const checkpoint = requireSameStory(await destination.readCheckpoint(), expected);
    if (over.aborted) throw sessionOver();
    return { publisher, checkpoint };
  } catch (error) {
    await publisher.close();
    if (!over.aborted && error instanceof OperatingError && error.code === 'kafka-unreachable') return null;
    throw error;
  } finally {
    over.removeEventListener('abort', close);
  }
}

function requireSameStory(checkpoint: Checkpoint | null, expected: Checkpoint): Checkpoint {
  const { systemId, timeline, era } = expected;
  if (checkpoint?.systemId === systemId && checkpoint.timeline === timeline && checkpoint.era === era)
    return checkpoint;
  throw new OperatingError('publish-outcome-unknown', 'the checkpoint was begun anew meanwhile', {
    remedy: 'The relay begins anew from the checkpoint.',
  });
}
