/** An aggregate as pure functions: what a command leads to, and what an event makes of the state. */

export type Decision<Event, Refusal> =
  | { readonly ok: true; readonly events: readonly Event[] }
  | { readonly ok: false; readonly reason: Refusal };

/**
 * `decide` sees a state and a command, and says which events follow, or why none may. `evolve` is total: what has
 * happened has happened, and is never refused.
 */
export interface Decider<State, Command, Event, Refusal> {
  /** Before the first event. */
  readonly initial: State;
  readonly decide: (state: State, command: Command) => Decision<Event, Refusal>;
  readonly evolve: (state: State, event: Event) => State;
}

/** The state after all these events: of a decider, from its beginning or from a state that is known already. */
export function fold<State, Event>({
  initial,
  evolve,
}: Pick<Decider<State, never, Event, unknown>, 'initial' | 'evolve'>): (
  events: Iterable<Event> | AsyncIterable<Event>,
  from?: State,
) => Promise<State> {
  return async (events, from = initial) => {
    let state = from;
    for await (const event of events) state = evolve(state, event);
    return state;
  };
}
