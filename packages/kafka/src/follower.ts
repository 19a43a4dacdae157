import { setTimeout as sleep } from 'node:timers/promises';
import { present } from '@diptych/runtime/assert';
import type { OperatingError } from '@diptych/runtime/failure';
import { classify } from './classify.ts';
import { backOffMs, type Cursor, cursorKey, cursorsOf, type OffsetsByTopic } from './cursor.ts';
import {
  type FetchClient,
  type Fetched,
  fetchFailure,
  maxWaitMs,
  type TopicLocation,
} from './fetch-client.ts';

export interface FollowerOptions {
  /** Names, or what tells whether a topic is to be read; topics may come into being later. */
  readonly topics: readonly string[] | RegExp | ((topic: string) => boolean);
  /** Where topics begin that exist at the call; later ones begin at their first record. Default: `beginning`. */
  readonly from?: 'beginning' | 'end' | OffsetsByTopic;
  /** How often to look for new topics and partitions. Default 1 s. */
  readonly topicsIntervalMs?: number;
  /** Told of each trouble that reading gets over by itself. */
  readonly onTrouble?: (error: OperatingError) => void;
}

/** How a fetch ended, as a value: whoever waits for several must not be left with an unhandled rejection. */
type Answer =
  | { readonly tag: 'fetched'; readonly leader: number; readonly fetched: readonly Fetched[] }
  | { readonly tag: 'failed'; readonly leader: number; readonly error: unknown };

/** Keeps one fetch in flight with each leader, and the list of partitions fresh. */
export class Follower {
  readonly #client: FetchClient;
  readonly #options: FollowerOptions;
  readonly #signal: AbortSignal;
  readonly #inFlight = new Map<number, Promise<Answer>>();
  /** In the order in which they are asked for. */
  #cursors = new Map<string, Cursor>();
  #refreshAt = 0;
  #isFirst = true;
  #troubles = 0;

  constructor({
    client,
    options,
    signal,
  }: { client: FetchClient; options: FollowerOptions; signal: AbortSignal }) {
    this.#client = client;
    this.#options = options;
    this.#signal = signal;
  }

  /**
   * What the next leader answered; empty when there was nothing new, or trouble that passes.
   * Throws OperatingError: what does not pass by itself.
   */
  async next(): Promise<readonly Fetched[]> {
    try {
      if (performance.now() >= this.#refreshAt) await this.#refresh();
      this.#ask();
      if (this.#inFlight.size === 0) {
        await this.#pause(this.#refreshAt - performance.now());
        return [];
      }
      const answer = await Promise.race(this.#inFlight.values());
      this.#inFlight.delete(answer.leader);
      if (answer.tag === 'failed') throw answer.error;
      this.#rotate(answer.fetched);
      const [failure] = answer.fetched.flatMap((one) => fetchFailure(one) ?? []);
      if (failure) await this.#onTrouble(failure);
      else this.#troubles = 0;
      return answer.fetched.filter((one) => one.answer.errorCode === 0);
    } catch (error) {
      if (!this.#signal.aborted) await this.#onTrouble(error);
      return [];
    }
  }

  #ask(): void {
    for (const [leader, cursors] of Map.groupBy(this.#cursors.values(), (cursor) => cursor.leader)) {
      if (leader < 0 || this.#inFlight.has(leader)) continue;
      const answer = this.#client.fetch(cursors, { maxWaitMs }).then(
        (fetched): Answer => ({ tag: 'fetched', leader, fetched }),
        (error: unknown): Answer => ({ tag: 'failed', leader, error }),
      );
      this.#inFlight.set(leader, answer);
    }
  }

  /** The broker fills an answer in the order of the request: who had something goes to the end. */
  #rotate(fetched: readonly Fetched[]): void {
    for (const { cursor, answer } of fetched) {
      const key = cursorKey(cursor);
      if (!answer.records?.length || this.#cursors.get(key) !== cursor) continue;
      this.#cursors.delete(key);
      this.#cursors.set(key, cursor);
    }
  }

  /** Takes in new topics and partitions and moved leaders, and drops what is gone. */
  async #refresh(): Promise<void> {
    const { topics, from } = this.#options;
    const isNamed = typeof topics !== 'function' && !(topics instanceof RegExp);
    const existing = await this.#client.topics(isNamed ? topics : 'all');
    const wanted = [...existing.values()].filter((topic) => isWanted(topics, topic.name));
    const found = await this.#starts(wanted.filter((topic) => !this.#knows(topic)));
    const given = this.#isFirst && typeof from === 'object' ? from : new Map<string, bigint[]>();
    const cursors = new Map<string, Cursor>();
    for (const topic of wanted) {
      const known = (partition: number) => this.#cursors.get(cursorKey({ topicId: topic.id, partition }));
      const start = (partition: number) =>
        known(partition)?.offset ??
        given.get(topic.name)?.[partition] ??
        present(found.get(topic.name)?.[partition], `the offset of ${topic.name}/${partition}`);
      for (const cursor of cursorsOf(topic, start)) {
        const current = known(cursor.partition) ?? cursor;
        current.leader = cursor.leader;
        cursors.set(cursorKey(cursor), current);
      }
    }
    const kept = [...this.#cursors].filter(([key]) => cursors.has(key));
    this.#cursors = new Map([...kept, ...cursors]);
    this.#isFirst = false;
    this.#refreshAt = performance.now() + (this.#options.topicsIntervalMs ?? 1000);
  }

  async #starts(topics: readonly TopicLocation[]): Promise<Map<string, bigint[]>> {
    const atEnd = this.#isFirst && this.#options.from === 'end';
    return await this.#client.offsets(topics, atEnd ? 'last-stable' : 'first');
  }

  #knows(topic: TopicLocation): boolean {
    return topic.leaders.every((_leader, partition) =>
      this.#cursors.has(cursorKey({ topicId: topic.id, partition })),
    );
  }

  async #onTrouble(error: unknown): Promise<void> {
    const failure = classify(error, 'asking');
    if (failure.retry !== 'timed') throw failure;
    this.#options.onTrouble?.(failure);
    this.#troubles += 1;
    this.#refreshAt = 0;
    await this.#pause(backOffMs(this.#troubles));
  }

  /** Ends early, without an error, when reading is to end. */
  async #pause(delayMs: number): Promise<void> {
    await sleep(Math.max(1, delayMs), undefined, { signal: this.#signal }).catch(() => undefined);
  }
}

function isWanted(topics: FollowerOptions['topics'], name: string): boolean {
  if (typeof topics === 'function') return topics(name);
  // Not `test`: a global expression would go on from its last match.
  return topics instanceof RegExp ? name.search(topics) >= 0 : topics.includes(name);
}
