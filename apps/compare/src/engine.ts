/**
 * The comparison that never ends: follows both panels, folds what is whole, and keeps what it has folded together with up
 * to which record, so that after any end it goes on as if there had been none.
 */

import { type Incomplete, incompleteOf } from '@diptych/compare/compare-to-now';
import {
  type Answer,
  Comparison,
  type DriftOf,
  type Said,
  type SavedComparison,
} from '@diptych/compare/comparison';
import { followBatches } from '@diptych/compare/follow-batches';
import { Join, type JoinOptions } from '@diptych/compare/join';
import type { JoinedItem, TransactionIdentity } from '@diptych/compare/joined-transaction';
import type { KeyedTexts } from '@diptych/compare/keyed-state';
import { type PanelReaderOptions, stragglerMsDefault } from '@diptych/compare/panel-reader';
import { formatIdentity, readIdentity } from '@diptych/kafka/identity';
import type { OperatingError } from '@diptych/runtime/failure';
import type { EngineStore, Stored } from './engine-store.ts';
import type { Query } from './timeline/timeline-tables.ts';

/** Takes down what is folded, and keeps it in the same transaction. */
export interface Recorder {
  /** Which way it changes items: an engine that has folded them another way begins anew. */
  readonly variant: string;
  readonly keyed: ReadonlyMap<string, KeyedTexts>;
  /** It wants to write, lest it hold too much in memory. */
  readonly isFull: boolean;
  /** The item as it may be folded. */
  masked(item: JoinedItem): JoinedItem;
  take(item: JoinedItem, said: Said, lagMs: number): void;
  write(query: Query): Promise<void>;
  /** What was written is kept. */
  kept(): void;
}

export interface EngineOptions
  extends Omit<PanelReaderOptions, 'begin'>,
    Pick<JoinOptions, 'pendingRecordsMax'> {
  readonly drifts: readonly DriftOf[];
  /** Rows of which it is remembered what they were, and aggregates of each kind that are in memory. */
  readonly rowsMax?: number;
  readonly aggregatesMax?: number;
  /** How often state and positions are kept, in ms: so much is folded again after a kill. */
  readonly saveIntervalMs?: number;
  readonly recorder?: Recorder | undefined;
  /** Told of each trouble with Kafka that reading gets over by itself. */
  readonly onTrouble?: (error: OperatingError) => void;
}

/** What is known now, and what holds the rest back. */
export interface EngineAnswer extends Answer {
  /** The transaction that has lacked records for longer than `stragglerMs`: nothing behind it is folded. */
  readonly blockedBy: Incomplete | null;
  /** From the commit of the last transaction until it was folded, in ms; null when none was folded for ten seconds. */
  readonly lagMs: number | null;
  /** Whether everything has been read that was there when the engine began. */
  readonly caughtUp: boolean;
}

/** In memory about 2 KB each; the others are in the database. */
const aggregatesMaxDefault = 10_000;
const rowsMaxDefault = 100_000;
const saveIntervalMsDefault = 2000;
/** While there is much to read: what changes again in the meantime is written once. */
const saveIntervalMsBehind = 5000;
/** At about 2 KB each, well below what a process of 300 MB can hold. */
const pendingRecordsMaxDefault = 50_000;

/** How long it says how late the last transaction was: afterwards nothing is late, or `blockedBy` says what is. */
const lagAgeMsMax = 10_000;

const itemsPerQuestion = 500;

/** Plain data. */
interface SavedEngine {
  readonly comparison: SavedComparison;
  /** The identity header of the horizon; null before the first transaction. */
  readonly horizon: string | null;
  /** The recorder's. */
  readonly variant?: string | undefined;
}

export class Engine {
  readonly #store: EngineStore;
  readonly #options: EngineOptions;
  readonly #join: Join;
  readonly #comparison: Comparison;
  /** By kind, how many entries are in the database and not in memory. */
  readonly #unloaded = new Map<string, number>();
  #savedAt = performance.now();
  #isDirty = false;
  #lag: { readonly ms: number; readonly atMs: number } | null = null;
  #lagMsMax = 0;
  #caughtUp = false;
  #blocked: { readonly transaction: string; readonly sinceMs: number } | null = null;

