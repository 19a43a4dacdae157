import type { Counted } from '@diptych/change/tally';
import { TransactionCounters } from '@diptych/change/transaction-counters';
import type { Transaction } from '@diptych/transaction/transaction';

/**
 * What END counts, when change events of the transaction are parked: they keep their place in the order (`total_order`
 * has a gap where they belong), but who has seen `event_count` of them has all that are published.
 */
export class ParkingCounters extends TransactionCounters {
  #parkedChanges = 0;
  #parkedByCollection: Map<string, number> | null = null;

  override begin(transaction: Transaction): void {
    super.begin(transaction);
    this.#parkedChanges = 0;
    this.#parkedByCollection = null;
  }

  override get changes(): number {
    return super.changes - this.#parkedChanges;
  }

  /** Takes back a change event of a table (`schema.table`) that was counted, and is parked. */
  parkChange(collection: string): void {
    this.#parkedChanges += 1;
    this.#parkedByCollection ??= new Map();
    this.#parkedByCollection.set(collection, (this.#parkedByCollection.get(collection) ?? 0) + 1);
  }

  override collections(): readonly Readonly<Counted>[] {
    const parked = this.#parkedByCollection;
    if (parked === null) return super.collections();
    return super
      .collections()
      .map((one) => ({ ...one, count: one.count - (parked.get(one.name) ?? 0) }))
      .filter(({ count }) => count > 0);
  }
}
