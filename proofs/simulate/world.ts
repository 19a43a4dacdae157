/** What all parts of one schedule share: time, chance, the promises, what was seen, and the trace. */
import { Agenda } from './agenda.ts';
import { type Plan, slowMsMax } from './plan.ts';
import { Random } from './random.ts';

/** The promises, as they are named when one is broken. */
export type PromiseName =
  /** Nothing is reported as flushed that no committed checkpoint holds. */
  | 'reported-only-what-a-checkpoint-holds'
  /** The server never skips a transaction that is not whole in Kafka. */
  | 'nothing-lost'
  | 'nothing-repeated'
  /** At least once: what comes again lies within two batches behind what a checkpoint holds. */
  | 'repeats-are-bounded'
  | 'nothing-invented'
  | 'commit-order'
  | 'positions-never-move-backwards'
  /** After the last fault everything is published within a bounded time. */
  | 'progress'
  /** WAL without records of ours does not pile up behind the slot. */
  | 'slot-advances-on-idle-wal'
  | 'memory-is-bounded'
  /** Nobody moved the slot or took the checkpoint away, so nothing may be refused. */
  | 'refuses-only-with-cause'
  /** No assertion of the state machine fails. */
  | 'no-assertion-fails';

export interface Breach {
  readonly promise: PromiseName;
  readonly expected: string;
  readonly got: string;
}

/** How often each interesting thing happened: a simulation in which none of it happens proves nothing. */
export const noCoverage = {
  transactions: 0,
  commands: 0,
  sessions: 0,
  /** That came in one read with the grant of the slot. */
  earlyMessages: 0,
  batches: 0,
  pieces: 0,
  resumedPieces: 0,
  skippedTransactions: 0,
  idleCheckpoints: 0,
  kills: 0,
  hangs: 0,
  cutOffs: 0,
  /** Of the server, and where its slot falls back by it. */
  crashes: 0,
  slotFallbacks: 0,
  cleanRestarts: 0,
  slotSaves: 0,
  walSenderKills: 0,
  connectionCuts: 0,
  slotHeld: 0,
  fencedRequests: 0,
  unknownOutcomes: 0,
  recoveries: 0,
  recoveredThere: 0,
  recoveredMissing: 0,
  /** Kafka transactions that were committed while nobody heard of it. */
  unheardCommits: 0,
  /** All brokers at once; one leader; and requests that met either. */
  clusterAbsences: 0,
  elections: 0,
  leaderlessRequests: 0,
  lostRequests: 0,
  lostAnswers: 0,
  /** Without an answer and without an error. */
  silentRequests: 0,
  /** Whoever asked waits no more when the request arrives. */
  lateRequests: 0,
  duplicatedRequests: 0,
  /** Of those: the copy arrives when the answer to the other one was heard. */
  lateDuplicates: 0,
  transactionTimeouts: 0,
  pauses: 0,
  gracefulStops: 0,
  /** At least once: records that came again, and checkpoints that say less than one before them. */
  repeats: 0,
  staleCheckpoints: 0,
};
export type Coverage = { -readonly [what in keyof typeof noCoverage]: number };

export class World {
  readonly plan: Plan;
  readonly agenda = new Agenda();
  readonly random: Random;
  readonly coverage: Coverage = { ...noCoverage };
  readonly trace: string[] | null;
  breach: Breach | null = null;
  calm = false;
  /** Requests to Kafka that have not arrived yet: while there are any, a late one may still do harm. */
  underWay = 0;

  constructor(plan: Plan, { traced }: { traced: boolean }) {
    this.plan = plan;
    // Another stream than the plan's: taking a write out of the plan draws no write anew.
    this.random = new Random(plan.seed ^ 0x5bd1e995);
    this.trace = traced ? [] : null;
  }

  get nowMs(): number {
    return this.agenda.nowMs;
  }

  /** The first one ends the schedule. */
  broken(promise: PromiseName, { expected, got }: { expected: string; got: string }): void {
    this.breach ??= { promise, expected, got };
    this.say(() => `BROKEN ${promise}: expected ${expected}, got ${got}`);
  }

  say(text: () => string): void {
    this.trace?.push(`${this.nowMs.toFixed(1).padStart(8)} ms  ${text()}`);
  }

  /** Whether something of this chance goes wrong now. */
  strikes(chance: number): boolean {
    return !this.calm && chance > 0 && this.random.chance(chance);
  }

  /** From one machine to another, in milliseconds. */
  latencyMs(): number {
    return this.random.between(0.3, 4);
  }

  /** Of a request to Kafka, which may be stuck somewhere on its way. */
  requestDelayMs(): number {
    const slow = !this.calm && this.random.chance(this.plan.slowPerRequest);
    return slow ? this.random.between(20, slowMsMax) : this.latencyMs();
  }
}
