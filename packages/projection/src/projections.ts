/**
 * Runs projections: each generation by an inbox of its own, in as many processes as there are. What has to be done next
 * follows from the registry alone, so that whoever was killed goes on where everything stands, and any process can.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contracts } from '@diptych/events/event-contract';
import { Inbox, type Progress } from '@diptych/inbox/inbox';
import { createInbox } from '@diptych/inbox/inbox-table';
import { mergedMetrics } from '@diptych/inbox/merged-metrics';
import { inTransaction } from '@diptych/inbox/transaction';
import { PartitionFeeds } from '@diptych/kafka/partition-feeds';
import { assert } from '@diptych/runtime/assert';
import type { Brokers } from '@diptych/runtime/kafka-access';
import type { Logger } from '@diptych/runtime/log';
import type { Pool } from 'pg';
import { applyEvents } from './apply-events.ts';
import type { AskEnds } from './caught-up.ts';
import {
  beginGeneration,
  createRegistry,
  dropRetired,
  findGeneration,
  forgetGroup,
  type Generation,
  readGenerations,
  retire,
} from './generations.ts';
import { assertDistinct, type Projection } from './projection.ts';
import { isInTheWay, switchOver } from './switch-over.ts';

export interface ProjectionsOptions<C extends Contracts> {
  /** With at least `connectionsOf(projections)` connections. */
  readonly pool: Pool;
  readonly brokers: Brokers;
  /** They exist, or everything waits for them. */
  readonly topics: readonly string[];
  readonly contracts: C;
  readonly projections: readonly Projection<C>[];
  /** Consumer groups begin with it: of two databases on one Kafka each has another. */
  readonly group: string;
  /** Consecutive events of a partition in one transaction, at most. Default 200. */
  readonly eventsMax?: number;
  /** How long the tables of a generation stay that was replaced, for readers in the middle of them. Default 5 s. */
  readonly graceMs?: number;
  /** As the inbox has it. Default 10 s: a read model stands still for so long when its process is killed. */
  readonly sessionTimeoutMs?: number;
  readonly log: Logger;
}

/** Partitions of one generation that have a transaction open at the same time. */
const parallelMax = 2;
const eventsMaxDefault = 200;
const graceMsDefault = 5_000;
const sessionTimeoutDefaultMs = 10_000;
/** How late a request, or the end of a rebuild, is noticed. */
const lookMs = 250;
/** Between two attempts to switch while somebody reads on and on in one transaction. */
const inTheWayMs = 2_000;

/** What each projection needs, live and building, and what is asked besides. */
export function connectionsOf(projections: number): number {
  return 2 * parallelMax * projections + 4;
}

/** A generation that this process runs. */
export interface Followed {
  readonly generation: Generation;
  readonly progress: Progress;
}

interface Running {
  /** As the registry had it at the last look. */
  generation: Generation;
  readonly inbox: Pick<Inbox<never>, 'progress' | 'metrics' | 'stop'>;
}

export class Projections<C extends Contracts> {
  readonly #options: ProjectionsOptions<C>;
  readonly #ending = new AbortController();
  readonly #running = new Map<number, Running>();
  /** When the next attempt to switch may be made, by projection. */
  readonly #notBefore = new Map<string, number>();
  readonly #feeds: PartitionFeeds;
  readonly #work: Promise<void>;
  #trouble: string | null = null;

