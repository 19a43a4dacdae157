/** So few are searched one by one, which is faster than a map: nearly every transaction has no more. */
const searchedMax = 8;

/** What is counted: under a name, and of what is named so under a topic too. */
export interface Counted {
  readonly topic: string;
  readonly name: string;
  count: number;
}

/** Those of one name, each under a topic of its own. */
interface Place extends Counted {
  next: Place | null;
}

/** Counts by topic and name, in the order of their first. */
export class Tally {
  readonly #counted: Place[] = [];
  /** By name, only when there are more than are searched. A key of both would be a new text for each change. */
  #places: Map<string, Place> | null = null;

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
    const counted: Place = { topic, name, count: 1, next: null };
    this.#counted.push(counted);
    if (this.#places) link(this.#places, counted);
    else if (this.#counted.length > searchedMax) {
      this.#places = new Map();
      for (const one of this.#counted) link(this.#places, one);
    }
    return 1;
  }

  /** Takes back the last that was counted so. */
  remove(topic: string, name: string): void {
    const known = this.#find(topic, name);
    if (!known) return;
    known.count -= 1;
    if (known.count > 0) return;
    this.#counted.splice(this.#counted.indexOf(known), 1);
    if (this.#places) unlink(this.#places, known);
  }

  #find(topic: string, name: string): Place | undefined {
    if (this.#places === null) {
      for (const counted of this.#counted)
        if (counted.name === name && counted.topic === topic) return counted;
      return undefined;
    }
    let place = this.#places.get(name) ?? null;
    while (place !== null && place.topic !== topic) place = place.next;
    return place ?? undefined;
  }
}

function link(places: Map<string, Place>, place: Place): void {
  place.next = places.get(place.name) ?? null;
  places.set(place.name, place);
}

function unlink(places: Map<string, Place>, place: Place): void {
  let before = places.get(place.name) ?? null;
  if (before === place) {
    if (place.next) places.set(place.name, place.next);
    else places.delete(place.name);
    return;
  }
  while (before !== null && before.next !== place) before = before.next;
  if (before) before.next = place.next;
}
