/** Ordered streams to one ordered stream. */

/**
 * Yields the items of all sources, the smallest first, each source in its own order. Only one item of each source is
 * held at a time. `rank` is asked once for each item; items of equal rank come in the order of their sources.
 */
export async function* merge<T, Rank>(
  sources: readonly AsyncGenerator<T, void, undefined>[],
  { rank, compare }: { rank: (item: T) => Rank; compare: (left: Rank, right: Rank) => number },
): AsyncGenerator<T, void, undefined> {
  const heads: { source: (typeof sources)[number]; item: T; rank: Rank }[] = [];
  try {
    const firsts = await Promise.all(sources.map((source) => source.next()));
    for (const [index, source] of sources.entries()) {
      const first = firsts[index];
      if (first && !first.done) heads.push({ source, item: first.value, rank: rank(first.value) });
    }
    for (;;) {
      let [least] = heads;
      if (least === undefined) return;
      for (const head of heads) if (compare(head.rank, least.rank) < 0) least = head;
      yield least.item;
      const next = await least.source.next();
      if (next.done) heads.splice(heads.indexOf(least), 1);
      else {
        least.item = next.value;
        least.rank = rank(next.value);
      }
    }
  } finally {
    await Promise.all(sources.map((source) => source.return()));
  }
}

/** A stream whose first item was taken out already. */
export async function* resumed<T>(
  first: IteratorResult<T, void>,
  rest: AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}
