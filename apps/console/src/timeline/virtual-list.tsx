/** A list of which only what is in sight is in the document, however long it is. */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
import type { ComponentChildren } from 'preact';
import { useCallback, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';

interface Props<Item> {
  readonly items: readonly Item[];
  readonly keyOf: (item: Item) => string;
  /** Known beforehand: nothing is measured while it scrolls. In px. */
  readonly heightOf: (item: Item) => number;
  readonly children: (item: Item, place: { index: number; top: number; height: number }) => ComponentChildren;
  readonly onScroll: (place: { atStart: boolean; atEnd: boolean }) => void;
  /** Brought into sight when it changes. */
  readonly target?: string | undefined;
  readonly label: string;
  readonly onKeyDown?: (event: KeyboardEvent) => void;
}

/** From either end, in px: there the next page is asked for. */
const nearPx = 800;

/**
 * Of what was not in the document before, in px of height: a frame gets no more, the rest comes with the next ones. Six pairs
 * of a line each; a wheel turns by 100 to 200 px. Who scrolls by screens at a time sees ground for a moment, and no frame waits.
 */
const freshPxMax = 450;

export function VirtualList<Item>(props: Props<Item>) {
  const { items, keyOf, heightOf, children, onScroll, target, label, onKeyDown } = props;
  const element = useRef<HTMLDivElement>(null);
  const [, show] = useReducer((times: number, _change: null) => times + 1, 0);
  // Another function means other places: while it scrolls none is worked out anew.
  const getItemKey = useCallback((index: number) => keyAt(items[index], keyOf), [items, keyOf, heightOf]);
  const options = {
    getItemKey,
    count: items.length,
    getScrollElement: () => element.current,
    estimateSize: (index: number) => sizeAt(items[index], heightOf),
    overscan: 6,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => show(null),
  };
  const [virtualizer] = useState(() => new Virtualizer<HTMLDivElement, HTMLElement>(options));
  virtualizer.setOptions({ ...virtualizer.options, ...options });
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  const index = target === undefined ? -1 : items.findIndex((item) => keyOf(item) === target);
  useLayoutEffect(() => {
    if (index >= 0) virtualizer.scrollToIndex(index, { align: 'center' });
  }, [virtualizer, target, index >= 0]);
  const known = useRef<ReadonlySet<unknown>>(new Set());
  const places = virtualizer.getVirtualItems();
  const shown = affordable(places, { known: known.current, inSight: virtualizer.range });
  useLayoutEffect(() => {
    known.current = new Set(shown.map(({ key }) => key));
    return shown.length < places.length ? nextFrame(() => show(null)) : undefined;
  });
  const scrolled = (): void => {
    const { scrollTop = 0, clientHeight = 0, scrollHeight = 0 } = element.current ?? {};
    onScroll({ atStart: scrollTop < 4, atEnd: scrollTop + clientHeight > scrollHeight - nearPx });
  };
  return (
    <div
      class="scroll"
      ref={element}
      role="feed"
      aria-label={label}
      tabIndex={0}
      onScroll={scrolled}
      onKeyDown={onKeyDown}
    >
      <div class="runway" style={{ height: `${virtualizer.getTotalSize()}px` }}>
        {shown.map(({ index: at, start, size }) => {
          const item = items[at];
          return item === undefined ? null : children(item, { index: at, top: start, height: size });
        })}
      </div>
    </div>
  );
}

interface Place {
  readonly index: number;
  readonly size: number;
  readonly key: unknown;
}

/** What is in the document already, and of the rest as much as a frame is given: what is in sight first. */
function affordable<One extends Place>(
  places: readonly One[],
  {
    known,
    inSight,
  }: {
    readonly known: ReadonlySet<unknown>;
    readonly inSight: { readonly startIndex: number; readonly endIndex: number } | null;
  },
): readonly One[] {
  const { startIndex = 0, endIndex = Number.POSITIVE_INFINITY } = inSight ?? {};
  const isInSight = ({ index }: Place): boolean => index >= startIndex && index <= endIndex;
  const fresh = places.filter(({ key }) => !known.has(key));
  const inTurn = [...fresh.filter(isInSight), ...fresh.filter((place) => !isInSight(place))];
  const left = new Set<One>();
  let px = 0;
  for (const place of inTurn) {
    // The first one is shown however high it is.
    if (px > 0 && px + place.size > freshPxMax) left.add(place);
    else px += place.size;
  }
  return places.filter((place) => !left.has(place));
}

/** Not in this frame, which may still be at its beginning; answers how to call it off. */
function nextFrame(act: () => void): () => void {
  let frame = requestAnimationFrame(() => {
    frame = requestAnimationFrame(act);
  });
  return () => cancelAnimationFrame(frame);
}

const keyAt = <Item,>(item: Item | undefined, keyOf: (item: Item) => string): string =>
  item === undefined ? '' : keyOf(item);

const sizeAt = <Item,>(item: Item | undefined, heightOf: (item: Item) => number): number =>
  item === undefined ? 0 : heightOf(item);
