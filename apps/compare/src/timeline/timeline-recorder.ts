/** Takes down what the engine folds, for the timeline: masked, bounded, and kept in the engine's own transaction. */
import type { Said } from '@diptych/compare/comparison';
import type { AggregateName } from '@diptych/compare/console-api';
import type { Compared } from '@diptych/compare/drift';
import type { JoinedItem, JoinedTransaction, LateRecord } from '@diptych/compare/joined-transaction';
import type { KeyedTexts } from '@diptych/compare/keyed-state';
import { KnownRows } from '@diptych/compare/known-rows';
import { formatPosition } from '@diptych/compare/position';
import type { Shape } from '@diptych/compare/shape';
import {
  type ItemOptions,
  recordsKeptMax,
  type StoredItem,
  shownChange,
  shownEvent,
  timelineItem,
} from '@diptych/compare/timeline-item';
import { isSame, type Recorded, type RecordedFacts, type Release } from './recorded.ts';

export class TimelineRecorder {
  readonly #options: ItemOptions;
  readonly #known: KnownRows;
  #recorded: Recorded[] = [];
  #releases: Release[] = [];

  constructor(options: ItemOptions & { readonly rowsMax?: number }) {
    this.#options = options;
    this.#known = new KnownRows({ rowsMax: options.rowsMax ?? rowsMaxDefault, tracks: true });
  }

  /** The rows as they were last seen, to be kept key by key. */
  get keyed(): ReadonlyMap<string, KeyedTexts> {
    return new Map([['image', this.#known.keyed]]);
  }

  /** Whether it is time to take the changes, a few megabytes. */
  get isFull(): boolean {
    return this.#recorded.length >= recordedMax;
  }

  /** The item as it may be folded, kept and shown. */
  masked(item: JoinedItem): JoinedItem {
    return this.#options.mask.item(item);
  }

  /** Takes down an item, masked, that was folded. */
  take(item: JoinedItem, { compared, silent }: Said, lagMs: number): void {
    if (item.tag === 'transaction') this.#takeTransaction(item.transaction, { compared, silent, lagMs });
    if (item.tag === 'released')
      this.#releases.push({
        position: formatPosition(item.identity),
        ...this.#late(item.late),
        facts: compared.map(factsOf),
      });
  }

  /** What was taken down since it was asked for the last time, in commit order; releases come behind. */
  takeChanges(): { readonly recorded: readonly Recorded[]; readonly releases: readonly Release[] } {
    const changes = { recorded: this.#recorded, releases: this.#releases };
    this.#recorded = [];
    this.#releases = [];
    return changes;
  }

  #takeTransaction(
    transaction: JoinedTransaction,
    { compared, silent, lagMs }: { compared: readonly Compared[]; silent: Shape | null; lagMs: number },
  ): void {
    const known = this.#known.complete(transaction);
    const aggregates = aggregatesOf(transaction, compared);
    const item: StoredItem = timelineItem(known, { ...this.#options, aggregates, lagMs });
    this.#recorded.push({ item, silent, facts: compared.slice(0, recordsKeptMax).map(factsOf) });
  }

  #late(late: LateRecord): Pick<Release, 'event' | 'change'> {
    if (late.tag === 'change') return { event: null, change: shownChange(late.change, this.#options) };
    return { event: shownEvent(late.event, { ...this.#options, released: true }), change: null };
  }
}

/** About 1 KB each, as `KnownRows`. */
const rowsMaxDefault = 20_000;
/** Transactions that wait for being written, about 3 KB each. */
const recordedMax = 5000;

const factsOf = ({ aggregateType, id, events, rows }: Compared): RecordedFacts => ({
  ...{ aggregateType, id, events, rows },
});

/** Those that a mapping tells of, and those that events name. */
function aggregatesOf(
  { domainEvents }: Pick<JoinedTransaction, 'domainEvents'>,
  compared: readonly Compared[],
): AggregateName[] {
  const names: AggregateName[] = [];
  const add = (name: AggregateName): void => {
    if (names.length < recordsKeptMax && !names.some((known) => isSame(known, name))) names.push(name);
  };
  for (const { aggregateType, id } of compared) add({ aggregateType, id });
  for (const { aggregateType, key } of domainEvents) if (key !== null) add({ aggregateType, id: key });
  return names;
}
