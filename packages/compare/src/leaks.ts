/** Leaks: transactions that changed an audited table and carried no event, so that the domain panel never heard of them. */
import { OperatingError } from '@diptych/runtime/failure';
import {
  compareCommits,
  type JoinedTransaction,
  type Operation,
  type TransactionIdentity,
  tableName,
} from './joined-transaction.ts';
import { referenceTo, type TransactionReference } from './transaction-reference.ts';

export interface Leak extends TransactionReference {
  /** The audited tables that it changed, `schema.table`, sorted. */
  readonly tables: readonly string[];
  /** What it did to them, sorted: `c`, `u`, `d`, `t`. */
  readonly ops: readonly Operation[];
}

export interface LeakReport {
  /** `schema.table`, sorted: those given, or those learned. */
  readonly audited: readonly string[];
  /** In commit order. */
  readonly leaks: readonly Leak[];
}

export interface LeakOptions {
  /** `schema.table` each. Default: every table that at least once changed together with an event. */
  readonly audited?: readonly string[];
  /** Transactions without an event that are remembered until the audited tables are known, about 300 bytes each. */
  readonly candidatesMax?: number;
}

interface Candidate {
  readonly identity: TransactionIdentity;
  readonly ops: ReadonlyMap<string, ReadonlySet<Operation>>;
}

const candidatesMaxDefault = 500_000;

/** Learns over the whole run which tables travel with events, and reports at its end. */
export class LeakFinder {
  readonly #given: ReadonlySet<string> | undefined;
  readonly #learned = new Set<string>();
  readonly #candidates: Candidate[] = [];
  readonly #candidatesMax: number;

  constructor({ audited, candidatesMax = candidatesMaxDefault }: LeakOptions = {}) {
    this.#given = audited && new Set(audited);
    this.#candidatesMax = candidatesMax;
  }

  /** Takes the next transaction in. Throws OperatingError `comparison-exhausted`. */
  add({ identity, domainEvents, changes, parkedCount }: JoinedTransaction): void {
    // A parked event was meant all the same: it is late, not missing.
    if (domainEvents.length + parkedCount > 0) {
      for (const change of changes) this.#learned.add(tableName(change));
      return;
    }
    const ops = new Map<string, Set<Operation>>();
    for (const change of changes) {
      const table = tableName(change);
      if (this.#given?.has(table) === false) continue;
      const ofTable = ops.get(table) ?? new Set();
      ops.set(table, ofTable.add(change.op));
    }
    if (ops.size === 0) return;
    if (this.#candidates.length >= this.#candidatesMax) throw exhausted(this.#candidatesMax);
    this.#candidates.push({ identity, ops });
  }

  report(): LeakReport {
    const audited = this.#given ?? this.#learned;
    const leaks = this.#candidates
      .map(({ identity, ops }) => ({ identity, ops: [...ops].filter(([table]) => audited.has(table)) }))
      .filter(({ ops }) => ops.length > 0)
      .sort((left, right) => compareCommits(left.identity, right.identity))
      .map(({ identity, ops }) => ({
        ...referenceTo(identity),
        tables: ops.map(([table]) => table).sort(),
        ops: [...new Set(ops.flatMap(([, ofTable]) => [...ofTable]))].sort(),
      }));
    return { audited: [...audited].sort(), leaks };
  }
}

function exhausted(candidatesMax: number): OperatingError {
  return new OperatingError(
    'comparison-exhausted',
    `more than ${candidatesMax} transactions changed rows without an event`,
    { remedy: 'Name the audited tables: then only transactions that changed one of them are remembered.' },
  );
}
