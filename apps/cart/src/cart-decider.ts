/** The cart as a decider, whatever keeps its state: rows, or nothing but its events. */
import type { CartEvent } from '@diptych/contracts/cart-events';
import { evolve } from '@diptych/contracts/cart-fold';
import type { CartState } from '@diptych/contracts/cart-state';
import type { Decider } from '@diptych/journal/decider';
import { type CartCommand, decide, type Refusal, type Told } from './decide.ts';

/** What somebody wants of a cart. */
export interface Intent {
  readonly command: CartCommand;
  readonly told: Told;
  /** Versions of which one must be the cart's, by `If-Match`. */
  readonly versions?: readonly number[] | undefined;
}

export const cartDecider: Decider<CartState | undefined, Intent, CartEvent, Refusal | 'version-stale'> = {
  initial: undefined,
  decide: (state, { command, told, versions }) =>
    state && versions && !versions.includes(state.version)
      ? { ok: false, reason: 'version-stale' }
      : decide(state, command, told),
  evolve,
};
