/** One transaction: left what was meant, right what was done, joined by its commit. */
import type { Cell, DomainEvent, RowChange, TimelineItem } from '@diptych/compare/console-api';
import type { CSSProperties } from 'preact';
import { memo } from 'preact/compat';
import { aggregateHref } from '../address.ts';
import { clock, count, counted, duration } from '../figures.ts';
import { Link } from '../link.tsx';
import { details, operationWords, spoken, tableWords } from '../wording.ts';
import { shown } from './pair-size.ts';

interface Props {
  readonly item: TimelineItem;
  readonly onOpen: (item: TimelineItem) => void;
  readonly isOpen?: boolean;
  /** Where it stands in a list of which only a part is in the document; `top` and `height` in px. */
  readonly index?: number;
  readonly count?: number;
  readonly top?: number;
  readonly height?: number;
}

/** An article of the feed. What it is called is enough to tell it by ear. */
export const Pair = memo(function Pair(props: Props) {
  const { item, onOpen, isOpen = false, index, count: of, top, height } = props;
  const { leak, drifts, position } = item;
  const kind = `${leak ? ' is-leak' : ''}${drifts.length > 0 ? ' is-drift' : ''}${isOpen ? ' is-open' : ''}`;
  const isPlaced = index !== undefined;
  const style: CSSProperties = isPlaced ? { transform: `translateY(${top}px)`, height: `${height}px` } : {};
  return (
    <article
      class={`pair${kind}`}
      style={style}
      tabIndex={isPlaced ? -1 : undefined}
      data-position={position}
      aria-label={heard(item)}
      aria-posinset={isPlaced ? index + 1 : undefined}
      aria-setsize={of}
    >
      <div class="leaf meant">
        <Events item={item} />
      </div>
      <button
        type="button"
        class="hinge"
        tabIndex={isPlaced ? -1 : 0}
        onClick={() => onOpen(item)}
        title="Open"
      >
        <span class="when">
          <time dateTime={item.commitTime}>{clock(item.commitTime)}</time>
          <em>{duration(item.lagMs)}</em>
        </span>
        <span class="which">
          <b>xid {item.xid}</b>
          <span>{item.commitLsn}</span>
        </span>
      </button>
      <div class="leaf done">
        <Changes item={item} />
      </div>
    </article>
  );
});

function Events({ item }: { readonly item: TimelineItem }) {
  const { events, eventCount, parkedCount, leak, drifts, changeCount } = item;
  const { entries, more } = shown(events, eventCount);
  return (
    <>
      {entries.map((event) => (
        <EventLine key={event.ordinal} event={event} />
      ))}
      {more > 0 && <p class="line more">and {counted(more, 'more event')}</p>}
      {parkedCount > 0 && <p class="line parked">{counted(parkedCount, 'record')} parked</p>}
      {eventCount + parkedCount === 0 && (
        <p class={`line silent${leak ? ' flag' : ''}`}>
          {leak
            ? 'Leak: rows changed, and no event tells of it'
            : changeCount > 0
              ? 'no event'
              : 'nothing published'}
        </p>
      )}
      {drifts.length > 0 && (
        <p class="line flag parting">
          Drift: both states of{' '}
          {drifts.slice(0, 2).map((name) => (
            <Link key={name.id} class="about" href={aggregateHref(name, item.position)}>
              {name.aggregateType} {name.id}
            </Link>
          ))}
          {drifts.length > 2 && ` and ${counted(drifts.length - 2, 'more', 'more')}`} part here
        </p>
      )}
    </>
  );
}

export function EventLine({ event }: { readonly event: DomainEvent }) {
  const { type, aggregateType, key, actor, reason, released } = event;
  return (
    <p class="line event">
      <b>{spoken(type)}</b>
      {key !== null && (
        <Link class="about" href={aggregateHref({ aggregateType, id: key })}>
          {aggregateType} {key}
        </Link>
      )}
      <span class="details">{details(event)}</span>
      {released && <i class="note">released later</i>}
      {actor !== null && <i class="actor">by {reason === null ? actor : `${actor}: ${reason}`}</i>}
    </p>
  );
}

function Changes({ item }: { readonly item: TimelineItem }) {
  const { changes, changeCount } = item;
  const { entries, more } = shown(changes, changeCount);
  return (
    <>
      {entries.map((change) => (
        <ChangeLine key={change.ordinal} change={change} />
      ))}
      {more > 0 && (
        <p class="line more">
          and {count(more)} more row {more === 1 ? 'change' : 'changes'}
        </p>
      )}
      {changeCount === 0 && <p class="line silent">no row changed</p>}
    </>
  );
}

export function ChangeLine({ change }: { readonly change: RowChange }) {
  const { op, table, key, columns } = change;
  const changed = columns.filter((column) => column.changed);
  const rest = op === 'd' || changed.length > 0 ? [] : columns;
  return (
    <p class="line change">
      <i class={`op is-${op}`}>{operationWords[op]}</i>
      <b>{tableWords(table)}</b>
      <span class="key">{key.map(({ cell }) => cellText(cell)).join(' · ')}</span>
      <span class="details">
        {changed.map(({ column, before, after }) => (
          <mark key={column}>
            <i>{column}</i> {before !== undefined && before.tag !== 'unknown' && `${cellText(before)} → `}
            <b>{cellText(after)}</b>
          </mark>
        ))}
        {rest.map(({ column, after }) =>
          after === undefined || after.tag === 'unknown' || after.tag === 'null' ? null : (
            <span class="cell" key={column}>
              <i>{column}</i> {cellText(after)}
            </span>
          ),
        )}
      </span>
    </p>
  );
}

/** As text, whatever is in it. */
export function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return '?';
  switch (cell.tag) {
    case 'value':
      return cell.cut ? `${cell.text}…` : cell.text === '' ? '“”' : cell.text;
    case 'null':
      return 'null';
    case 'masked':
      return '•••••';
    case 'unknown':
      return '?';
  }
}

function heard({ xid, leak, drifts, eventCount, changeCount, events }: TimelineItem): string {
  const flags = [...(leak ? ['leak'] : []), ...(drifts.length > 0 ? ['drift'] : [])];
  const first = events[0] === undefined ? [] : [`${spoken(events[0].type)} ${events[0].key ?? ''}`.trim()];
  const sides = `${counted(eventCount, 'event')}, ${counted(changeCount, 'row change')}`;
  return [...flags, ...first, sides, `xid ${xid}`].join(', ');
}
