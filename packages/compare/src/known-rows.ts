/** Fills in what an update's row was before, from the changes that came earlier: PostgreSQL sends it only on request. */
import { stringifyLossless } from '@diptych/runtime/json';
import type { Change, JoinedTransaction } from './joined-transaction.ts';
import type { JsonObject } from './json-object.ts';

/** Rows remembered, about 1 KB each; the one that was not changed for longest is forgotten first. */
const rowsMaxDefault = 10_000;

/** For showing, not for proving: what is filled in was folded here, not sent by the server. */
export class KnownRows {
  readonly #rowsMax: number;
  /** By topic and key, the last changed at the end. */
  readonly #rows = new Map<string, JsonObject>();

  constructor({ rowsMax = rowsMaxDefault } = {}) {
    this.#rowsMax = rowsMax;
  }

  /** The next transaction, with `before` in each update whose row is known. */
  complete(transaction: JoinedTransaction): JoinedTransaction {
    return { ...transaction, changes: transaction.changes.map((change) => this.#complete(change)) };
  }

  #complete(change: Change): Change {
    if (change.op === 't') {
      for (const place of this.#rows.keys())
        if (place.startsWith(`${change.topic} `)) this.#rows.delete(place);
    }
    if (change.key === null) return change;
    const place = `${change.topic} ${stringifyLossless(change.key)}`;
    const known = change.before ?? this.#rows.get(place) ?? null;
    this.#rows.delete(place);
    // A row of which a TOASTed value was not sent is not known by it.
    const whole = known !== null || change.unchanged.length === 0;
    if (change.after !== null && whole) this.#rows.set(place, { ...known, ...change.after });
    for (const oldest of this.#rows.keys()) {
      if (this.#rows.size <= this.#rowsMax) break;
      this.#rows.delete(oldest);
    }
    return change.op === 'u' ? { ...change, before: known } : change;
  }
}
