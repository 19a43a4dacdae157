/** The timeline and the life of an aggregate, from what is kept and what is known now. */
import type {
  AggregateName,
  Marks,
  Position,
  TimelineFilter,
  TimelineItem,
  TimelinePage,
  TimelineQuery,
} from '@diptych/compare/console-api';
import type {
  AggregateAnswer,
  AggregateMoment,
  AggregateVerdict,
  Fact,
} from '@diptych/compare/console-reports';
import type { Sides } from '@diptych/compare/tracked-aggregate';
import { isSame } from '../timeline/recorded.ts';
import type {
  KeptMoment,
  KeptTransaction,
  Range,
  TimelineReader,
  Wanted,
} from '../timeline/timeline-reader.ts';
import { type EngineKeeper, type Marker, positionOf } from './engine-keeper.ts';

/** Events, and changes, of a transaction on a page. */
export const shownMax = 20;

const limitDefault = 100;
/** Pages read to fill one when most of what they hold turns out to be no difference: shapes that are accepted. */
const roundsMax = 20;

export class ConsoleTimeline {
  readonly #reader: TimelineReader;
  readonly #keeper: Pick<EngineKeeper, 'marker' | 'answer'>;

  constructor({
    reader,
    keeper,
  }: { reader: TimelineReader; keeper: Pick<EngineKeeper, 'marker' | 'answer'> }) {
    this.#reader = reader;
    this.#keeper = keeper;
  }

  async page(query: TimelineQuery): Promise<TimelinePage> {
    const { before, after, around, limit = limitDefault } = query;
    if (around !== undefined) return await this.#around(around, query);
    const range: Range =
      after === undefined
        ? { direction: 'older', from: before ?? null, limit }
        : { direction: 'newer', from: after, limit };
    const { items, hasMore } = await this.#found(query, range);
    const isOlder = range.direction === 'older';
    const shown = isOlder ? items : items.toReversed();
    // On the side that was asked from there is something, unless it was the end.
    const other = await this.#isBeyond(query, {
      shown,
      direction: isOlder ? 'newer' : 'older',
      from: range.from,
    });
    return {
      items: shown.map(forPage),
      hasOlder: isOlder ? hasMore : other,
      hasNewer: isOlder ? other : hasMore,
    };
  }

  /** All that was kept of it; null when it is not kept. */
  async one(position: Position): Promise<TimelineItem | null> {
    const kept = await this.#reader.one(position);
    return kept === null ? null : marked(kept, this.#keeper.marker);
  }

  /** What is behind a position, oldest first, for those who were away. */
  async behind(
    filter: TimelineFilter,
    { from, limit }: { from: Position; limit: number },
  ): Promise<{ items: TimelineItem[]; hasMore: boolean }> {
    const { items, hasMore } = await this.#found(filter, { direction: 'newer', from, limit });
    return { items: items.map(forPage), hasMore };
  }

  /** The newest moments of an aggregate before a position; null when nothing of it is kept. */
  async aggregate(
    name: AggregateName,
    { before, limit }: { before: Position | null; limit: number },
  ): Promise<AggregateAnswer | null> {
    const kept = await this.#reader.moments(name, { before, limit: limit + 1 });
    if (kept.length === 0) return null;
    const { marker } = this.#keeper;
    const moments = kept.slice(0, limit).map((moment) => momentOf(moment, { name, marker }));
    return {
      ...name,
      verdict: this.#verdictOf(name, moments),
      moments: moments.toReversed(),
      hasOlder: kept.length > limit,
    };
  }

  async #around(position: Position, query: TimelineQuery): Promise<TimelinePage> {
    const half = Math.max(1, Math.floor((query.limit ?? limitDefault) / 2));
    const newer = await this.#found(query, { direction: 'newer', from: position, limit: half });
    // The one in the middle is behind the end of what is older.
    const middle = await this.#found(query, {
      direction: 'older',
      from: following(position),
      limit: half + 1,
    });
    return {
      items: [...newer.items.toReversed(), ...middle.items].map(forPage),
      hasOlder: middle.hasMore,
      hasNewer: newer.hasMore,
    };
  }

  /** Whole, in the range's direction. */
  async #found(filter: TimelineFilter, range: Range): Promise<{ items: TimelineItem[]; hasMore: boolean }> {
    const { marker } = this.#keeper;
    const { aggregate, table, type } = filter;
    const isOnly = filter.differences === 'only';
    const wanted: Wanted = {
      ...(aggregate === undefined ? {} : { aggregate }),
      ...(table === undefined ? {} : { table }),
      ...(type === undefined ? {} : { type }),
      differences: isOnly ? [...marker.drifts.keys()] : null,
    };
    const items: TimelineItem[] = [];
    let { from } = range;
    for (let round = 0; round < roundsMax; round += 1) {
      const kept = await this.#reader.page(wanted, { ...range, from, limit: range.limit + 1 });
      for (const one of kept) {
        const item = marked(one, marker);
        if (!isOnly || item.leak || item.drifts.length > 0) items.push(item);
      }
      if (items.length > range.limit) return { items: items.slice(0, range.limit), hasMore: true };
      if (kept.length <= range.limit) return { items, hasMore: false };
      from = kept.at(-1)?.item.position ?? from;
    }
    return { items, hasMore: true };
  }

  async #isBeyond(
    filter: TimelineFilter,
    { shown, direction, from }: { shown: readonly TimelineItem[] } & Omit<Range, 'limit'>,
  ): Promise<boolean> {
    if (from === null) return false;
    const edge = direction === 'newer' ? shown[0] : shown.at(-1);
    const { items } = await this.#found(filter, { direction, from: edge?.position ?? from, limit: 1 });
    return items.length > 0;
  }

  #verdictOf(name: AggregateName, newestFirst: readonly AggregateMoment[]): AggregateVerdict {
    const report = this.#keeper.answer?.drift[name.aggregateType];
    if (report === undefined) return { tag: 'unmapped' };
    const named = (one: { readonly aggregateType: string; readonly id: string }) => isSame(one, name);
    const drifted = report.drifted.find(named);
    if (drifted !== undefined)
      return { tag: 'drifted', since: { ...drifted.since, position: positionOf(drifted.since) } };
    const unproven = report.unproven.find(named);
    if (unproven !== undefined) return { tag: 'unproven', reason: unproven.reason };
    // Beyond the first thousand nobody lists it; what its newest state says is all that is known.
    const [newest] = newestFirst;
    const differs = newest?.facts?.some((fact) => fact.differs) === true;
    if (differs && newest !== undefined)
      return { tag: 'drifted', since: firstParted(newestFirst) ?? newest.item };
    return { tag: 'agreed' };
  }
}