  private constructor(store: EngineStore, options: EngineOptions, stored: Stored | null) {
    this.#store = store;
    this.#options = options;
    const saved = stored === null ? undefined : (stored.state as SavedEngine);
    this.#join = new Join({
      ...options,
      baseline: true,
      pendingRecordsMax: options.pendingRecordsMax ?? pendingRecordsMaxDefault,
      resume:
        stored === null ? undefined : { horizon: horizonOf(saved), points: stored.positions.map(pointOf) },
    });
    this.#comparison = new Comparison({
      drifts: options.drifts,
      rowsMax: options.rowsMax ?? rowsMaxDefault,
      aggregates: { aggregatesMax: options.aggregatesMax ?? aggregatesMaxDefault, unloads: true },
      saved: saved?.comparison,
    });
  }

  /** What the store has is taken up. Throws OperatingError `comparison-database-away`. */
  static async resume(store: EngineStore, options: EngineOptions): Promise<Engine> {
    let stored = await store.load();
    if (stored !== null && (stored.state as SavedEngine).variant !== options.recorder?.variant) {
      await store.forget();
      stored = null;
    }
    const engine = new Engine(store, options, stored);
    for (const [kind, keyed] of engine.#keyed) {
      const { count, used } = await store.extent(kind);
      const entries = await store.loadLast(kind, keyed.residentMax);
      keyed.load(entries);
      keyed.clock = used;
      engine.#unloaded.set(kind, count - entries.length);
    }
    return engine;
  }

  /**
   * Follows the panels until the signal aborts, or until it has caught up, and keeps what it has then. Throws
   * OperatingError: those of `followBatches`; `comparison-database-away`.
   */
  async run(signal: AbortSignal, { untilCaughtUp = false } = {}): Promise<void> {
    const points = this.#join.resumePoints;
    const batches = followBatches({
      ...{ ...this.#options, join: this.#join, begin: offsetsOf(points), signal },
      onCaughtUp: () => {
        this.#caughtUp = true;
      },
    });
    let waiting: JoinedItem[] = [];
    for await (const items of batches) {
      for (const item of items) waiting.push(item);
      // While there is much to read, one question to the database is for many of them.
      if (!this.#caughtUp && items.length > 0 && waiting.length < itemsPerQuestion) continue;
      await this.#takeAll(waiting);
      waiting = [];
      this.#watchBlocking();
      const isDue = performance.now() - this.#savedAt >= this.#saveIntervalMs;
      if (isDue || this.#options.recorder?.isFull === true) await this.save();
      if (untilCaughtUp && this.#caughtUp) break;
    }
    await this.#takeAll(waiting);
    await this.save();
  }

  /** What is known now. `tables`, `accepted` and `eventOnly` are those of the leak report. */
  answer(options: Parameters<Comparison['answer']>[0] = {}): EngineAnswer {
    const { stragglerMs = stragglerMsDefault } = this.#options;
    const isBlocked = this.#blocked !== null && performance.now() - this.#blocked.sinceMs > stragglerMs;
    return {
      ...this.#comparison.answer(options),
      blockedBy: isBlocked ? (incompleteOf(this.#join)[0] ?? null) : null,
      lagMs: this.#lag !== null && performance.now() - this.#lag.atMs < lagAgeMsMax ? this.#lag.ms : null,
      caughtUp: this.#caughtUp,
    };
  }

  /** Judges whether the shape of a transaction without an event is that of a leak, as far as is known now. */
  leakJudge(options: Parameters<Comparison['leakJudge']>[0]): ReturnType<Comparison['leakJudge']> {
    return this.#comparison.leakJudge(options);
  }

  /** The longest of `lagMs` since the last call, not counting what was there when the engine began. */
  takeLagMsMax(): number {
    const lagMsMax = this.#lagMsMax;
    this.#lagMsMax = 0;
    return lagMsMax;
  }

  /** How many transactions were folded, over all lives, and whether that is all that there was at the start of this one. */
  get progress(): { readonly transactions: number; readonly caughtUp: boolean } {
    return { transactions: this.#comparison.counts.transactions, caughtUp: this.#caughtUp };
  }

  /** Keeps state and positions. Throws OperatingError `comparison-database-away`. */
  async save(): Promise<void> {
    this.#savedAt = performance.now();
    if (!this.#isDirty) return;
    const { recorder } = this.#options;
    const state: SavedEngine = {
      comparison: this.#comparison.save(),
      horizon: this.#join.horizon === undefined ? null : headerOf(this.#join.horizon),
      variant: recorder?.variant,
    };
    const positions = this.#join.resumePoints.map((point) => ({
      ...point,
      last: point.last === null ? null : formatIdentity(point.last),
    }));
    await this.#store.save(
      { state, positions },
      this.#keyed.map(([kind, texts]) => [kind, texts.takeChanges()] as const),
      async (query) => await recorder?.write(query),
    );
    this.#isDirty = false;
    recorder?.kept();
    for (const [kind, texts] of this.#keyed)
      this.#unloaded.set(kind, (this.#unloaded.get(kind) ?? 0) + texts.unloadOldest());
  }

  get #saveIntervalMs(): number {
    const { saveIntervalMs = saveIntervalMsDefault } = this.#options;
    return this.#caughtUp ? saveIntervalMs : saveIntervalMsBehind;
  }

  get #keyed(): readonly (readonly [kind: string, texts: KeyedTexts])[] {
    return [...this.#comparison.keyed, ...(this.#options.recorder?.keyed ?? [])];
  }

  async #takeAll(incoming: readonly JoinedItem[]): Promise<void> {
    const { recorder } = this.#options;
    const items = recorder === undefined ? incoming : incoming.map((item) => recorder.masked(item));
    const wanted = new Map<string, Set<string>>();
    const isSomeUnloaded = this.#unloaded.values().some((count) => count > 0);
    for (const item of isSomeUnloaded ? items : []) {
      for (const [kind, keys] of this.#comparison.missingFor(item)) {
        if (keys === 'all') continue;
        wanted.set(kind, (wanted.get(kind) ?? new Set()).union(new Set(keys)));
      }
    }
    for (const [kind, keys] of wanted) await this.#load(kind, [...keys]);
    for (const item of items) {
      // A truncate is of every aggregate, also of those that nobody has touched for long.
      const missing = isSomeUnloaded ? this.#comparison.missingFor(item) : [];
      for (const [kind, keys] of missing) if (keys === 'all') await this.#load(kind, keys);
      const said = this.#comparison.take(item);
      this.#isDirty = true;
      if (item.tag === 'transaction') {
        const ms = Date.now() - Number(item.transaction.identity.commitTimeUs / 1000n);
        this.#lag = { ms, atMs: performance.now() };
      }
      const lagMs = this.#lag?.ms ?? 0;
      recorder?.take(item, said, lagMs);
      if (this.#caughtUp) this.#lagMsMax = Math.max(this.#lagMsMax, lagMs);
    }
  }

  /** What is in the database and not in memory. */
  async #load(kind: string, keys: readonly string[] | 'all'): Promise<void> {
    if ((this.#unloaded.get(kind) ?? 0) === 0) return;
    const texts = this.#comparison.keyed.get(kind);
    const entries = await this.#store.loadKeys(kind, keys);
    const absent = entries.filter(({ key }) => texts?.has(key) === false);
    texts?.load(absent);
    this.#unloaded.set(kind, (this.#unloaded.get(kind) ?? 0) - absent.length);
  }

  #watchBlocking(): void {
    const { blocking } = this.#join;
    if (blocking === undefined) this.#blocked = null;
    else {
      const { identity, got } = blocking;
      // A large transaction that goes on arriving is not stuck.
      const transaction = `${identity.timeline} ${identity.commitLsn} ${got.events} ${got.changes}`;
      if (transaction !== this.#blocked?.transaction)
        this.#blocked = { transaction, sinceMs: performance.now() };
    }
  }
}

/** The horizon is a transaction: place in it does not matter. */
const headerOf = (identity: TransactionIdentity): string =>
  formatIdentity({ ...identity, ordinal: 0, part: 0 });

function horizonOf(saved: SavedEngine | undefined): TransactionIdentity | undefined {
  return saved?.horizon ? (readIdentity(saved.horizon) ?? undefined) : undefined;
}

function pointOf({ last, ...position }: Stored['positions'][number]) {
  return { ...position, last: last === null ? null : readIdentity(last) };
}

function offsetsOf(points: Join['resumePoints']): Map<string, bigint[]> {
  const offsets = new Map<string, bigint[]>();
  for (const { topic, partition, offset } of points) {
    const ofTopic = offsets.get(topic) ?? [];
    ofTopic[partition] = offset;
    offsets.set(topic, ofTopic);
  }
  return offsets;
}
