/**
 * Waiting until a commit is published: what was written is in both panels, so whoever reads them finds it (docs/compare.md).
 *
 *     const panels = openPanels({ brokers: ['localhost:9092'] });
 *     await panels.passed('757@0/16B37480'); // the header Diptych-Commit of a write
 *     await panels.close();
 */

import { type Checkpoint, decodeCheckpoint } from '@diptych/kafka/checkpoint';
import type { OffsetsByTopic } from '@diptych/kafka/cursor';
import { identityHeader, readIdentity } from '@diptych/kafka/identity';
import { follow, readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord } from '@diptych/kafka/record';
import { ownTopicNames } from '@diptych/kafka/topics';
import { OperatingError, operating } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import { type CommitToken, formatCommitToken, parseCommitToken } from '@diptych/wal/commit-token';
import { formatLsn } from '@diptych/wal/lsn';
import { type Passed, PublishedPosition } from './published-position.ts';
import { type Waiter, WaitingCommits } from './waiting-commits.ts';

export interface PanelsOptions {
  readonly brokers: Brokers;
  /** Of the relay's topics. Default `diptych`. */
  readonly prefix?: string;
  /** The relay's slot, whose checkpoints say up to where everything is published. Default `diptych`. */
  readonly slot?: string;
  /** Told of each trouble with Kafka that reading gets over by itself. */
  readonly onTrouble?: (error: OperatingError) => void;
}

export interface PassedOptions {
  /** How long to wait. Default 10,000 ms. */
  readonly timeoutMs?: number;
  /** Ends waiting with its reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface Panels {
  /**
   * Resolves when both panels have published the commit that a service answered with the token (`757@0/16B37480`, the header
   * `Diptych-Commit`), and says by what that is known; at once when it is published already, however long ago, and also
   * when its END has been dropped by retention. A transaction of which nothing is published has no END: it has passed with the
   * relay's next checkpoint behind it, on a quiet server up to `timing.idleCheckpointIntervalMs` (10 s) later. Published is not
   * consumed: a consumer may still have it before itself. Thousands may wait at once.
   *
   * Throws OperatingError: `commit-token-malformed`; `commit-not-published` when the time is over (the message names the
   * position that is reached) or the panels were closed; `kafka-unreachable` (for 30 s), `kafka-refused` (no such topics),
   * `records-expired`, `checkpoint-unreadable`, `comparison-exhausted` (100,000 wait already); the signal's reason. The next call after a
   * failure of Kafka reads anew.
   */
  passed(token: string | CommitToken, options?: PassedOptions): Promise<Passed>;
  /** Ends reading; who still waits is told `commit-not-published`. Never throws. */
  close(): Promise<void>;
}

/** Nothing is read before the first call of `passed`. */
export function openPanels(options: PanelsOptions): Panels {
  return new FollowedPanels(options);
}

const timeoutMsDefault = 10_000;
const waitersMax = 100_000;

/** Of END records that are read at the beginning, markers included: whoever asks for older ones is answered by position. */
const endsTail = 10_000n;
/** As `readCheckpoint`: the newest one is among the last few. */
const checkpointsTail = 100n;

class FollowedPanels implements Panels {
  readonly #options: PanelsOptions;
  readonly #topics: { readonly transaction: string; readonly checkpoint: string };
  readonly #slot: Buffer;
  readonly #waiting = new WaitingCommits();
  readonly #stop = new AbortController();
  #published = new PublishedPosition();
  #reading: Promise<void> | null = null;

  constructor(options: PanelsOptions) {
    const { prefix = 'diptych', slot = 'diptych' } = options;
    this.#options = options;
    this.#topics = ownTopicNames({ prefix, slot });
    this.#slot = Buffer.from(slot);
  }

