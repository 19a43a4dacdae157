/** What of the timeline is shown, and whether it moves. */
import type { Facets, Found, TimelineFilter } from '@diptych/compare/console-api';
import { signal } from '@preact/signals';
import { go, hrefWith, transactionHref } from '../address.ts';
import { ask, query, refusalOf, useAnswer } from '../ask.ts';
import { ExportLinks } from '../export-links.tsx';
import { spoken, tableWords } from '../wording.ts';
import type { Timeline } from './timeline.ts';

export function FilterBar({
  timeline,
  filter,
}: {
  readonly timeline: Timeline;
  readonly filter: TimelineFilter;
}) {
  const facets = useAnswer<Facets>('/api/facets', timeline.kinds.value);
  const known = facets.tag === 'answered' ? facets.answer : { tables: [], types: [], aggregateTypes: [] };
  const isPaused = timeline.isPaused.value;
  const pause = (): void => {
    timeline.isPaused.value = !isPaused;
    if (isPaused && !timeline.isScrolled.value) timeline.flush();
  };
  const onlyDifferences = filter.differences === 'only';
  return (
    <div class="bar" role="toolbar" aria-label="Filter and jump">
      <About known={known.aggregateTypes} value={filter.aggregate} />
      <Choice name="type" label="Event" values={known.types} value={filter.type} words={spoken} />
      <Choice name="table" label="Table" values={known.tables} value={filter.table} words={tableWords} />
      <button
        type="button"
        aria-pressed={onlyDifferences}
        onClick={() => go(hrefWith({ differences: onlyDifferences ? undefined : 'only', at: undefined }))}
      >
        Only differences
      </button>
      <Jump />
      <span class="far" />
      <ExportLinks what="timeline" query={query(filter)} />
      <button type="button" class="pause" aria-pressed={isPaused} onClick={pause}>
        <span aria-hidden="true">{isPaused ? '▶' : '❙❙'}</span> {isPaused ? 'Resume' : 'Pause'}
      </button>
    </div>
  );
}

interface ChoiceProps {
  readonly name: 'type' | 'table';
  readonly label: string;
  readonly values: readonly string[];
  readonly value: string | undefined;
  readonly words: (value: string) => string;
}

function Choice({ name, label, values, value, words }: ChoiceProps) {
  const all = value === undefined || values.includes(value) ? values : [value, ...values];
  return (
    <label class={value === undefined ? '' : 'is-set'}>
      <span>{label}</span>
      <select
        value={value ?? ''}
        onChange={(event) => go(hrefWith({ [name]: event.currentTarget.value, at: undefined }))}
      >
        <option value="">all</option>
        {all.map((one) => (
          <option key={one} value={one}>
            {words(one)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** `101` is cart 101 as long as carts are the first kind that is known; `order 7` and `order:7` name theirs. */
function About({ known, value }: { readonly known: readonly string[]; readonly value: string | undefined }) {
  const take = (event: SubmitEvent): void => {
    event.preventDefault();
    const [, type, id] = /^(?:([^:\s]+)[:\s]+)?(.*)$/.exec(typed(event, 'about')) ?? [];
    const kind = type ?? (known.includes('cart') ? 'cart' : (known[0] ?? 'cart'));
    go(hrefWith({ aggregate: id ? `${kind}:${id}` : undefined, at: undefined }));
  };
  return (
    <form onSubmit={take} class={value === undefined ? '' : 'is-set'}>
      <label>
        <span>Cart</span>
        <input
          key={value}
          name="about"
          defaultValue={shortened(value)}
          placeholder="all"
          size={8}
          type="search"
        />
      </label>
    </form>
  );
}

function typed(event: SubmitEvent, name: string): string {
  const text = new FormData(event.currentTarget as HTMLFormElement).get(name);
  return typeof text === 'string' ? text.trim() : '';
}

const shortened = (value: string | undefined): string => value?.replace(/^cart:/, '').replace(':', ' ') ?? '';

const notFound = signal<string | null>(null);

/** To a commit: by xid, LSN, commit token or time, whichever it looks like. */
function Jump() {
  const jump = async (text: string): Promise<void> => {
    try {
      const { position } = await ask<Found>(`/api/find${query(wanted(text))}`);
      notFound.value = position === null ? `Nothing that is kept is at ${text}.` : null;
      if (position !== null) go(transactionHref(position));
    } catch (error) {
      notFound.value = refusalOf(error).message;
    }
  };
  const take = (event: SubmitEvent): void => {
    event.preventDefault();
    const text = typed(event, 'commit');
    if (text !== '') jump(text).catch(() => undefined);
  };
  return (
    <form onSubmit={take} class="jump">
      <label>
        <span>Jump to</span>
        <input name="commit" placeholder="xid, LSN, token or time" size={20} aria-describedby="not-found" />
      </label>
      <span id="not-found" role="status" class="not-found">
        {notFound.value}
      </span>
    </form>
  );
}

/** What the reader typed, as the question that it is. */
function wanted(text: string): object {
  if (/^\d+$/.test(text)) return { xid: text };
  if (/^[\da-f]{1,8}\/[\da-f]{1,8}$/i.test(text)) return { lsn: text };
  if (/^\d+@/.test(text)) return { token: text };
  const time = new Date(text);
  return Number.isNaN(time.valueOf()) ? { token: text } : { time: time.toISOString() };
}
