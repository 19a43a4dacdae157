import type { Transaction } from '@diptych/transaction/transaction';

/**
 * What one transaction made so far, for the `transaction` block of its change events and for its END. Made at its begin
 * and fed with every change, also with those that are not published again after a restart.
 */
export class TransactionCounters {
  /** `<xid>:<commitLsn decimal>`, the same in every change event and in END. */
  readonly id: string;
  #changes = 0;
  #domainEvents = 0;
  #parked = 0;
  readonly #collections = new Map<string, number>();
  readonly #domain = new Map<string, DomainCount>();

  constructor(transaction: Transaction) {
    this.id = `${transaction.xid}:${transaction.commitLsn}`;
  }

  /** Change events, tombstones not counted. */
  get changes(): number {
    return this.#changes;
  }

  get domainEvents(): number {
    return this.#domainEvents;
  }

  /** Records set aside. */
  get parked(): number {
    return this.#parked;
  }

  /** True when nothing came of the transaction, which then has no END. */
  get isEmpty(): boolean {
    return this.#changes === 0 && this.#domain.size === 0 && this.#parked === 0;
  }

  /** Counts a change event of a table (`schema.table`) and returns its place in the transaction and in the table. */
  countChange(collection: string): ChangePlace {
    const collectionOrder = (this.#collections.get(collection) ?? 0) + 1;
    this.#collections.set(collection, collectionOrder);
    this.#changes += 1;
    return { totalOrder: this.#changes, collectionOrder };
  }

  countDomainEvent(topic: string, eventType: string): void {
    this.#domainEvents += 1;
    const key = `${topic} ${eventType}`;
    const count = this.#domain.get(key);
    if (count) count.events += 1;
    else this.#domain.set(key, { topic, eventType, events: 1 });
  }

  countParked(): void {
    this.#parked += 1;
  }

  /** Change events by table, in the order of their first. */
  collections(): Iterable<readonly [collection: string, events: number]> {
    return this.#collections;
  }

  /** Domain events by topic and type, in the order of their first. */
  domain(): Iterable<Readonly<DomainCount>> {
    return this.#domain.values();
  }
}

export interface ChangePlace {
  /** 1-based among the change events of the transaction. */
  readonly totalOrder: number;
  /** 1-based among those of the table. */
  readonly collectionOrder: number;
}

export interface DomainCount {
  readonly topic: string;
  readonly eventType: string;
  events: number;
}
