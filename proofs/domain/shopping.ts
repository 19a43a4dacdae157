/**
 * The same shoppers on both carts: each command goes to the CRUD cart and to the event-sourced one, by the functions that
 * stand behind the service's HTTP routes, and both have to answer the same.
 */

import { type CommandRequest, carryOut, type Outcome } from '@diptych/cart-app/carry-out';
import { readProduct } from '@diptych/cart-app/cart-rows';
import type { CartStore } from '@diptych/cart-app/cart-store';
import { crudCarts } from '@diptych/cart-app/crud-carts';
import { openPool } from '@diptych/cart-app/database';
import { findDiscount } from '@diptych/cart-app/discount-catalogue';
import { esCarts } from '@diptych/cart-app/es-carts';
import { unreachable } from '@diptych/runtime/assert';
import { createLogger } from '@diptych/runtime/log';
import { poll } from '@diptych/runtime/poll';
import type { Pool } from 'pg';
import { Random } from '../simulate/random.ts';
import { type Seen, Shopper, type Step } from './shopper.ts';

/** One cart, kept in both ways. */
export interface Pair {
  readonly crud: number;
  readonly es: number;
}

/** Commands under way at a time; each is two transactions, so that they are as many as the service has connections. */
const lanes = 5;
/** Carts that a lane has open: their events interleave. */
const cartsOfLane = 8;
const gateTimeoutMs = 10 * 60_000;
const examplesMax = 5;

interface OpenCart {
  readonly pair: Pair;
  /** What is left to do. */
  readonly visit: Iterator<Step, void, Seen>;
  version: number;
  seen: Seen;
}

export class Shopping {
  readonly pairs: Pair[] = [];
  /** Told by both carts together. */
  events = 0;
  /** Sent to each cart. */
  commands = 0;
  refused = 0;
  /** Commands that both carts did not answer alike. */
  disagreements = 0;
  readonly examples: string[] = [];
  /** Shoppers wait when so many events are told. */
  eventsMax = Number.POSITIVE_INFINITY;
  readonly #options: { databaseUrl: string; seed: number; events: number; signal: AbortSignal };
  readonly #pool: Pool;

  /** `events`: after so many each lane ends with its share. */
  constructor(options: { databaseUrl: string; seed: number; events: number; signal: AbortSignal }) {
    this.#options = options;
    const log = createLogger('shopping', { level: 'error' });
    this.#pool = openPool({ databaseUrl: options.databaseUrl, log });
  }

  /** Resolves when as many events are told as asked for. Throws what the database throws. */
  async run(): Promise<void> {
    try {
      await Promise.all(Array.from({ length: lanes }, (_, lane) => this.#lane(lane)));
    } finally {
      await this.#pool.end();
    }
  }

  async #lane(lane: number): Promise<void> {
    const { seed, events, signal } = this.#options;
    const random = new Random(seed * 1000 + lane);
    const shopper = new Shopper(random);
    const carts: OpenCart[] = [];
    let left = Math.ceil(events / lanes);
    while (left > 0) {
      signal.throwIfAborted();
      await this.#mayGoOn();
      const before = left;
      if (carts.length < cartsOfLane) {
        const opened = await this.#open(shopper);
        carts.push(opened);
        left -= 2;
      } else {
        const index = random.whole(0, carts.length - 1);
        const cart = carts[index];
        const step = cart?.visit.next(cart.seen);
        if (!cart || !step || step.done) carts.splice(index, 1);
        else left -= await this.#command(cart, step.value);
      }
      this.events += before - left;
    }
  }

  async #mayGoOn(): Promise<void> {
    if (this.events < this.eventsMax) return;
    await poll(() => this.events < this.eventsMax || undefined, {
      ...{ what: 'shoppers may go on', timeoutMs: gateTimeoutMs, signal: this.#options.signal },
    });
  }

  async #open(shopper: Shopper): Promise<OpenCart> {
    const [crud, es] = await this.#both({ request: () => ({ command: () => ({ tag: 'open' }) }) });
    if (!crud.ok || !es.ok) throw new Error('a new cart can be opened');
    const pair = { crud: crud.cart.id, es: es.cart.id };
    this.pairs.push(pair);
    return { pair, visit: shopper.visit(), version: crud.cart.version, seen: [] };
  }

  /** Answers how many events came of it, over both. */
  async #command(cart: OpenCart, step: Step): Promise<number> {
    const [outcome] = await this.#both({ pair: cart.pair, request: (store) => requestOf(store, step) });
    if (!outcome.ok) {
      this.refused += 1;
      return 0;
    }
    const told = outcome.cart.version - cart.version;
    cart.version = outcome.cart.version;
    cart.seen = outcome.cart.items.map(({ sku }) => sku);
    return 2 * told;
  }

  async #both({
    pair,
    request,
  }: {
    pair?: Pair;
    request: (store: CartStore) => Pick<CommandRequest, 'command' | 'reason'>;
  }): Promise<[Outcome, Outcome]> {
    const send = (store: CartStore, cartId: number | undefined) =>
      carryOut({ pool: this.#pool, store }, { cartId, actor: 'shopper', ...request(store) });
    this.commands += 1;
    const outcomes = await Promise.all([send(crudCarts, pair?.crud), send(esCarts, pair?.es)]);
    const [crud, es] = outcomes.map(said);
    if (crud !== es) {
      this.disagreements += 1;
      if (this.examples.length < examplesMax) this.examples.push(`rows answer ${crud}, events ${es}`);
    }
    return outcomes;
  }
}

/** An answer but for what no two carts have in common. */
function said(outcome: Outcome): string {
  if (!outcome.ok) return outcome.reason;
  const { status, cart } = outcome;
  return JSON.stringify({ status, cart: { ...cart, id: 0 } });
}

/** As the routes of the service have it. */
function requestOf(store: CartStore, step: Step): Pick<CommandRequest, 'command' | 'reason'> {
  switch (step.tag) {
    case 'add': {
      const { sku, quantity } = step;
      return {
        command: async (tx) => ({ tag: 'add-item', product: await readProduct(tx, sku), quantity }),
      };
    }
    case 'quantity':
      return { command: () => ({ tag: 'change-quantity', sku: step.sku, quantity: step.quantity }) };
    case 'remove':
      return { command: () => ({ tag: 'remove-item', sku: step.sku }), reason: 'too sour' };
    case 'discount':
      return { command: () => ({ tag: 'apply-discount', discount: findDiscount(step.code) }) };
    case 'revert': {
      const version = BigInt(step.toVersion);
      return {
        command: async (tx, cartId) => {
          const then = await store.readAt(tx, cartId, { tag: 'version', version });
          return { tag: 'revert', to: then.ok ? then.state : undefined };
        },
        reason: `reverted to version ${version}`,
      };
    }
    case 'check-out':
      return { command: () => ({ tag: 'check-out' }) };
    case 'abandon':
      return { command: () => ({ tag: 'abandon' }), reason: 'changed my mind' };
    default:
      return unreachable(step);
  }
}
