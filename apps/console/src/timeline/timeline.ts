/** The transactions that the timeline shows: a window onto what is kept, newest first, that grows at either end. */
import type { Position, TimelineFilter, TimelineItem, TimelinePage } from '@diptych/compare/console-api';
import { batch, computed, signal } from '@preact/signals';
import { ask, query, type Refusal, refusalOf } from '../ask.ts';
import { type Listener, listen } from '../live.ts';
import { comparePositions } from '../wording.ts';

/** Beyond it the far end is let go; about 2 KB each. */
const itemsMax = 20_000;
const pageItems = 100;
/** Before every transaction: what comes to an empty page before its stream is there is sent, too. */
const beginning: Position = '0-0000000000000000';
/** Types and tables, about: the server names no more than a thousand of each. */
const kindsMax = 2000;

export class Timeline {
  /** Newest first, without a gap as far as the filter goes. */
  readonly items = signal<readonly TimelineItem[]>([]);
  /** Came while the reader looks elsewhere, or has paused; newest first. */
  readonly waiting = signal<readonly TimelineItem[]>([]);
  readonly isPaused = signal(false);
  /** The reader is not at the newest end: what comes would move what is read. */
  readonly isScrolled = signal(false);
  readonly hasOlder = signal(false);
  /** The window ends before the newest: nothing live joins it. */
  readonly hasNewer = signal(false);
  readonly isAsking = signal(true);
  readonly refusal = signal<Refusal | null>(null);
  /** The transaction that was asked for from elsewhere: it is brought into sight. */
  readonly target = signal<Position | undefined>(undefined);
  /** How many types of events and tables have been met: with each more there is more to choose from. */
  readonly kinds = signal(0);
  readonly isHeld = computed(() => this.isPaused.value || this.isScrolled.value);

  readonly #filter: TimelineFilter;
  readonly #met = new Set<string>();
  #isOpening = false;
  #unlisten: (() => void) | undefined;
  #stop = new AbortController();

  constructor(filter: TimelineFilter) {
    this.#filter = filter;
  }

  /** The newest page, or the one around a transaction, and from then on what comes. */
  async open(around?: Position): Promise<void> {
    this.close();
    const stop = new AbortController();
    this.#stop = stop;
    this.#isOpening = true;
    const page = await this.#ask(around === undefined ? {} : { around });
    // Opened elsewhere since, or closed.
    if (stop.signal.aborted) return;
    this.#isOpening = false;
    if (page === undefined) {
      const again = (): void => void this.open(around).catch(() => undefined);
      // Nobody answers yet: the stream tries again, and when it is there so is the page. What is refused is asked for again
      // when there is more: that alone would be a list without what was there before.
      this.#listen(null, this.refusal.value?.status === 0 ? { onOpen: again } : { onTransactions: again });
      return;
    }
    batch(() => {
      this.#meet(page.items);
      this.items.value = page.items;
      this.waiting.value = [];
      this.target.value = around;
      this.hasOlder.value = page.hasOlder;
      this.hasNewer.value = page.hasNewer;
    });
    this.#listen(page.hasNewer ? null : (page.items[0]?.position ?? beginning));
  }

  /** It was opened, and what it will show is not there yet. */
  get isOpening(): boolean {
    return this.#isOpening;
  }

  close(): void {
    this.#isOpening = false;
    this.#stop.abort();
    this.#unlisten?.();
    this.#unlisten = undefined;
  }

  async older(): Promise<void> {
    const last = this.items.value.at(-1);
    if (last === undefined || !this.hasOlder.value || this.isAsking.value) return;
    const page = await this.#ask({ before: last.position });
    if (page === undefined) return;
    batch(() => {
      this.items.value = [...this.items.value, ...page.items].slice(0, itemsMax);
      this.hasOlder.value = page.hasOlder && this.items.value.length < itemsMax;
    });
  }

  async newer(): Promise<void> {
    const first = this.items.value[0];
    if (first === undefined || !this.hasNewer.value || this.isAsking.value) return;
    const page = await this.#ask({ after: first.position });
    if (page === undefined) return;
    batch(() => {
      this.items.value = [...page.items, ...this.items.value];
      this.hasNewer.value = page.hasNewer;
    });
    if (!page.hasNewer) this.#listen(this.items.value[0]?.position ?? beginning);
  }

  /** Shows what waits. */
  flush(): void {
    if (this.waiting.value.length === 0) return;
    batch(() => {
      const all = [...this.waiting.value, ...this.items.value];
      this.items.value = all.slice(0, itemsMax);
      if (all.length > itemsMax) this.hasOlder.value = true;
      this.waiting.value = [];
    });
  }

  #listen(after: Position | null, other: Partial<Listener> = {}): void {
    this.#unlisten?.();
    this.#unlisten = listen({
      filter: this.#filter,
      after,
      onTransactions: (items) => this.#take(items),
      onUpdates: (items) => this.#update(items),
      onGap: () => {
        if (!this.hasNewer.value) this.open().catch(() => undefined);
      },
      ...other,
    });
  }

  #take(items: readonly TimelineItem[]): void {
    // A window that ends earlier is joined when the reader comes to its end.
    if (this.hasNewer.value) return;
    const newest = this.waiting.value[0] ?? this.items.value[0];
    const fresh = items
      .filter(({ position }) => newest === undefined || comparePositions(position, newest.position) > 0)
      .toReversed();
    this.#meet(fresh);
    this.waiting.value = [...fresh, ...this.waiting.value].slice(0, itemsMax);
    if (!this.isHeld.value) this.flush();
  }

  #meet(items: readonly TimelineItem[]): void {
    for (const { events, changes } of items) {
      if (this.#met.size >= kindsMax) break;
      for (const { type } of events) this.#met.add(`event ${type}`);
      for (const { table } of changes) this.#met.add(`table ${table}`);
    }
    this.kinds.value = this.#met.size;
  }

  #update(updates: readonly TimelineItem[]): void {
    const byPosition = new Map(updates.map((item) => [item.position, item]));
    const updated = (item: TimelineItem): TimelineItem => byPosition.get(item.position) ?? item;
    this.items.value = this.items.value.map(updated);
    this.waiting.value = this.waiting.value.map(updated);
  }

  async #ask(place: object): Promise<TimelinePage | undefined> {
    this.isAsking.value = true;
    const { signal: stopped } = this.#stop;
    try {
      const path = `/api/timeline${query({ ...this.#filter, ...place, limit: pageItems })}`;
      const page = await ask<TimelinePage>(path, stopped);
      this.refusal.value = null;
      return page;
    } catch (error) {
      if (!stopped.aborted) this.refusal.value = refusalOf(error);
      return undefined;
    } finally {
      if (!stopped.aborted) this.isAsking.value = false;
    }
  }
}
