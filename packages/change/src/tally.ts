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

/**
 * Counts by topic and name, in the order of their first. Used for one transaction after the other: nearly all have the names of the
 * one before, and what was made for those is counted up again.
 */
export class Tally {
  /** Behind the first `#length`: those of the last time, which may come again. */
  readonly #counted: Place[] = [];
  #length = 0;
  /** By name, only when there are more than are searched. A key of both would be a new text for each change. */
  #places: Map<string, Place> | null = null;

  /** In the order of their first. */
  get counted(): readonly Readonly<Counted>[] {
    this.#trim();
    return this.#counted;
  }

  /** Begins anew. What was read of `counted` is another one's from now on. */
  clear(): void {
    this.#length = 0;
    this.#places = null;
  }

  /** Counts one more, and answers how many there are now. */
  add(topic: string, name: string): number {
    const known = this.#find(topic, name);
    if (known) {
      known.count += 1;
      return known.count;
    }
    const counted = this.#first(topic, name);
    if (this.#places) link(this.#places, counted);
    else if (this.#length > searchedMax) {
      this.#places = new Map();
      this.#trim();
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
    this.#length -= 1;
    this.#counted.splice(this.#counted.indexOf(known), 1);
    if (this.#places) unlink(this.#places, known);
  }

  #first(topic: string, name: string): Place {
    const place = this.#counted[this.#length];
    if (place?.name === name && place.topic === topic) {
      this.#length += 1;
      place.count = 1;
      return place;
    }
    this.#trim();
    this.#length += 1;
    const counted = { topic, name, count: 1, next: null };
    this.#counted.push(counted);
    return counted;
  }

  #trim(): void {
    if (this.#counted.length > this.#length) this.#counted.length = this.#length;
  }

  #find(topic: string, name: string): Place | undefined {
    if (this.#places === null) {
      for (let at = 0; at < this.#length; at += 1) {
        const counted = this.#counted[at];
        if (counted?.name === name && counted.topic === topic) return counted;
      }
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
