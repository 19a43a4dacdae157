import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicLocation } from './fetch-client.ts';

/**
 * A topic was seen through one broker, by us or by whoever made it; another one that is asked now may be seconds behind
 * with the cluster's metadata. A shorter time ends a relay for what passes by itself; a longer one delays the word on a
 * topic that is not there.
 */
const unknownTopicWaitMs = 10_000;
const askIntervalMs = 250;

/**
 * The named topics, asked for until all are known or 10 s are over: what is still missing in the answer is not there.
 * Throws what `ask` throws, and when the signal aborts an AbortError that has its reason as cause.
 */
export async function knownTopics(
  ask: (names: readonly string[]) => Promise<Map<string, TopicLocation>>,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, TopicLocation>> {
  const deadline = performance.now() + unknownTopicWaitMs;
  for (;;) {
    const found = await ask(names);
    if (names.every((name) => found.has(name)) || performance.now() > deadline) return found;
    await sleep(askIntervalMs, undefined, { signal });
  }
}
