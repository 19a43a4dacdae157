/** What a service says at `/metrics` of its inboxes, all of them together. */
export interface InboxFigures {
  /** Of each inbox, whether it handles events as they come. */
  readonly consuming: readonly boolean[];
  /** Held by each inbox. */
  readonly partitions: readonly number[];
  /** Of each partition, records that are not handled. */
  readonly lagRecords: readonly number[];
}

/** Pure. An empty text is a service that does not answer. */
export function inboxFigures(metrics: string): InboxFigures {
  const samples = (name: string) =>
    [...metrics.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)`, 'gm'))].map(([, value]) => Number(value));
  return {
    consuming: samples('diptych_inbox_consuming').map((value) => value === 1),
    partitions: samples('diptych_inbox_partitions'),
    lagRecords: samples('diptych_inbox_lag_records'),
  };
}

/** Every inbox has partitions and handles what comes. */
export function isAtWork({ consuming, partitions }: InboxFigures): boolean {
  return consuming.length > 0 && consuming.every(Boolean) && partitions.every((held) => held > 0);
}

/** Every partition is at its end. One whose lag nobody could tell is not. */
export function isDone(figures: InboxFigures): boolean {
  const held = figures.partitions.reduce((sum, count) => sum + count, 0);
  const { lagRecords } = figures;
  return isAtWork(figures) && lagRecords.length >= held && lagRecords.every((records) => records === 0);
}