/** The oldest of the moments since which both sides have differed. */
function firstParted(newestFirst: readonly AggregateMoment[]): TimelineItem | undefined {
  const met = newestFirst.findIndex(({ facts }) => facts?.some((fact) => fact.differs) !== true);
  return (met < 0 ? newestFirst.at(-1) : newestFirst[met - 1])?.item;
}

/** The transaction with what is wrong with it, as far as is known now. */
export function marked({ item, silent }: KeptTransaction, marker: Marker): TimelineItem {
  const marks: Marks = {
    leak: silent !== null && marker.isLeak(silent),
    drifts: marker.drifts.get(item.position) ?? [],
  };
  return { ...item, ...marks };
}

/** As it is on a page: the first records of each kind. */
export function forPage(item: TimelineItem): TimelineItem {
  const { events, changes } = item;
  if (events.length <= shownMax && changes.length <= shownMax) return item;
  return { ...item, events: events.slice(0, shownMax), changes: changes.slice(0, shownMax) };
}

function momentOf(
  kept: KeptMoment,
  { name, marker }: { name: AggregateName; marker: Marker },
): AggregateMoment {
  const item = marked(kept, marker);
  const events = item.events.filter(
    (event) => event.aggregateType === name.aggregateType && event.key === name.id,
  );
  const isAlone = item.aggregates.length === 1;
  const { sides } = kept;
  return {
    position: item.position,
    item: { ...item, events, changes: isAlone ? item.changes : ownChanges(item, name) },
    facts: sides === null ? null : factsOf(sides),
    exists:
      sides === null
        ? { events: events.length > 0, rows: false }
        : { events: sides.events !== null, rows: sides.rows !== null },
  };
}

/**
 * Of a transaction that touched several aggregates, the changes whose key holds the id; all of them when none does: which
 * rows are whose only a mapping knows.
 */
function ownChanges({ changes }: TimelineItem, { id }: AggregateName): TimelineItem['changes'] {
  const own = changes.filter(({ key, columns }) => {
    const cells = [...key.map(({ cell }) => cell), ...columns.flatMap(({ after }) => after ?? [])];
    return key.length === 0 ? false : cells.some((cell) => cell.tag === 'value' && cell.text === id);
  });
  return own.length === 0 ? changes : own;
}

/** Both sides, fact by fact: those of the events in their order, then what only the rows know. */
export function factsOf({ events, rows }: Sides): Fact[] {
  const names = new Set([...Object.keys(events ?? {}), ...Object.keys(rows ?? {})]);
  return [...names].map((fact) => {
    const sides = { events: events?.[fact] ?? null, rows: rows?.[fact] ?? null };
    return { fact, ...sides, differs: sides.events !== sides.rows };
  });
}

/** The first position that can stand behind this one. */
function following(position: Position): Position {
  const [timeline = '1', lsn = '0'] = position.split('-');
  const next = (BigInt(`0x${lsn}`) + 1n).toString(16).toUpperCase().padStart(16, '0');
  return `${timeline}-${next}`;
}
