/** Server-sent events of the console, over as many connections as it takes. */
import type { EngineState, LiveEvent, Position, TimelineItem } from '@diptych/compare/console-api';
import type { HealthSample } from '@diptych/compare/console-health';
import { signal } from '@preact/signals';
import { ask, query } from './ask.ts';

/** `away`: nobody answers; it is tried again by itself. */
export type Connection = 'connecting' | 'open' | 'away';

export const connection = signal<Connection>('connecting');
/** The last that was heard of the engine. */
export const engineState = signal<EngineState | null>(null);
export const lastSample = signal<HealthSample | null>(null);

export interface Listener {
  readonly onTransactions: (items: readonly TimelineItem[]) => void;
  readonly onUpdates: (items: readonly TimelineItem[]) => void;
  /** More was missed than is sent: what is shown has to be loaded anew. */
  readonly onGap: () => void;
  /** A connection is there, the first or another one. */
  readonly onOpen?: () => void;
}

interface Options extends Listener {
  /** As a query, without `after`. */
  readonly filter: object;
  /** Where the page that is shown ends; null when it is empty. */
  readonly after: Position | null;
}

/** From one attempt to the next, in ms: the first at once for a reader's eyes, the others so that no server is flooded. */
const retryMsMin = 250;
const retryMsMax = 5000;
/** Rows that come within a moment are shown together: each showing costs a layout. */
const batchMs = 80;

/**
 * Listens until it is called off. An EventSource ends for good at the first answer that is not 200, and repeats the
 * `after` of its URL: each attempt is one of ours, from the last transaction that came.
 */
export function listen({ filter, after, ...listener }: Options): () => void {
  let last = after;
  let retryMs = retryMsMin;
  let source: EventSource | undefined;
  let wasLost = false;
  let retry: number | undefined;
  const batches = new Batches(listener);
  const open = (): void => {
    const opened = new EventSource(`/api/live${query({ ...filter, after: last ?? undefined })}`);
    source = opened;
    const on = <Tag extends LiveEvent['tag']>(
      tag: Tag,
      take: (data: Extract<LiveEvent, { tag: Tag }>['data']) => void,
    ): void => opened.addEventListener(tag, (event: MessageEvent<string>) => take(JSON.parse(event.data)));
    opened.addEventListener('open', () => {
      connection.value = 'open';
      // Nothing to go on from: what came in between is not sent.
      if (wasLost && last === null) listener.onGap();
      listener.onOpen?.();
      retryMs = retryMsMin;
    });
    opened.addEventListener('error', () => {
      opened.close();
      connection.value = 'away';
      wasLost = true;
      retry = window.setTimeout(open, retryMs * (0.75 + Math.random() / 2));
      retryMs = Math.min(retryMsMax, retryMs * 2);
      // A stream cannot say that a token is wanted; a question can.
      ask('/api/session').catch(() => undefined);
    });
    on('transaction', (item) => {
      last = item.position;
      batches.add(item);
    });
    on('update', (item) => batches.update(item));
    on('state', (state) => {
      engineState.value = state;
    });
    on('sample', (sample) => {
      lastSample.value = sample;
    });
    on('gap', ({ newest }) => {
      last = newest;
      batches.clear();
      listener.onGap();
    });
  };
  open();
  return () => {
    window.clearTimeout(retry);
    source?.close();
    batches.clear();
  };
}

class Batches {
  readonly #listener: Listener;
  #items: TimelineItem[] = [];
  #updates: TimelineItem[] = [];
  #timer: number | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  add(item: TimelineItem): void {
    this.#items.push(item);
    this.#soon();
  }

  update(item: TimelineItem): void {
    this.#updates.push(item);
    this.#soon();
  }

  clear(): void {
    window.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#items = [];
    this.#updates = [];
  }

  #soon(): void {
    this.#timer ??= window.setTimeout(() => {
      const [items, updates] = [this.#items, this.#updates];
      this.clear();
      if (items.length > 0) this.#listener.onTransactions(items);
      if (updates.length > 0) this.#listener.onUpdates(updates);
    }, batchMs);
  }
}
