/** Where the reader is: everything that is shown follows from the URL, so that each view can be linked to. */
import { computed, signal } from '@preact/signals';

const current = signal(new URL(window.location.href));

window.addEventListener('popstate', () => {
  current.value = new URL(window.location.href);
});

/** The path's parts, decoded: `/aggregates/cart/101` is `['aggregates', 'cart', '101']`. */
export const path = computed<readonly string[]>(() =>
  current.value.pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decoded),
);

/** A parameter of the query; undefined when it is absent or empty. */
export function parameter(name: string): string | undefined {
  return current.value.searchParams.get(name) || undefined;
}

/** Goes to a path of the console, as a link does. */
export function go(href: string): void {
  window.history.pushState(null, '', href);
  current.value = new URL(window.location.href);
}

/** The same page with other parameters; undefined takes one away. */
export function hrefWith(parameters: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(current.value);
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined || value === '') url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url.pathname + url.search;
}

/** Changes parameters without a new entry in the history: a slider would fill it. */
export function replaceParameters(parameters: Readonly<Record<string, string | undefined>>): void {
  window.history.replaceState(null, '', hrefWith(parameters));
  current.value = new URL(window.location.href);
}

export function aggregateHref(
  { aggregateType, id }: { aggregateType: string; id: string },
  at?: string,
): string {
  const query = at === undefined ? '' : `?at=${encodeURIComponent(at)}`;
  return `/aggregates/${encodeURIComponent(aggregateType)}/${encodeURIComponent(id)}${query}`;
}

/** The timeline around a transaction, which is opened. */
export const transactionHref = (position: string): string => `/?at=${encodeURIComponent(position)}`;

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A stray percent sign: the part as it is.
    return part;
  }
}
