/** How high a pair is: known from what is in it, so that a list of any length needs no measuring. In px, as `pair.css` has it. */
import type { TimelineItem } from '@diptych/compare/console-api';
import { signal } from '@preact/signals';

/** Lines of a side; of more it is said how many. */
export const linesMax = 6;

const line = 26;
const around = 26;
const hinge = 40;
const hingeAbove = 34;
const between = 12;

const narrow = window.matchMedia('(max-width: 760px)');
/** One panel above the other. */
export const isStacked = signal(narrow.matches);
narrow.addEventListener('change', () => {
  isStacked.value = narrow.matches;
});

/** What of a side is shown, and how many more there are. */
export function shown<Entry>(
  entries: readonly Entry[],
  total: number,
): { entries: readonly Entry[]; more: number } {
  if (total <= linesMax) return { entries, more: 0 };
  const first = entries.slice(0, linesMax - 1);
  return { entries: first, more: total - first.length };
}

/** Lines of the left side: events, what is parked, or that there is none; and where a drift begins. */
export function linesLeft({ eventCount, parkedCount, drifts }: TimelineItem): number {
  return (
    Math.max(1, Math.min(eventCount, linesMax) + (parkedCount > 0 ? 1 : 0)) + (drifts.length > 0 ? 1 : 0)
  );
}

export const linesRight = ({ changeCount }: TimelineItem): number =>
  Math.max(1, Math.min(changeCount, linesMax));

export const heightBeside = (item: TimelineItem): number =>
  around + Math.max(hinge, Math.max(linesLeft(item), linesRight(item)) * line);

export const heightStacked = (item: TimelineItem): number =>
  around + hingeAbove + between + (linesLeft(item) + linesRight(item)) * line;
