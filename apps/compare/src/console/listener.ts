/** One who listens: what is sent to it, in order, each transaction once. */
import type { ServerResponse } from 'node:http';
import type { LiveEvent, Position, TimelineFilter, TimelineItem } from '@diptych/compare/console-api';
import { sortable } from '@diptych/compare/position';
import { isSame } from '../timeline/recorded.ts';
import { aggregateOf } from '../timeline/timeline-reader.ts';
import { forPage } from './console-timeline.ts';

/** Transactions to one who was away, and of one save: beyond, a page loads quicker than events come. */
export const eventsMax = 1000;

/** Of one who reads slowly; then it is told to load anew. */
const bytesWaitingMax = 4_000_000;

export class Listener {
  readonly response: ServerResponse;
  readonly #filter: TimelineFilter;
  /** What came while it was sent what it had missed; null when that is over. */
  #waiting: TimelineItem[] | null = [];
  /** It reads slowly, and was not sent something. */
  #isBehind = false;
  #last: Position | null = null;

  constructor(response: ServerResponse, filter: TimelineFilter) {
    this.response = response;
    this.#filter = filter;
    response.on('drain', () => {
      if (this.#isBehind) this.gap(this.#last);
    });
  }

  /** A transaction that has come now. */
  came(item: TimelineItem): void {
    if (this.#waiting === null) this.transaction(item);
    else this.#waiting.push(item);
    // Whoever is that far behind while it catches up is told so in the end.
    if (this.#waiting !== null && this.#waiting.length > eventsMax) this.#isBehind = true;
  }

  /** The next one in commit order; what it was sent already it is not sent again. */
  transaction(item: TimelineItem): void {
    if (this.#last !== null && sortable(item.position) <= sortable(this.#last)) return;
    this.#last = item.position;
    if (this.#isBehind || !passes(item, this.#filter)) return;
    if (this.response.writableLength > bytesWaitingMax) this.#isBehind = true;
    else this.#write({ tag: 'transaction', data: forPage(item) }, item.position);
  }

  update(item: TimelineItem): void {
    if (!this.#isBehind && passes(item, { ...this.#filter, differences: undefined }))
      this.send({ tag: 'update', data: forPage(item) });
  }

  /** What it had missed is sent. */
  goLive(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const item of waiting) this.transaction(item);
    if (this.#isBehind) this.gap(this.#last);
  }

  /** It is to load what is there up to a position; events go on behind it. */
  gap(newest: Position | null): void {
    this.#isBehind = false;
    this.#last = newest ?? this.#last;
    this.#write({ tag: 'gap', data: { newest: this.#last } }, this.#last);
  }

  send(event: LiveEvent): void {
    if (this.response.writableLength <= bytesWaitingMax) this.#write(event, null);
  }

  #write({ tag, data }: LiveEvent, id: Position | null): void {
    if (this.response.destroyed || this.response.writableEnded) return;
    // JSON has no line break: one `data:` line is enough.
    this.response.write(
      `event: ${tag}\n${id === null ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`,
    );
  }
}

/** Whether the filter lets a transaction through; `undefined` is not asked for. */
function passes(
  item: TimelineItem,
  {
    aggregate,
    table,
    type,
    differences,
  }: { [Name in keyof TimelineFilter]: TimelineFilter[Name] | undefined },
): boolean {
  if (aggregate !== undefined && !item.aggregates.some((one) => isSame(one, aggregateOf(aggregate))))
    return false;
  if (table !== undefined && !item.changes.some((change) => change.table === table)) return false;
  if (type !== undefined && !item.events.some((event) => event.type === type)) return false;
  return differences === undefined || item.leak || item.drifts.length > 0;
}