  /** Begins at once, in the background: it waits for the database, for Kafka and for the topics. */
  constructor(options: ProjectionsOptions<C>) {
    const { pool, brokers, projections, log } = options;
    assertDistinct(projections);
    assert((pool.options.max ?? 10) >= connectionsOf(projections.length), 'the pool has connections enough');
    this.#options = options;
    this.#feeds = new PartitionFeeds({
      brokers,
      onTrouble: ({ code, message }) => log.warn({ code }, message),
    });
    this.#work = this.#run();
  }

  /** Last offsets that can be read. Throws OperatingError when Kafka does not say. */
  readonly ends: AskEnds = async (topic) => (await this.#feeds.bounds(topic)).lastStable;

  /** How the generations do that this process runs. */
  get followed(): readonly Followed[] {
    return [...this.#running.values()].map(({ generation, inbox }) => ({
      generation,
      progress: inbox.progress,
    }));
  }

  /** Why nothing goes on; null while everything does. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** All figures, in Prometheus' text format; the label `group` names projection and generation. */
  async metrics(): Promise<string> {
    const inboxes = [...this.#running.values()].map(({ inbox }) => inbox.metrics.registry.metrics());
    return mergedMetrics(await Promise.all(inboxes));
  }

  /**
   * Begins to rebuild a projection from zero; whoever runs projections on this database goes on with it. `under-way`: there is
   * one, and its generation is the answer too. Throws errors of the database.
   */
  async rebuild(
    name: string,
  ): Promise<
    | { readonly ok: true; readonly generation: Generation }
    | { readonly ok: false; readonly reason: 'unknown' | 'under-way' }
  > {
    const { pool, projections, group: groupPrefix } = this.#options;
    const projection = projections.find((one) => one.name === name);
    if (!projection) return { ok: false, reason: 'unknown' };
    const generation = await beginGeneration(pool, { projection, state: 'building', groupPrefix });
    return generation ? { ok: true, generation } : { ok: false, reason: 'under-way' };
  }

  /** Gives up what is building; what is live stays. Answers whether anything was. Throws errors of the database. */
  async cancel(name: string): Promise<boolean> {
    const { pool } = this.#options;
    const building = await findGeneration(pool, { projection: name, state: 'building' });
    return building !== null && (await retire(pool, building));
  }

  /** Lets the transactions under way end, and leaves the groups. The pool stays open. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#work;
    await Promise.all([...this.#running.values()].map(({ inbox }) => inbox.stop()));
    await this.#feeds.close();
  }

  async #run(): Promise<void> {
    const { pool } = this.#options;
    const prepare = () =>
      inTransaction(pool, async (tx) => {
        await createInbox(tx);
        await createRegistry(tx);
      });
    while (!this.#ending.signal.aborted && !(await this.#succeeds(prepare))) await this.#sleep();
    while (!this.#ending.signal.aborted) {
      await this.#succeeds(() => this.#look());
      await this.#sleep();
    }
  }

  /** What fails is tried at the next look. */
  async #succeeds(attempt: () => Promise<void>): Promise<boolean> {
    try {
      await attempt();
      this.#trouble = null;
      return true;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (isInTheWay(error)) return false;
      // Each trouble is told once, not four times a second.
      if (message !== this.#trouble) this.#options.log.warn(`projections wait: ${message}`);
      this.#trouble = message;
      return false;
    }
  }

  async #look(): Promise<void> {
    const { pool, projections } = this.#options;
    for (const projection of projections) await this.#keepLive(projection);
    const generations = await readGenerations(pool);
    await this.#stopReplaced(generations);
    for (const generation of generations) this.#start(generation);
    for (const { state, projection } of generations)
      if (state === 'building') await this.#switchOver(projection);
    for (const generation of generations) if (generation.state === 'retired') await this.#drop(generation);
  }

  /** The first generation is live from the beginning; one of an older version is rebuilt in this one. */
  async #keepLive(projection: Projection<C>): Promise<void> {
    const { pool, group: groupPrefix, log } = this.#options;
    const { name, version } = projection;
    const live = await findGeneration(pool, { projection: name, state: 'live' });
    if (live && live.version >= version) return;
    const building = await findGeneration(pool, { projection: name, state: 'building' });
    if (building && building.version >= version) return;
    // What a service of an older version was building is for nobody any more.
    if (building) await retire(pool, building);
    const state = live ? 'building' : 'live';
    const begun = await beginGeneration(pool, { projection, state, groupPrefix });
    if (begun) log.info({ projection: name, version, state }, 'a generation begins');
  }

  async #stopReplaced(generations: readonly Generation[]): Promise<void> {
    const kept = new Set(generations.filter(({ state }) => state !== 'retired').map((one) => one.generation));
    for (const [number, { inbox, generation }] of this.#running) {
      if (kept.has(number)) continue;
      await inbox.stop();
      this.#running.delete(number);
      // It may have claimed a partition anew after its generation had been dropped.
      if (!generations.some((one) => one.generation === number))
        await forgetGroup(this.#options.pool, generation);
    }
  }

  /** Generations of other versions are those of services that know them. */
  #start(generation: Generation): void {
    const { pool, brokers, topics, contracts, projections, log } = this.#options;
    const { eventsMax = eventsMaxDefault, sessionTimeoutMs = sessionTimeoutDefaultMs } = this.#options;
    const running = this.#running.get(generation.generation);
    if (running) running.generation = generation;
    const projection = projections.find(({ name }) => name === generation.projection);
    const isOurs = projection?.version === generation.version && generation.state !== 'retired';
    if (!projection || !isOurs || running) return;
    const inbox = new Inbox<C>({
      ...{ pool, brokers, topics, contracts, log, parallelMax, sessionTimeoutMs },
      group: generation.group,
      // The heads of the generation tell what has come before.
      consumer: null,
      batches: { eventsMax, handle: (events, tx) => applyEvents(tx, { projection, generation, events }) },
      prepare: async () => undefined,
    });
    this.#running.set(generation.generation, { generation, inbox });
  }

  async #switchOver(projection: string): Promise<void> {
    const { pool, log } = this.#options;
    if (performance.now() < (this.#notBefore.get(projection) ?? 0)) return;
    const outcome = await switchOver(pool, { projection, ends: this.ends });
    // Each attempt stops the live one and its readers for a moment.
    if (outcome.tag === 'in-the-way') this.#notBefore.set(projection, performance.now() + inTheWayMs);
    if (outcome.tag !== 'switched') return;
    const [from, to] = [outcome.from.generation, outcome.to.generation];
    log.info({ projection, from, to }, 'the rebuilt generation is live');
  }

  async #drop(generation: Generation): Promise<void> {
    const { pool, graceMs = graceMsDefault, log } = this.#options;
    if (!(await dropRetired(pool, generation, { graceMs }))) return;
    log.info(
      { projection: generation.projection, generation: generation.generation },
      'the old generation is dropped',
    );
  }

  async #sleep(): Promise<void> {
    await sleep(lookMs, undefined, { signal: this.#ending.signal }).catch(() => undefined);
  }
}
