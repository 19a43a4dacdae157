/** So few are searched one by one, which is faster than a map: nearly every transaction has no more. */
const searchedMax = 8;

/** What is counted: under a name, and of what is named so under a topic too. */
export interface Counted {
  readonly topic: string;
  readonly name: string;
  count: number;
}

/** Counts by topic and name, in the order of their first. */
export class Tally {
  readonly #counted: Counted[] = [];
  /** Only when there are more than are searched. */
  #places: Map<string, Counted> | null = null;

  /** In the order of their first. */
  get counted(): readonly Readonly<Counted>[] {
    return this.#counted;
  }

  /** Counts one more, and answers how many there are now. */
  add(topic: string, name: string): number {
    const known = this.#find(topic, name);
    if (known) {
      known.count += 1;
      return known.count;
    }
    const counted: Counted = { topic, name, count: 1 };
    this.#counted.push(counted);
    if (this.#places) this.#places.set(keyOf(counted), counted);
    else if (this.#counted.length > searchedMax)
      this.#places = new Map(this.#counted.map((one) => [keyOf(one), one]));
    return 1;
  }

  /** Takes back the last that was counted so. */
  remove(topic: string, name: string): void {
    const known = this.#find(topic, name);
    if (!known) return;
    known.count -= 1;
    if (known.count > 0) return;
    this.#counted.splice(this.#counted.indexOf(known), 1);
    this.#places?.delete(keyOf(known));
  }

  #find(topic: string, name: string): Counted | undefined {
    if (this.#places) return this.#places.get(keyOf({ topic, name }));
    for (const counted of this.#counted) if (counted.name === name && counted.topic === topic) return counted;
    return undefined;
  }
}

/** A topic has no blank in it. */
const keyOf = ({ topic, name }: Pick<Counted, 'topic' | 'name'>): string => `${topic} ${name}`;
