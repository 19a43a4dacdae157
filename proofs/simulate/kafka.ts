/**
 * The modelled brokers: one transaction coordinator, partitions with markers, reads of committed records up to the last
 * stable offset. https://kafka.apache.org/43/design/design/#message-delivery-semantics
 */
import type { Progress } from '@diptych/delivery/protocol';
import { commandOf, isWord } from './commands.ts';
import type { Deviation } from './mutants.ts';
import {
  checkpointPartition,
  type Entry,
  type KafkaTransaction,
  leaders,
  none,
  partitionOf,
  readCommitted,
  recordPartitions,
  together,
} from './partitions.ts';
import { timing } from './plan.ts';
import type { Promises } from './promises.ts';
import type { RecordId, Wal } from './wal.ts';
import type { World } from './world.ts';

/** What the coordinator knows of one transactional id. */
interface Coordination {
  epoch: number;
  state: 'empty' | 'ongoing' | 'ending';
  transaction: KafkaTransaction | null;
  lastOutcome: KafkaTransaction['outcome'];
  /** By partition. */
  lastSequences: number[];
}

export type Answer<T> =
  | { readonly tag: 'done'; readonly value: T }
  /** CONCURRENT_TRANSACTIONS: the one before is still being ended; ask again. */
  | { readonly tag: 'concurrent' }
  /** PRODUCER_FENCED, INVALID_PRODUCER_EPOCH. */
  | { readonly tag: 'fenced' }
  | { readonly tag: 'invalid-state' };

/** One partition's batch of a transaction. */
export interface ProduceRequest {
  readonly transactionalId: string;
  readonly epoch: number;
  readonly partition: number;
  /** Dedupes what an idempotent producer sends again. */
  readonly sequence: number;
  readonly records: readonly RecordId[];
  readonly progress: Progress | null;
}

/** Without transactions: one partition's batch of a produce request. */
export interface AppendRequest {
  readonly records: readonly RecordId[];
  readonly progress: Progress | null;
  /** What the checkpoints said when the session began. */
  readonly floor: Progress | null;
}

const done = <T>(value: T): Answer<T> => ({ tag: 'done', value });

export class Kafka {
  readonly #world: World;
  readonly #promises: Promises;
  readonly #wal: Wal;
  readonly #coordinations = new Map<string, Coordination>();
  readonly #records: Entry<RecordId>[][] = Array.from({ length: recordPartitions }, () => []);
  readonly #checkpoints: Entry<Progress>[] = [];
  #awayUntilMs = 0;
  readonly #electedAtMs: number[] = Array.from({ length: leaders }, () => 0);
  #asked = 0;

  /** `wal`: what the records are of. */
  constructor(world: World, { promises, wal }: { promises: Promises; wal: Wal }) {
    this.#world = world;
    this.#promises = promises;
    this.#wal = wal;
  }

  /** How many commands people have written into their topic. */
  get asked(): number {
    return this.#asked;
  }

  ask(): void {
    this.#asked += 1;
    this.#world.say(() => `kafka: command ${this.#asked - 1} is asked for`);
  }

