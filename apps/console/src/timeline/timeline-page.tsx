/** Transactions as they come, each a pair. */
import type { TimelineFilter, TimelineItem } from '@diptych/compare/console-api';
import { useEffect, useMemo } from 'preact/hooks';
import { go, hrefWith, parameter } from '../address.ts';
import { counted } from '../figures.ts';
import { connection } from '../live.ts';
import { FilterBar } from './filter-bar.tsx';
import { Inspector } from './inspector.tsx';
import { Pair } from './pair.tsx';
import { heightBeside, heightStacked, isStacked } from './pair-size.ts';
import { Timeline } from './timeline.ts';
import { VirtualList } from './virtual-list.tsx';

export function TimelinePage() {
  const filter = filterOfAddress();
  const at = parameter('at');
  const timeline = useMemo(() => new Timeline(filter), [JSON.stringify(filter)]);
  useEffect(() => {
    const shown = timeline.items.peek();
    if (at === undefined) {
      // What was linked to is on its way, also when its dialog was closed before it came.
      if (shown.length === 0 && !timeline.isOpening) timeline.open().catch(() => undefined);
    } else if (!shown.some(({ position }) => position === at)) timeline.open(at).catch(() => undefined);
    // One that is in the document was opened where it stands, and stays there.
    else if (document.querySelector(`[data-position="${CSS.escape(at)}"]`) === null)
      timeline.target.value = at;
  }, [timeline, at]);
  useEffect(() => () => timeline.close(), [timeline]);
  const items = timeline.items.value;
  return (
    <section class="timeline" aria-labelledby="timeline-title">
      <h1 id="timeline-title" class="unseen">
        Timeline
      </h1>
      <FilterBar timeline={timeline} filter={filter} />
      <div class="diptych">
        <div class="leaves" aria-hidden="true">
          <span class="meant">
            What was meant <i>domain events</i>
          </span>
          <span class="hinge">commit</span>
          <span class="done">
            What was done <i>row changes</i>
          </span>
        </div>
        <VirtualList
          items={items}
          keyOf={positionOf}
          heightOf={isStacked.value ? heightStacked : heightBeside}
          target={timeline.target.value}
          label="Transactions, newest first"
          onScroll={(place) => scrolled(timeline, place)}
          onKeyDown={(event) => walk(event, items, open)}
        >
          {(item, place) => (
            <Pair
              key={item.position}
              item={item}
              onOpen={open}
              isOpen={item.position === at}
              {...place}
              count={items.length}
            />
          )}
        </VirtualList>
        <Newer timeline={timeline} />
        {items.length === 0 && <Nothing timeline={timeline} isFiltered={Object.keys(filter).length > 0} />}
      </div>
      {at !== undefined && (
        <Inspector key={at} position={at} onClose={() => go(hrefWith({ at: undefined }))} />
      )}
    </section>
  );
}

const open = (item: TimelineItem): void => go(hrefWith({ at: item.position }));

const positionOf = ({ position }: TimelineItem): string => position;

function filterOfAddress(): TimelineFilter {
  const [aggregate, table, type] = [parameter('aggregate'), parameter('table'), parameter('type')];
  return {
    ...(aggregate === undefined ? {} : { aggregate }),
    ...(table === undefined ? {} : { table }),
    ...(type === undefined ? {} : { type }),
    ...(parameter('differences') === 'only' ? { differences: 'only' as const } : {}),
  };
}

function scrolled(timeline: Timeline, { atStart, atEnd }: { atStart: boolean; atEnd: boolean }): void {
  timeline.isScrolled.value = !atStart;
  if (atStart && !timeline.isPaused.value) timeline.flush();
  if (atStart) timeline.newer().catch(() => undefined);
  if (atEnd) timeline.older().catch(() => undefined);
}

/** What waits while the reader looks elsewhere. */
function Newer({ timeline }: { readonly timeline: Timeline }) {
  const waiting = timeline.waiting.value.length;
  const isBehind = timeline.hasNewer.value;
  if (waiting === 0 && !isBehind) return null;
  const show = (): void => {
    document.querySelector('.scroll')?.scrollTo({ top: 0 });
    timeline.isScrolled.value = false;
    timeline.isPaused.value = false;
    if (!isBehind) return timeline.flush();
    go(hrefWith({ at: undefined }));
    timeline.open().catch(() => undefined);
  };
  return (
    <button type="button" class="newer" onClick={show}>
      {isBehind ? 'Back to the newest' : counted(waiting, 'new transaction')}
    </button>
  );
}

function Nothing({ timeline, isFiltered }: { readonly timeline: Timeline; readonly isFiltered: boolean }) {
  const refusal = timeline.refusal.value;
  const words = refusal
    ? refusal.message
    : timeline.isAsking.value || connection.value === 'connecting'
      ? 'Reading …'
      : isFiltered
        ? 'No transaction that is kept matches.'
        : 'No transaction yet. As soon as one commits, both its sides appear here.';
  return <p class="nothing">{words}</p>;
}

/** Arrows go from pair to pair, Enter opens one. */
function walk(
  event: KeyboardEvent,
  items: readonly TimelineItem[],
  open: (item: TimelineItem) => void,
): void {
  const list = event.currentTarget as HTMLElement;
  const article = (event.target as HTMLElement).closest<HTMLElement>('article');
  if (event.key === 'Enter' && article !== null && event.target === article) {
    const item = items.find(({ position }) => position === article.dataset.position);
    if (item !== undefined) open(item);
    return;
  }
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const articles = [...list.querySelectorAll<HTMLElement>('article')].sort(byPlace);
  const next = article === null ? firstInSight(articles, list) : articles[articles.indexOf(article) + step];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: 'nearest' });
}

const byPlace = (left: HTMLElement, right: HTMLElement): number =>
  Number(left.getAttribute('aria-posinset')) - Number(right.getAttribute('aria-posinset'));

function firstInSight(articles: readonly HTMLElement[], list: HTMLElement): HTMLElement | undefined {
  const top = list.getBoundingClientRect().top;
  return articles.find((article) => article.getBoundingClientRect().top >= top);
}
