/** A transaction of which records have come, but not yet all: what is there, and what END says there must be. */
import type { Identity } from '@diptych/kafka/identity';
import {
  type Change,
  comparePlaces,
  type DomainEvent,
  formatCommitTime,
  type JoinedItem,
  type JoinedTransaction,
  type TransactionIdentity,
} from './joined-transaction.ts';
import type { End, PanelRecord } from './panel-record.ts';
import type { ResumePoint } from './partition-progress.ts';

/** Where a record came from: with its identity, what the dedupe key is made of. */
export interface Origin {
  readonly topic: string;
  readonly partition: number;
}

interface Counts {
  readonly events: number;
  readonly changes: number;
}

/** A transaction that is not whole: what came of it and what END counts. Without END, `expected` is null. */
export interface Straggler {
  readonly identity: TransactionIdentity;
  readonly expected: Counts | null;
  readonly got: Counts;
}

export class PendingTransaction {
  readonly identity: TransactionIdentity;
  readonly #events: DomainEvent[] = [];
  readonly #changes: Change[] = [];
  readonly #seen = new Set<string>();
  readonly #recordsMax: number;
  /** Items that stand behind a record of it in their partition, and so come out behind it. */
  readonly #behind: JoinedItem[] = [];
  /** By partition, where its first record there stands. */
  readonly #begins = new Map<string, ResumePoint>();
  #got = { events: 0, changes: 0 };
  #omitted = 0;
  #end: End | undefined;

  constructor({ timeline, commitLsn, xid, commitTimeUs }: TransactionIdentity, recordsMax: number) {
    this.identity = { timeline, commitLsn, xid, commitTimeUs };
    this.#recordsMax = recordsMax;
  }

  /** Records that it holds in memory. */
  get records(): number {
    return this.#events.length + this.#changes.length + this.#behind.length;
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** Everything that END counts is there, and nothing besides. */
  get whole(): boolean {
    const end = this.#end;
    return end !== undefined && end.events === this.#got.events && end.changes === this.#got.changes;
  }

  /** Whether it remembers each record that it was given; beyond its bound it only counts. */
  get remembersAll(): boolean {
    return this.#omitted === 0;
  }

  /** What came behind its records in their partitions, in the order of each. */
  get behind(): readonly JoinedItem[] {
    return this.#behind;
  }

  /** By partition, where its first record stands: to have it whole again, reading begins there. */
  get begins(): ReadonlyMap<string, ResumePoint> {
    return this.#begins;
  }

  /** It has a record in a partition; the first one says where it begins there. */
  beginsAt(where: string, point: ResumePoint): void {
    if (!this.#begins.has(where)) this.#begins.set(where, point);
  }

  follow(item: JoinedItem): void {
    this.#behind.push(item);
  }

  /** Takes a record in. False when it was there already: a repeat, which changes nothing. */
  add(
    record: PanelRecord,
    { topic, partition, ordinal, part }: Origin & Pick<Identity, 'ordinal' | 'part'>,
  ): boolean {
    const place = `${topic} ${ordinal}.${part}`;
    // A truncate has one copy in every partition of its topic: each is expected once, all together count once.
    const copied = record.tag === 'change' && record.change.op === 't';
    const copy = copied ? `${place} ${partition}` : place;
    if (this.#seen.has(copy)) return false;
    const counted = !this.#seen.has(place);
    const kept = this.records < this.#recordsMax;
    if (kept || copied) this.#seen.add(place).add(copy);
    if (counted) this.#take(record, kept);
    return true;
  }

  #take(record: PanelRecord, kept: boolean): void {
    switch (record.tag) {
      case 'event':
        this.#got.events += 1;
        if (kept) this.#events.push(record.event);
        break;
      case 'change':
        this.#got.changes += 1;
        if (kept) this.#changes.push(record.change);
        break;
      case 'end':
        this.#end = record.end;
        return;
      case 'tombstone':
      case 'begin':
        return;
    }
    if (!kept) this.#omitted += 1;
  }

  straggler(): Straggler {
    const { events, changes } = this.#end ?? {};
    const expected = events === undefined || changes === undefined ? null : { events, changes };
    return { identity: this.identity, expected, got: { ...this.#got } };
  }

  joined(): JoinedTransaction {
    return {
      identity: this.identity,
      commitTime: formatCommitTime(this.identity.commitTimeUs),
      domainEvents: this.#events.sort(comparePlaces),
      changes: this.#changes.sort(comparePlaces),
      parkedCount: this.#end?.parked ?? 0,
      writer: this.#end?.writer ?? null,
      omitted: this.#omitted,
    };
  }
}
