/** Sends what is kept to those who listen, as server-sent events; each after what it missed. */
import type { ServerResponse } from 'node:http';
import type { EngineState, Position, TimelineFilter } from '@diptych/compare/console-api';
import type { HealthSample } from '@diptych/compare/console-health';
import { operating } from '@diptych/runtime/failure';
import type { Kept } from '../timeline/kept-recorder.ts';
import { withReleased } from '../timeline/recorded.ts';
import type { TimelineReader } from '../timeline/timeline-reader.ts';
import { type ConsoleTimeline, marked } from './console-timeline.ts';
import type { EngineKeeper } from './engine-keeper.ts';
import { eventsMax, Listener } from './listener.ts';
import { stateOf } from './reports.ts';

const listenersMax = 32;
const updatesMax = 100;
const stateIntervalMs = 1000;
/** Shorter than the time after which proxies close what is silent. */
const commentIntervalMs = 15_000;

export interface LiveHubOptions {
  readonly timeline: ConsoleTimeline;
  readonly reader: TimelineReader;
  readonly keeper: EngineKeeper;
}

export class LiveHub {
  readonly #options: LiveHubOptions;
  readonly #listeners = new Set<Listener>();
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #onKept = (kept: Kept): void => this.#send(kept);
  #drifts: ReadonlySet<Position> = new Set();
  #audited: ReadonlySet<string> = new Set();
  #state = '';

  constructor(options: LiveHubOptions) {
    this.#options = options;
    options.keeper.on('kept', this.#onKept);
    this.#timers = [
      setInterval(() => void this.#sendState(), stateIntervalMs),
      setInterval(() => {
        for (const { response } of this.#listeners) response.write(': \n\n');
      }, commentIntervalMs),
    ];
  }

  get isFull(): boolean {
    return this.#listeners.size >= listenersMax;
  }

  /** Sends what came behind `after`, then what comes, until the connection ends. `null`: from now on. */
  async listen(
    response: ServerResponse,
    { filter, after }: { filter: TimelineFilter; after: Position | null },
  ): Promise<void> {
    const listener = new Listener(response, filter);
    this.#listeners.add(listener);
    response.once('close', () => this.#listeners.delete(listener));
    // A client that is cut off while it is written to is no error of ours.
    response.on('error', () => this.#listeners.delete(listener));
    if (this.#listeners.size === 1) this.#look();
    listener.send({ tag: 'state', data: await this.state() });
    const missed =
      after === null
        ? { items: [], hasMore: false }
        : await this.#options.timeline.behind(filter, { from: after, limit: eventsMax });
    if (missed.hasMore) listener.gap(await this.#newest());
    else for (const item of missed.items) listener.transaction(item);
    listener.goLive();
  }

  sample(data: HealthSample): void {
    for (const listener of this.#listeners) listener.send({ tag: 'sample', data });
  }

  async state(): Promise<EngineState> {
    return stateOf(this.#options.keeper, await this.#options.reader.extent());
  }

  close(): void {
    this.#options.keeper.off('kept', this.#onKept);
    for (const timer of this.#timers) clearInterval(timer);
    for (const { response } of this.#listeners) response.end();
  }

  #send({ recorded, releases }: Kept): void {
    if (this.#listeners.size === 0) return;
    const { marker } = this.#options.keeper;
    const [drifts, audited] = [this.#drifts, this.#audited];
    this.#look();
    if (recorded.length > eventsMax) {
      const newest = recorded.at(-1)?.item.position ?? null;
      for (const listener of this.#listeners) listener.gap(newest);
      return;
    }
    const released = new Map(releases.map((release) => [release.position, release]));
    for (const kept of recorded) {
      const release = released.get(kept.item.position);
      const item = release === undefined ? kept.item : withReleased(kept.item, release);
      const shown = marked({ ...kept, item }, marker);
      for (const listener of this.#listeners) listener.came(shown);
    }
    const sent = new Set(recorded.map(({ item }) => item.position));
    const changed = drifts.symmetricDifference(this.#drifts).union(new Set(released.keys()));
    void this.#sendUpdates({ changed: changed.difference(sent), tables: this.#audited.difference(audited) });
  }

  /** Of what was sent before: marks that went or came, records that came. */
  async #sendUpdates({ changed, tables }: { changed: Set<Position>; tables: Set<string> }): Promise<void> {
    const { timeline, reader } = this.#options;
    try {
      for (const table of tables) {
        // What was silent there is a leak now.
        const wanted = { table, differences: [] };
        const found = await reader.page(wanted, { direction: 'older', from: null, limit: updatesMax });
        for (const { item } of found) changed.add(item.position);
      }
      for (const position of [...changed].slice(0, updatesMax)) {
        const item = await timeline.one(position);
        if (item !== null) for (const listener of this.#listeners) listener.update(item);
      }
    } catch (error) {
      // Whoever loads the page sees it anyway.
      operating(error);
    }
  }

  async #sendState(): Promise<void> {
    if (this.#listeners.size === 0) return;
    const data = await this.state().catch(() => null);
    const text = JSON.stringify(data);
    if (data === null || text === this.#state) return;
    this.#state = text;
    for (const listener of this.#listeners) listener.send({ tag: 'state', data });
  }

  /** Remembers what is judged how. */
  #look(): void {
    const { marker, answer } = this.#options.keeper;
    this.#drifts = new Set(marker.drifts.keys());
    this.#audited = new Set(answer?.audit.tables);
  }

  async #newest(): Promise<Position | null> {
    return (await this.#options.reader.extent()).newest;
  }
}
