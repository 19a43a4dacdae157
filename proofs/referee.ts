/**
 * Compares what consumers got with what was committed. Pure: facts in, figures out. A fact is what one record says, as one
 * line. At least once a record whose identity came before is a repeat, and everything else is asked of the first
 * occurrences.
 */
import type { DeliveryMode } from '@diptych/delivery/protocol';
import { type Identity, identityHeader, parseIdentity } from '@diptych/kafka/identity';
import type { PrintedRecord } from './java-consumer.ts';

/** What a record says, and of its key's order: its version. */
export interface Reading {
  readonly fact: string;
  readonly order?: { readonly key: string; readonly version: number };
}

export interface RefereeOptions<Source extends string> {
  /** By xid: how often each fact has to come. */
  readonly owed: Map<number, Map<string, number>>;
  readonly mode: DeliveryMode;
  /** Undefined for a record that nobody could have caused. */
  readonly read: (source: Source, record: PrintedRecord) => Reading | undefined;
}

export interface Findings {
  /** Transactions that owe anything. */
  readonly committed: number;
  /** Transactions of which every record came, END included. */
  readonly received: number;
  readonly records: number;
  readonly lost: number;
  readonly repeated: number;
  readonly outOfOrder: number;
  /** Records that no committed transaction caused. */
  readonly phantom: number;
  /** Records in a topic that should have none: of parked ones, of a table without change events, of nobody knows what. */
  readonly stray: number;
  /** The first violations, in words. */
  readonly examples: readonly string[];
}

const examplesMax = 20;
const identityPattern = new RegExp(`(?:^|,)${identityHeader}:([^,]+)`);

type Violation = 'lost' | 'repeated' | 'outOfOrder' | 'phantom' | 'stray';

export class Referee<Source extends string> {
  /** By xid: how often each fact is still owed. One that is owed no more stays, at 0: what comes beyond is a repeat. */
  readonly #owed: RefereeOptions<Source>['owed'];
  readonly #read: RefereeOptions<Source>['read'];
  /** The position of the last record, by topic and partition. */
  readonly #last = new Map<string, Identity>();
  readonly #versions = new Map<string, number>();
  readonly #counts = { lost: 0, repeated: 0, outOfOrder: 0, phantom: 0, stray: 0 };
  readonly #examples: string[] = [];
  #records = 0;
  /** Identities that came, by topic and partition; null exactly once, where a repeat is found by what it says. */
  readonly #came: Map<string, Set<string>> | null;

  constructor({ owed, mode, read }: RefereeOptions<Source>) {
    this.#came = mode === 'at-least-once' ? new Map() : null;
    this.#owed = owed;
    this.#read = read;
  }

  /** Every record of a topic, in the order of each partition. */
  take(source: Source, record: PrintedRecord): void {
    this.#records += 1;
    const header = identityPattern.exec(record.headers)?.[1];
    const reading = this.#read(source, record);
    if (header === undefined || reading === undefined)
      return this.#found('phantom', `${source}: ${record.key}`);
    const place = `${source} ${record.partition}`;
    if (this.#cameBefore(place, header)) return this.#repeats(reading.fact, header);
    const identity = parseIdentity(header);
    const owed = this.#owed.get(identity.xid);
    const left = owed?.get(reading.fact);
    if (!owed || left === undefined) return this.#found('phantom', `${reading.fact} (${header})`);
    if (left === 0) return this.#found('repeated', `${reading.fact} (${header})`);
    owed.set(reading.fact, left - 1);
    if (!this.#isInOrder(place, identity, reading.order)) {
      this.#found('outOfOrder', `${reading.fact} (${header})`);
    }
  }

  /** A record of a topic in which there should be none. */
  stray(topic: string, record: PrintedRecord): void {
    this.#found('stray', `${topic}: ${record.key} ${record.headers}`);
  }

  /** What came of it, when all records were taken. */
  findings(): Findings {
    let received = 0;
    for (const [xid, owed] of this.#owed) {
      let whole = true;
      for (const [what, count] of owed) {
        if (count === 0) continue;
        whole = false;
        this.#found('lost', `${count} × ${what} (transaction ${xid})`, count);
      }
      if (whole) received += 1;
    }
    const committed = this.#owed.size;
    return { committed, received, records: this.#records, ...this.#counts, examples: this.#examples };
  }

  /** Commit order in each partition, transactions contiguous and each in its own order; versions of a key rise. */
  #isInOrder(
    partition: string,
    identity: Identity,
    order: { key: string; version: number } | undefined,
  ): boolean {
    const last = this.#last.get(partition);
    this.#last.set(partition, identity);
    const behind = last === undefined || isBehind(identity, last);
    if (order === undefined) return behind;
    const version = this.#versions.get(order.key) ?? 0;
    this.#versions.set(order.key, Math.max(version, order.version));
    return behind && order.version > version;
  }

  #cameBefore(place: string, header: string): boolean {
    if (!this.#came) return false;
    const came = this.#came.get(place) ?? new Set();
    this.#came.set(place, came);
    return came.has(header) || !came.add(header);
  }

  /** As it should be at least once, unless it says something else than it did. */
  #repeats(what: string, header: string): void {
    const { xid } = parseIdentity(header);
    if (this.#owed.get(xid)?.has(what)) this.#counts.repeated += 1;
    else this.#found('phantom', `${what} (${header}), again and otherwise`);
  }

  #found(violation: Violation, example: string, count = 1): void {
    this.#counts[violation] += count;
    if (this.#examples.length < examplesMax) this.#examples.push(`${violation}: ${example}`);
  }
}

function isBehind(identity: Identity, last: Identity): boolean {
  if (identity.commitLsn !== last.commitLsn) return identity.commitLsn > last.commitLsn;
  if (identity.ordinal !== last.ordinal) return identity.ordinal > last.ordinal;
  return identity.part > last.part;
}
