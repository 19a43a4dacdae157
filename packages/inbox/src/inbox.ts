/**
 * The runner of a consumer: each event has its effect once, in the order of its key, whatever dies. Effect, inbox row and
 * position are one transaction in the reader's database; Kafka says who reads which partition, and nothing else.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contracts } from '@diptych/events/event-contract';
import { type GroupMember, joinGroup, type TopicPartition } from '@diptych/kafka/group-member';
import { PartitionFeeds } from '@diptych/kafka/partition-feeds';
import { OperatingError } from '@diptych/runtime/failure';
import pLimit from 'p-limit';
import { DatabaseGate, databaseAway } from './database-gate.ts';
import { readDomainEvent } from './domain-event.ts';
import { InboxMetrics, type PartitionLag } from './inbox-metrics.ts';
import { type InboxOptions, keepMsDefault, limitsOf, parallelMaxDefault } from './inbox-options.ts';
import { createInbox } from './inbox-table.ts';
import { Lane } from './lane.ts';
import type { LaneContext } from './lane-context.ts';
import { forgetOld } from './retention.ts';

export type Progress =
  | { readonly tag: 'starting' }
  | { readonly tag: 'consuming' }
  /** The database or Kafka is away. It goes on by itself. */
  | { readonly tag: 'waiting'; readonly error: OperatingError }
  /** In front of what it cannot get over. Nothing is skipped: a person has to act and start it again. */
  | { readonly tag: 'stopped'; readonly error: OperatingError };

/** Between two attempts to begin. */
const beginPauseMs = 500;
/** How late a decision about a parked event is noticed. */
const decisionsIntervalMs = 1_000;
/** How often Kafka's own tools are told how far the group is. */
const tellIntervalMs = 5_000;
const forgetIntervalMs = 10 * 60_000;

export class Inbox<C extends Contracts> {
  readonly metrics: InboxMetrics;
  readonly #options: InboxOptions<C>;
  readonly #context: LaneContext;
  readonly #ending = new AbortController();
  readonly #lanes = new Map<string, Lane>();
  readonly #work: Promise<unknown>;
  #member: GroupMember | null = null;
  /** Why it has not begun. */
  #trouble: OperatingError | null = null;
  #failure: OperatingError | null = null;
  #isAssigned = false;
  #stopped: Promise<void> | null = null;

  /** Begins at once, in the background: it waits for the database, for Kafka and for the topics. */
  constructor(options: InboxOptions<C>) {
    this.#options = options;
    this.metrics = new InboxMetrics({
      group: options.group,
      lag: () => this.#lag(),
      parked: () => this.#parked(),
      state: () => ({ isConsuming: this.progress.tag === 'consuming', heldPartitions: this.#held().length }),
    });
    this.#context = this.#contextOf(options);
    this.#work = Promise.all([
      this.#begin(),
      this.#every(decisionsIntervalMs, () => this.#lookForDecisions()),
      this.#every(tellIntervalMs, () => this.#tell()),
      this.#every(forgetIntervalMs, () => this.#forget()),
    ]);
  }

