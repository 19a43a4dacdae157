/** Where carts are kept. Commands, refusals, time travel and HTTP are the same for every store; only this differs. */
import type { cartContract } from '@diptych/contracts/cart-events';
import type { CartState } from '@diptych/contracts/cart-state';
import type { Loaded } from '@diptych/journal/aggregate-store';
import type { Journal } from '@diptych/journal/journal';
import type { Moment } from '@diptych/journal/moment';
import type { Telling } from '@diptych/outbox/contract';
import type { Intent } from './cart-decider.ts';
import type { Database } from './database.ts';
import type { Refusal } from './decide.ts';

export type CartJournal = Journal<typeof cartContract>;

export interface CartStore {
  /** Stands before `/carts` in its paths. */
  readonly prefix: '' | '/es';
  /** What was told of its carts. */
  readonly journal: CartJournal;
  /** The id of a new cart, which `change` has to open in the same transaction. */
  newId(tx: Database): Promise<number>;
  read(tx: Database, cartId: number): Promise<CartState | undefined>;
  /** As its events tell it: undefined when it was not there by then. Throws as `Journal.read` does. */
  readAt(tx: Database, cartId: number, at: Moment): Promise<Loaded<CartState | undefined>>;
  /** Carries the intent out, or refuses and has changed nothing. */
  change(tx: Database, change: Change): Promise<Changed>;
}

export interface Change {
  readonly cartId: number;
  /** Whether the id was drawn in this transaction. */
  readonly isNew: boolean;
  readonly intent: Intent;
  readonly telling: Telling;
}

export type Changed =
  | { readonly ok: true; readonly cart: CartState }
  | { readonly ok: false; readonly reason: Refusal | 'version-stale' };
