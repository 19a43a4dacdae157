import { identityHeader } from '@diptych/kafka/identity';

export interface Counted {
  readonly distinct: number;
  readonly repeated: number;
  /** Records that are not among those expected. */
  readonly others: number;
}

/** The whole header is read elsewhere; a million times only the ordinal is needed. */
const pattern = new RegExp(`(?:^|,)${identityHeader}:\\d+-([0-9A-F]{16}-\\d+)-(\\d+)-(\\d+)-`);

/** Which places of one transaction came, and how often: a bit for each. */
export class Ordinals {
  readonly #from: number;
  readonly #to: number;
  readonly #seen: Uint8Array;
  #transaction: string | undefined;
  #distinct = 0;
  #repeated = 0;
  #others = 0;

  /** Both bounds are included. The transaction is that of the first record. */
  constructor({ from, to }: { from: number; to: number }) {
    this.#from = from;
    this.#to = to;
    this.#seen = new Uint8Array(((to - from) >>> 3) + 1);
  }

  /** The headers of a record, as the console consumer prints them. */
  take(headers: string): void {
    const [, transaction, digits, part] = pattern.exec(headers) ?? [];
    const ordinal = Number(digits);
    this.#transaction ??= transaction;
    if (
      transaction !== this.#transaction ||
      part !== '0' ||
      !(ordinal >= this.#from && ordinal <= this.#to)
    ) {
      this.#others += 1;
      return;
    }
    const place = ordinal - this.#from;
    const bit = 1 << (place & 7);
    const byte = this.#seen[place >>> 3] ?? 0;
    if ((byte & bit) !== 0) {
      this.#repeated += 1;
      return;
    }
    this.#seen[place >>> 3] = byte | bit;
    this.#distinct += 1;
  }

  counted(): Counted {
    return { distinct: this.#distinct, repeated: this.#repeated, others: this.#others };
  }
}
