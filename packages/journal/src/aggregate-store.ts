/** Aggregates of which nothing is stored but events: loaded as of any moment, changed by deciding on them. */
import type { Contracts, EventOf } from '@diptych/events/event-contract';
import type { EventOf as AppendedEventOf, Telling } from '@diptych/outbox/contract';
import type { OutboxTransaction } from '@diptych/outbox/port';
import { assert } from '@diptych/runtime/assert';
import { type Decider, fold } from './decider.ts';
import type { Journal, MomentRefusal, RecordedEvent } from './journal.ts';
import type { Moment } from './moment.ts';
import type { Snapshots } from './snapshots.ts';

export interface AggregateStoreOptions<C extends Contracts, State, Command, Refusal> {
  readonly journal: Journal<C>;
  readonly decider: Decider<State, Command, EventOf<C>, Refusal>;
  /** Left out: every state is folded from the first event on. */
  readonly snapshots?: Snapshots<State>;
}

export interface Given<Command> {
  /** Of the aggregate; one that has no events yet is at its beginning. */
  readonly id: string;
  readonly command: Command;
  readonly telling?: Telling;
}

export type Loaded<State> =
  | { readonly ok: true; readonly state: State; readonly version: bigint }
  | { readonly ok: false; readonly reason: MomentRefusal };

export type Executed<State, Refusal> =
  | {
      readonly ok: true;
      readonly state: State;
      readonly version: bigint;
      /** How many events were appended: none when all is as the command wants it. */
      readonly appended: number;
    }
  | { readonly ok: false; readonly reason: Refusal };

export class AggregateStore<C extends Contracts, State, Command, Refusal> {
  readonly #options: AggregateStoreOptions<C, State, Command, Refusal>;

  constructor(options: AggregateStoreOptions<C, State, Command, Refusal>) {
    this.#options = options;
  }

  /**
   * The aggregate as it was at the moment, as it is without one; `initial` when it had no event by then. Throws as
   * `Journal.read` does.
   */
  async load(
    tx: OutboxTransaction,
    id: string,
    { at }: { at?: Moment | undefined } = {},
  ): Promise<Loaded<State>> {
    const { journal, decider, snapshots } = this.#options;
    const whole = await journal.read(tx, id, { at });
    if (!whole.ok) return whole;
    const { version } = whole;
    const snapshot = await snapshots?.latest(tx, { stream: { type: journal.type, id }, version });
    if (snapshot === undefined) return { ok: true, version, state: await fold(decider)(facts(whole.events)) };
    const rest = await journal.read(tx, id, {
      fromVersion: snapshot.version + 1n,
      at: { tag: 'version', version },
    });
    assert(rest.ok, `${journal.type} ${id} was at ${version} and is not any more`);
    return { ok: true, version, state: await fold(decider)(facts(rest.events), snapshot.state) };
  }

  /**
   * Decides the command on the aggregate as it is, and appends what follows, in the caller's transaction, which has to be
   * `read committed`. Nothing is locked in advance; when somebody else was faster, it is decided anew behind a lock that
   * makes the others wait, so that this ends. A refusal has changed nothing.
   */
  async execute(tx: OutboxTransaction, given: Given<Command>): Promise<Executed<State, Refusal>> {
    const first = await this.#attempt(tx, given);
    if (first !== 'version-conflict') return first;
    const { id } = given;
    await this.#options.journal.head(tx, id, { lock: true });
    const second = await this.#attempt(tx, given);
    assert(second !== 'version-conflict', `${this.#options.journal.type} ${id} moved while it was locked`);
    return second;
  }

  async #attempt(
    tx: OutboxTransaction,
    { id, command, telling = {} }: Given<Command>,
  ): Promise<Executed<State, Refusal> | 'version-conflict'> {
    const { journal, decider, snapshots } = this.#options;
    const before = await this.load(tx, id);
    assert(before.ok, 'now is a moment of every stream');
    const decision = decider.decide(before.state, command);
    if (!decision.ok) return decision;
    const { events } = decision;
    if (events.length === 0) return { ...before, appended: 0 };
    // An event as it is read is one as it is written: both are the newest version of the contract.
    const written = events as unknown as readonly AppendedEventOf<C>[];
    const appended = await journal.append(tx, {
      ...{ stream: id, expectedVersion: before.version, events: written, telling },
    });
    if (!appended.ok) return appended.reason;
    const state = await fold(decider)(events, before.state);
    const { version } = appended;
    if (snapshots?.isDue({ from: before.version, to: version })) {
      await snapshots.keep(tx, { stream: { type: journal.type, id }, version, state });
    }
    return { ok: true, state, version, appended: events.length };
  }
}

async function* facts<C extends Contracts>(
  recorded: AsyncIterable<RecordedEvent<C>>,
): AsyncGenerator<EventOf<C>, void, undefined> {
  for await (const { event } of recorded) yield event;
}