  get progress(): Progress {
    const waitsFor = this.#context.gate.error ?? this.#trouble;
    if (this.#failure) return { tag: 'stopped', error: this.#failure };
    if (waitsFor) return { tag: 'waiting', error: waitsFor };
    return { tag: this.#isAssigned ? 'consuming' : 'starting' };
  }

  /** Lets the transactions under way end, and leaves the group. The pool stays open. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#ending.abort();
    for (const lane of this.#lanes.values()) lane.close();
    await Promise.all([...this.#lanes.values()].map(({ ended }) => ended));
    await this.#work;
    await this.#tell();
    await this.#member?.leave();
    await this.#context.feeds.close();
  }

  #contextOf(options: InboxOptions<C>): LaneContext {
    const { pool, brokers, group, contracts, log } = options;
    return {
      ...{ pool, group, log },
      consumer: options.consumer === undefined ? group : options.consumer,
      ...handlingOf(options),
      read: (record) =>
        readDomainEvent<Contracts>(record, { contracts, isWanted: (type) => isWanted(options, type) }),
      from: options.from ?? 'beginning',
      onPoison: options.onPoison ?? 'park',
      onUnknownVersion: options.onUnknownVersion ?? 'park',
      limits: limitsOf(options),
      feeds: new PartitionFeeds({
        brokers,
        onTrouble: ({ code, message }) => log.warn({ group, code }, message),
      }),
      member: () => this.#member,
      gate: new DatabaseGate(pool, ({ code, remedy, message }) => {
        this.metrics.waited();
        log.warn({ group, code, remedy }, message);
      }),
      turns: pLimit(options.parallelMax ?? parallelMaxDefault),
      metrics: this.metrics,
      stop: (failure) => this.#stopAt(failure),
      ending: this.#ending.signal,
    };
  }

  async #begin(): Promise<void> {
    const { pool, prepare = () => createInbox(pool) } = this.#options;
    await this.#untilDone(prepare);
    await this.#join();
  }

  async #join(): Promise<void> {
    const { brokers, group: groupId, topics, sessionTimeoutMs, log } = this.#options;
    const member = await this.#untilDone(() =>
      joinGroup({
        ...{ brokers, groupId, topics, sessionTimeoutMs, log },
        onAssigned: (partitions) => this.#assign(partitions),
      }),
    );
    this.#member = member ?? null;
    void member?.failed.then((failure) => this.#joinAgain(member, failure));
  }

  /** The client has given up: what passed for a moment is over, so that another one takes its place. */
  async #joinAgain(dead: GroupMember, failure: OperatingError): Promise<void> {
    if (this.#ending.signal.aborted) return;
    this.#trouble = failure;
    this.#options.log.warn({ code: failure.code }, `the member joins anew: ${failure.message}`);
    await dead.leave();
    await this.#join();
  }

  /** Lanes that keep their partition go on without a pause. */
  #assign(partitions: readonly TopicPartition[]): void {
    if (this.#ending.signal.aborted) return;
    const nameOf = ({ topic, partition }: TopicPartition) => `${topic}/${partition}`;
    const assigned = new Set(partitions.map(nameOf));
    for (const [name, lane] of this.#lanes) if (!assigned.has(name)) lane.close();
    for (const partition of partitions) {
      const before = this.#lanes.get(nameOf(partition));
      if (before?.isOpen) continue;
      this.#lanes.set(nameOf(partition), new Lane(this.#context, partition, before?.ended));
    }
    this.#isAssigned = true;
    this.#options.log.info(
      { group: this.#options.group, partitions: [...assigned] },
      'partitions are assigned',
    );
  }

  /** Tries until it succeeds; undefined when the inbox ends before that. */
  async #untilDone<T>(attempt: () => Promise<T>): Promise<T | undefined> {
    const { log, group } = this.#options;
    while (!this.#ending.signal.aborted) {
      try {
        const result = await attempt();
        this.#trouble = null;
        return result;
      } catch (error) {
        const trouble = troubleOf(error);
        // Each trouble is told once, not twice a second.
        if (trouble.message !== this.#trouble?.message)
          log.warn({ group, code: trouble.code, remedy: trouble.remedy }, trouble.message);
        this.#trouble = trouble;
        await this.#sleep(beginPauseMs);
      }
    }
    return undefined;
  }

  #stopAt(failure: OperatingError): void {
    const { log, group } = this.#options;
    if (this.#failure || this.#ending.signal.aborted) return;
    this.#failure = failure;
    log.error({ group, code: failure.code, remedy: failure.remedy }, failure.message);
    void this.stop();
  }

  /** What is asked for now and then: when it fails, the next time may do. */
  async #every(intervalMs: number, act: () => Promise<void>): Promise<void> {
    for (;;) {
      await this.#sleep(intervalMs);
      if (this.#ending.signal.aborted) return;
      if (!this.#context.gate.error) await act().catch(() => undefined);
    }
  }

  async #lookForDecisions(): Promise<void> {
    const { pool, group } = this.#options;
    const { rows } = await pool.query<TopicPartition>(
      `select distinct topic, partition from inbox_parked
       where consumer_group = $1 and settled_at is null and decision is not null`,
      [group],
    );
    for (const { topic, partition } of rows) this.#lanes.get(`${topic}/${partition}`)?.decided();
  }

  async #tell(): Promise<void> {
    const positions = this.#held().map(({ place, nextOffset }) => ({ ...place, nextOffset }));
    if (positions.length > 0) await this.#member?.tell(positions);
  }

  async #forget(): Promise<void> {
    const { pool, keepMs = keepMsDefault } = this.#options;
    const { group, consumer } = this.#context;
    await forgetOld(pool, { group, consumer, keepMs });
  }

  #held() {
    return [...this.#lanes.values()].flatMap(({ place, nextOffset }) =>
      nextOffset === null ? [] : [{ place, nextOffset }],
    );
  }

  async #lag(): Promise<readonly PartitionLag[]> {
    const byTopic = Map.groupBy(this.#held(), ({ place }) => place.topic);
    const lags = [...byTopic].map(async ([topic, held]) => {
      const { lastStable } = await this.#context.feeds.bounds(topic);
      return held.map(({ place: { partition }, nextOffset }) => {
        const records = Number((lastStable[partition] ?? nextOffset) - nextOffset);
        return { topic, partition, records: Math.max(0, records) };
      });
    });
    return (await Promise.all(lags)).flat();
  }

  async #parked(): Promise<number> {
    const { pool, group } = this.#options;
    const { rows } = await pool.query<{ n: number }>(
      'select count(*)::int as n from inbox_parked where consumer_group = $1 and settled_at is null',
      [group],
    );
    return rows[0]?.n ?? 0;
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#ending.signal }).catch(() => undefined);
  }
}

function isWanted<C extends Contracts>({ contracts, handlers }: InboxOptions<C>, type: string): boolean {
  const wanted = handlers ?? contracts;
  return Object.hasOwn(wanted, type) && wanted[type] !== undefined;
}

type Handle = LaneContext['handle'];

function handlingOf<C extends Contracts>({
  handlers,
  batches,
}: InboxOptions<C>): Pick<LaneContext, 'handle' | 'eventsMax'> {
  // The contracts have checked that the events are what the handlers take.
  if (batches) return { eventsMax: batches.eventsMax, handle: batches.handle as unknown as Handle };
  const byType = handlers as Readonly<
    Record<string, ((event: unknown, tx: Parameters<Handle>[1]) => Promise<void>) | undefined>
  >;
  const handle: Handle = async (events, tx) => {
    for (const event of events) await byType[event.type]?.(event, tx);
  };
  return { eventsMax: 1, handle };
}

function troubleOf(error: unknown): OperatingError {
  if (error instanceof OperatingError) return error;
  return databaseAway(error, {
    what: 'the inbox could not be prepared',
    remedy: 'It is tried again until it succeeds; the message says what Postgres objected to, if it stays.',
  });
}
