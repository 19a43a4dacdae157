/** Fills in what an update's row was before, from the changes that came earlier: PostgreSQL sends it only on request. */
import { parseLossless, stringifyLossless } from '@diptych/runtime/json';
import type { Change, JoinedTransaction } from './joined-transaction.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';
import { KeyedState, type KeyedTexts, keyedTexts } from './keyed-state.ts';

/** Rows remembered, about 1 KB each; the one that was not changed for longest is forgotten first. */
const rowsMaxDefault = 10_000;

/** For showing, not for proving: what is filled in was folded here, not sent by the server. */
export class KnownRows {
  /** The rows as texts, for whoever keeps them. */
  readonly keyed: KeyedTexts;
  /** By topic and key, the last changed at the end. */
  readonly #rows: KeyedState<JsonObject>;

  /** `tracks`: whether somebody keeps them, and takes their changes. */
  constructor({ rowsMax = rowsMaxDefault, tracks = false } = {}) {
    this.#rows = new KeyedState({ residentMax: rowsMax, tracks });
    this.keyed = keyedTexts(this.#rows, { write: stringifyLossless, read: rowOf });
  }

  /** The next transaction, with `before` in each update whose row is known. */
  complete(transaction: JoinedTransaction): JoinedTransaction {
    return { ...transaction, changes: transaction.changes.map((change) => this.#complete(change)) };
  }

  #complete(change: Change): Change {
    if (change.op === 't') {
      for (const place of [...this.#rows.keys()])
        if (place.startsWith(`${change.topic} `)) this.#rows.delete(place);
    }
    if (change.key === null) return change;
    const place = `${change.topic} ${stringifyLossless(change.key)}`;
    const known = change.before ?? this.#rows.get(place) ?? null;
    // A row of which a TOASTed value was not sent is not known by it.
    const whole = known !== null || change.unchanged.length === 0;
    if (change.after !== null && whole) this.#rows.set(place, { ...known, ...change.after });
    else this.#rows.delete(place);
    this.#rows.forgetOldest();
    return change.op === 'u' ? { ...change, before: known } : change;
  }
}

function rowOf(text: string): JsonObject {
  const row = parseLossless(text);
  return isJsonObject(row) ? row : {};
}
