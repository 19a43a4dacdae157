/** Scripted shoppers: they use the cart service over HTTP, as anybody would. */
import { assert, unreachable } from '@diptych/runtime/assert';

/** One step of a shopper on a cart. */
export type Step =
  | { readonly tag: 'add'; readonly sku: string; readonly quantity?: number; readonly reason?: string }
  | { readonly tag: 'quantity'; readonly sku: string; readonly quantity: number }
  | { readonly tag: 'remove'; readonly sku: string; readonly reason?: string }
  | { readonly tag: 'discount'; readonly code: string }
  | { readonly tag: 'check-out' }
  | { readonly tag: 'abandon'; readonly reason?: string };

/** The worked example: cart 101 ends with 2 bananas and 1 mango for 3.90; its rows never saw an apple, its events did. */
export const workedExample: readonly Step[] = [
  { tag: 'add', sku: 'banana' },
  { tag: 'add', sku: 'apple' },
  { tag: 'add', sku: 'banana' },
  { tag: 'remove', sku: 'apple', reason: 'has a bruise' },
  { tag: 'discount', code: 'two-bananas' },
  { tag: 'add', sku: 'mango' },
  { tag: 'check-out' },
];

/** Where the carts are: rows and events, or nothing but events. */
export type Carts = '/carts' | '/es/carts';

/** Opens a cart and answers its id. */
export async function openCart(cartUrl: string, carts: Carts = '/carts'): Promise<number> {
  const cart = await send(cartUrl, { method: 'POST', path: carts, body: {} });
  assert(typeof cart.id === 'number', 'an opened cart has an id');
  return cart.id;
}

/** Takes the steps one after the other. Throws when the service refuses one. */
export async function shop(
  cartUrl: string,
  { cartId, steps, carts = '/carts' }: { cartId: number; steps: readonly Step[]; carts?: Carts },
): Promise<void> {
  for (const step of steps)
    await send(cartUrl, { ...requestOf(step), path: `${carts}/${cartId}${requestOf(step).path}` });
}

function requestOf(step: Step): { method: string; path: string; body: Record<string, unknown> } {
  const reason = 'reason' in step && step.reason !== undefined ? { reason: step.reason } : {};
  switch (step.tag) {
    case 'add':
      return {
        method: 'POST',
        path: '/items',
        body: { sku: step.sku, quantity: step.quantity ?? 1, ...reason },
      };
    case 'quantity':
      return { method: 'PUT', path: `/items/${step.sku}`, body: { quantity: step.quantity } };
    case 'remove':
      return { method: 'DELETE', path: `/items/${step.sku}`, body: reason };
    case 'discount':
      return { method: 'POST', path: '/discounts', body: { code: step.code } };
    case 'check-out':
      return { method: 'POST', path: '/checkout', body: {} };
    case 'abandon':
      return { method: 'DELETE', path: '', body: reason };
    default:
      return unreachable(step);
  }
}

async function send(
  cartUrl: string,
  { method, path, body }: { method: string; path: string; body: Record<string, unknown> },
): Promise<Record<string, unknown>> {
  const response = await fetch(new URL(path, cartUrl), {
    method,
    headers: { 'content-type': 'application/json', 'diptych-actor': 'customer' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${method} ${path} was refused: ${JSON.stringify(answer)}`);
  return answer;
}

/** A small deterministic generator (mulberry32): the same seed gives the same shoppers. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const shelf = ['banana', 'apple', 'mango'] as const;

/** What a random shopper does with one cart; every step is one that the service accepts. */
export function randomSteps(random: (below: number) => number): readonly Step[] {
  const quantities = new Map<string, number>();
  const steps: Step[] = [];
  for (let left = 2 + random(6); left > 0; left -= 1) steps.push(randomStep(random, quantities));
  if (quantities.size === 0) steps.push({ tag: 'add', sku: 'mango' });
  steps.push(random(4) === 0 ? { tag: 'abandon', reason: 'changed my mind' } : { tag: 'check-out' });
  return steps;
}

function randomStep(random: (below: number) => number, quantities: Map<string, number>): Step {
  const sku = shelf[random(shelf.length)] ?? 'banana';
  const held = quantities.get(sku) ?? 0;
  const choice = held === 0 ? 0 : random(4);
  if (choice === 3) {
    quantities.delete(sku);
    return { tag: 'remove', sku };
  }
  if (choice === 2) {
    const quantity = held + 1 + random(3);
    quantities.set(sku, quantity);
    return { tag: 'quantity', sku, quantity };
  }
  const quantity = 1 + random(3);
  quantities.set(sku, held + quantity);
  return { tag: 'add', sku, quantity };
}