  /** For how long requests to this leader wait or fail, in milliseconds. */
  awayMs(leader: number): number {
    return Math.max(
      0,
      this.#awayUntilMs - this.#world.nowMs,
      (this.#electedAtMs[leader] ?? 0) - this.#world.nowMs,
    );
  }

  /** All brokers at once. */
  goAway(forMs: number): void {
    this.#world.coverage.clusterAbsences += 1;
    this.#awayUntilMs = Math.max(this.#awayUntilMs, this.#world.nowMs + forMs);
  }

  /** One partition, or the coordinator, has no leader until another broker is elected; what was acknowledged is there. */
  elect({ leader, forMs }: { leader: number; forMs: number }): void {
    this.#world.coverage.elections += 1;
    this.#electedAtMs[leader] = Math.max(this.#electedAtMs[leader] ?? 0, this.#world.nowMs + forMs);
  }

  comeBack(): void {
    this.#awayUntilMs = 0;
    this.#electedAtMs.fill(0);
  }

  /** What `diptych init` does. */
  writeFirstCheckpoint(progress: Progress): void {
    const touched = 1 << checkpointPartition;
    const transaction = { outcome: 'committed' as const, touched, marked: touched, records: [], progress };
    this.#checkpoints.push({ transaction, value: progress });
    this.#promises.committed(transaction);
  }

  /** InitProducerId: ends the transaction that is open, and makes every older epoch a dead one. */
  initProducer(transactionalId: string): Answer<number> {
    const coordination = this.#coordinationOf(transactionalId);
    if (coordination.state === 'ending') return { tag: 'concurrent' };
    coordination.epoch += 1;
    coordination.lastSequences = [];
    if (coordination.state === 'ongoing') {
      this.#end(coordination, 'aborted');
      return { tag: 'concurrent' };
    }
    return done(coordination.epoch);
  }

  produce(request: ProduceRequest): Answer<null> {
    const coordination = this.#coordinationOf(request.transactionalId);
    if (coordination.epoch !== request.epoch) return this.#fenced();
    const { partition, sequence } = request;
    if (sequence <= (coordination.lastSequences[partition] ?? 0)) return done(null);
    if (coordination.state === 'ending') return { tag: 'concurrent' };
    const transaction = coordination.transaction ?? this.#begin(coordination);
    coordination.lastSequences[partition] = sequence;
    transaction.touched |= 1 << partition;
    for (const value of request.records) {
      this.#records[partition]?.push({ transaction, value });
      transaction.records.push(value);
    }
    if (request.progress) {
      this.#checkpoints.push({ transaction, value: request.progress });
      transaction.progress = request.progress;
    }
    return done(null);
  }

  /** Without transactions, and without the broker's memory of idempotent producers: what is sent again is there again. */
  append({ records, progress, floor }: AppendRequest): Answer<null> {
    for (const value of records) this.#records[partitionOf(value)]?.push({ transaction: none, value });
    if (progress) this.#checkpoints.push({ transaction: none, value: progress });
    this.#promises.appended({ records, progress, floor }, this.#wal);
    return done(null);
  }

  /** EndTxn with COMMIT. The answer comes when the decision is durable; the markers follow. */
  commit({ transactionalId, epoch }: { transactionalId: string; epoch: number }): Answer<null> {
    const coordination = this.#coordinationOf(transactionalId);
    if (coordination.epoch !== epoch) return this.#fenced();
    if (coordination.state === 'ongoing') {
      this.#end(coordination, 'committed');
      return done(null);
    }
    return coordination.lastOutcome === 'committed' ? done(null) : { tag: 'invalid-state' };
  }

  /** What the checkpoints below the last stable offset say together; or what a deviation takes for it. */
  readCheckpoint(deviation: Deviation | null = null): Progress | null {
    if (deviation === 'read-uncommitted-checkpoint') return this.#checkpoints.at(-1)?.value ?? null;
    const committed = readCommitted(this.#checkpoints, checkpointPartition);
    return deviation === 'last-checkpoint-counts' ? (committed.at(-1) ?? null) : together(committed);
  }

  /** Where a session is about to begin: what it must not publish again, and how much it may. */
  adopt(): Progress | null {
    const progress = this.readCheckpoint();
    this.#promises.adopted(progress, this.#wal);
    return progress;
  }

  /** Commands whose word can be read. */
  readWords(): Set<number> {
    const done = new Set<number>();
    if (this.#asked === 0) return done;
    for (const record of this.readRecords().flat()) if (isWord(record)) done.add(commandOf(record));
    return done;
  }

  /** What a `read_committed` consumer of each partition gets. */
  readRecords(): RecordId[][] {
    return this.#records.map((entries, partition) => readCommitted(entries, partition));
  }

  /** Nothing is open and every marker is written. */
  get isSettled(): boolean {
    for (const { state } of this.#coordinations.values()) if (state !== 'empty') return false;
    return true;
  }

  #coordinationOf(transactionalId: string): Coordination {
    const known = this.#coordinations.get(transactionalId);
    if (known) return known;
    const fresh: Coordination = {
      epoch: 0,
      state: 'empty',
      transaction: null,
      lastOutcome: 'aborted',
      lastSequences: [],
    };
    this.#coordinations.set(transactionalId, fresh);
    return fresh;
  }

  #fenced(): Answer<never> {
    this.#world.coverage.fencedRequests += 1;
    return { tag: 'fenced' };
  }

  /** The coordinator aborts what stays open too long, and fences whoever opened it. */
  #begin(coordination: Coordination): KafkaTransaction {
    const transaction: KafkaTransaction = {
      outcome: 'open',
      touched: 0,
      marked: 0,
      records: [],
      progress: null,
    };
    coordination.transaction = transaction;
    coordination.state = 'ongoing';
    this.#world.agenda.after(timing.transactionTimeoutMs, () => {
      if (coordination.transaction !== transaction || transaction.outcome !== 'open') return;
      this.#world.coverage.transactionTimeouts += 1;
      this.#world.say(() => 'kafka: transaction timed out');
      coordination.epoch += 1;
      this.#end(coordination, 'aborted');
    });
    return transaction;
  }

  #end(coordination: Coordination, outcome: 'committed' | 'aborted'): void {
    const { transaction } = coordination;
    if (!transaction) return;
    transaction.outcome = outcome;
    coordination.state = 'ending';
    coordination.lastOutcome = outcome;
    this.#world.say(() => `kafka: ${outcome} ${transaction.records.length} records`);
    if (outcome === 'committed') this.#promises.committed(transaction);
    for (let partition = 0; partition <= checkpointPartition; partition++) {
      if ((transaction.touched & (1 << partition)) === 0) continue;
      this.#world.agenda.after(this.#markerDelayMs(partition), () => {
        transaction.marked |= 1 << partition;
        if (transaction.marked !== transaction.touched) return;
        coordination.state = 'empty';
        coordination.transaction = null;
      });
    }
  }

  #markerDelayMs(partition: number): number {
    const { random, calm } = this.#world;
    return (
      this.awayMs(partition) +
      (!calm && random.chance(0.05) ? random.between(20, 400) : random.between(0.2, 3))
    );
  }
}
