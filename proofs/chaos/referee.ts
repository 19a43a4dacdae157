/**
 * Compares what consumers got with what the ledger says was committed. Pure: facts in, figures out. At least once a record
 * whose identity came before is a repeat, and everything else is asked of the first occurrences.
 */
import type { DeliveryMode } from '@diptych/delivery/protocol';
import { type Identity, identityHeader, parseIdentity } from '@diptych/kafka/identity';
import type { PrintedRecord } from '../java-consumer.ts';
import { fact, read, type Source } from './fact.ts';

/** One row of the ledger, as the database has it in the end. */
export interface LedgerRow {
  /** Decimal. */
  readonly xid: string;
  readonly writer: number;
  readonly n: number;
  /** Each fact, `* <count>` behind those that came in numbers. */
  readonly facts: readonly string[];
}

export interface Findings {
  /** Transactions in the ledger. */
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

export class Referee {
  /** By xid: how often each fact is still owed. One that is owed no more stays, at 0: what comes beyond is a repeat. */
  readonly #owed = new Map<number, Map<string, number>>();
  /** The position of the last record, by topic and partition. */
  readonly #last = new Map<string, Identity>();
  readonly #versions = new Map<string, number>();
  readonly #counts = { lost: 0, repeated: 0, outOfOrder: 0, phantom: 0, stray: 0 };
  readonly #examples: string[] = [];
  #records = 0;
  /** Identities that came, by topic and partition; null exactly once, where a repeat is found by what it says. */
  readonly #came: Map<string, Set<string>> | null;

  /** `partitions`: a TRUNCATE comes once to each of them. */
  constructor(ledger: Iterable<LedgerRow>, { partitions, mode }: { partitions: number; mode: DeliveryMode }) {
    this.#came = mode === 'at-least-once' ? new Map() : null;
    for (const row of ledger) this.#owed.set(Number(row.xid), owedFor(row, partitions));
  }

  /** Every record of a topic, in the order of each partition. */
  take(source: Source, record: PrintedRecord): void {
    this.#records += 1;
    const header = identityPattern.exec(record.headers)?.[1];
    const reading = read(source, record);
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

const numbered = /^(.*) \* (\d+)$/;

/** A transaction owes its facts, its row in the ledger, and an END that counts them. */
function owedFor(row: LedgerRow, partitions: number): Map<string, number> {
  const owed = new Map<string, number>([[fact.ledger(row), 1]]);
  let changes = 1;
  let events = 0;
  for (const text of row.facts) {
    const [, what = text, count = '1'] = numbered.exec(text) ?? [];
    const spread = what === fact.truncated() ? partitions : 1;
    owed.set(what, (owed.get(what) ?? 0) + Number(count) * spread);
    if (what.startsWith('event ')) events += Number(count);
    else if (!what.endsWith(' tombstone')) changes += Number(count);
  }
  return owed.set(fact.end({ changes, events }), 1);
}