  async passed(token: string | CommitToken, options: PassedOptions = {}): Promise<Passed> {
    const { timeoutMs = timeoutMsDefault, signal } = options;
    const awaited = typeof token === 'string' ? requireToken(token) : token;
    signal?.throwIfAborted();
    if (this.#stop.signal.aborted) throw this.#notPublished(awaited, 'the panels were closed');
    const passed = this.#published.has(awaited);
    if (passed) return passed;
    if (this.#waiting.size >= waitersMax) throw exhausted();
    this.#reading ??= this.#read();
    const { promise, ...settle } = Promise.withResolvers<Passed>();
    const waiter: Waiter = { token: awaited, ...settle };
    const onTimeout = () => waiter.reject(this.#notPublished(awaited, `not within ${timeoutMs} ms`));
    const onAbort = () => waiter.reject(signal?.reason);
    const timer = setTimeout(onTimeout, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#waiting.add(waiter);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      this.#waiting.remove(waiter);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const { token, reject } of this.#waiting.all()) {
      reject(this.#notPublished(token, 'the panels were closed'));
    }
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { brokers, onTrouble = () => undefined } = this.#options;
    const { signal } = this.#stop;
    try {
      const from = await this.#readTails();
      for await (const record of follow({ brokers, topics: [...from.keys()], from, signal, onTrouble })) {
        this.#take(record);
      }
    } catch (error) {
      if (signal.aborted) return;
      const failure = operating(error);
      for (const { reject } of this.#waiting.all()) reject(failure);
      // What was known may be of topics that are gone.
      this.#published = new PublishedPosition();
    } finally {
      this.#reading = null;
    }
  }

  /** What both topics end with; answers where to go on. */
  async #readTails(): Promise<OffsetsByTopic> {
    const { transaction, checkpoint } = this.#topics;
    const from = new Map<string, bigint[]>();
    const tails = [
      // First: of a commit that is there, its END says more than a position.
      { topic: transaction, last: endsTail },
      { topic: checkpoint, last: checkpointsTail },
    ];
    for (const { topic, last } of tails) {
      from.set(topic, []);
      for await (const record of this.#tailOf(topic, last)) {
        from.set(topic, [record.offset + 1n]);
        this.#take(record);
      }
    }
    return from;
  }

  #tailOf(topic: string, last: bigint): AsyncIterable<IncomingRecord> {
    return readToEnd({
      ...{ brokers: this.#options.brokers, topics: [topic], from: { last }, signal: this.#stop.signal },
    });
  }

  #take({ topic, key, value, headers }: IncomingRecord): void {
    if (topic === this.#topics.checkpoint) {
      if (key?.equals(this.#slot)) this.#reported(value === null ? null : decodeCheckpoint(value));
      return;
    }
    const identity = readIdentity(headers.get(identityHeader) ?? '');
    // BEGIN has the ordinal 0.
    if (!identity || identity.ordinal === 0) return;
    this.#published.ended(identity);
    this.#answer(this.#waiting.ofXid(identity.xid));
  }

  #reported(checkpoint: Checkpoint | null): void {
    this.#published.reported(checkpoint);
    const { lsn } = this.#published;
    if (lsn !== null) this.#answer(this.#waiting.upTo(lsn));
  }

  #answer(waiters: readonly Waiter[]): void {
    for (const waiter of waiters) {
      const passed = this.#published.has(waiter.token);
      if (!passed) continue;
      waiter.resolve(passed);
      this.#waiting.remove(waiter);
    }
  }

  #notPublished(token: CommitToken, why: string): OperatingError {
    const { lsn } = this.#published;
    const reached =
      lsn === null ? 'no checkpoint has been read' : `published is everything up to ${formatLsn(lsn)}`;
    return new OperatingError(
      'commit-not-published',
      `the commit ${formatCommitToken(token)} is not known to be published: ${why}; ${reached}`,
      { remedy: 'See with `diptych status` whether the relay runs and how far it is, or wait for longer.' },
    );
  }
}

function requireToken(text: string): CommitToken {
  const token = parseCommitToken(text);
  if (token) return token;
  throw new OperatingError('commit-token-malformed', `not a commit token: ${text.slice(0, 60)}`, {
    remedy: 'It is what the service answered a write with in the header Diptych-Commit, as 757@0/16B37480.',
  });
}

const exhausted = (): OperatingError =>
  new OperatingError('comparison-exhausted', `${waitersMax} commits are waited for already`, {
    remedy: 'Wait for the last commit of several, and bound how many requests wait at once.',
  });
