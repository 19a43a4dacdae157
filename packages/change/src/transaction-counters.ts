import type { DataMessage } from '@diptych/pgoutput/message';
import type { Transaction } from '@diptych/transaction/transaction';
import { type Counted, Tally } from './tally.ts';
import { writerContext } from './writer-context.ts';

/**
 * What one transaction made so far, for the `transaction` block of its change events and for its END. Begun with it
 * and fed with every change, also with those that are not published again after a restart.
 */
export class TransactionCounters {
  #id: string;
  #changes = 0;
  #domainEvents = 0;
  #parked = 0;
  #context: string | null = null;
  readonly #collections = new Tally();
  readonly #domain = new Tally();

  constructor(transaction: Transaction) {
    this.#id = idOf(transaction);
  }

  /** Is another transaction's from now on. */
  begin(transaction: Transaction): void {
    this.#id = idOf(transaction);
    this.#changes = 0;
    this.#domainEvents = 0;
    this.#parked = 0;
    this.#context = null;
    this.#collections.clear();
    this.#domain.clear();
  }

  /** `<xid>:<commitLsn decimal>`, the same in every change event and in END. */
  get id(): string {
    return this.#id;
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

  /** Who wrote it, when it said so (`writerContext`). */
  get context(): string | null {
    return this.#context;
  }

  /** Takes in what the transaction says of its writer; the first word counts. */
  noteContext(message: DataMessage): void {
    this.#context ??= writerContext(message);
  }

  /** True when nothing came of the transaction, which then has no END. */
  get isEmpty(): boolean {
    return this.#changes === 0 && this.#domainEvents === 0 && this.#parked === 0;
  }

  /** Counts a change event of a table (`schema.table`) and returns its place in the transaction and in the table. */
  countChange(collection: string): ChangePlace {
    this.#changes += 1;
    return { totalOrder: this.#changes, collectionOrder: this.#collections.add('', collection) };
  }

  /** Takes back the last one that was counted, of this table. */
  uncountChange(collection: string): void {
    this.#changes -= 1;
    this.#collections.remove('', collection);
  }

  countDomainEvent(topic: string, eventType: string): void {
    this.#domainEvents += 1;
    this.#domain.add(topic, eventType);
  }

  countParked(): void {
    this.#parked += 1;
  }

  /** Change events by table, which is the name, in the order of their first. */
  collections(): readonly Readonly<Counted>[] {
    return this.#collections.counted;
  }

  /** Domain events by topic and type, which is the name, in the order of their first. */
  domain(): readonly Readonly<Counted>[] {
    return this.#domain.counted;
  }
}

const idOf = ({ xid, commitLsn }: Transaction): string => `${xid}:${commitLsn}`;

export interface ChangePlace {
  /** 1-based among the change events of the transaction. */
  readonly totalOrder: number;
  /** 1-based among those of the table. */
  readonly collectionOrder: number;
}
