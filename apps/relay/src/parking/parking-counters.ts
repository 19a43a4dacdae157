import { TransactionCounters } from '@diptych/change/transaction-counters';

/**
 * What END counts, when change events of the transaction are parked: they keep their place in the order (`total_order`
 * has a gap where they belong), but who has seen `event_count` of them has all that are published.
 */
export class ParkingCounters extends TransactionCounters {
  #parkedChanges = 0;
  readonly #parkedByCollection = new Map<string, number>();

  override get changes(): number {
    return super.changes - this.#parkedChanges;
  }

  /** Takes back a change event of a table (`schema.table`) that was counted, and is parked. */
  parkChange(collection: string): void {
    this.#parkedChanges += 1;
    this.#parkedByCollection.set(collection, (this.#parkedByCollection.get(collection) ?? 0) + 1);
  }

  override *collections(): Iterable<readonly [collection: string, events: number]> {
    for (const [collection, events] of super.collections()) {
      const left = events - (this.#parkedByCollection.get(collection) ?? 0);
      if (left > 0) yield [collection, left];
    }
  }
}
