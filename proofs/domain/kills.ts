/** Who is killed, and after how many events: drawn from the seed, one in each part of the run, while it is at work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { poll } from '@diptych/runtime/poll';
import type { Say } from '@diptych/testkit/progress';
import { Deck } from '../chaos/deck.ts';
import type { Random } from '../simulate/random.ts';
import type { Shopping } from './shopping.ts';

/** Of each six, so many. */
const deck = [
  ['relay', 3],
  ['shipping', 1],
  ['projections', 1],
  ['broker', 1],
] as const;

export type Kind = (typeof deck)[number][0];

/** With less somebody would never be killed. */
export const killsMin = 6;

export interface PlannedKill {
  readonly kind: Kind;
  /** When so many events were told. */
  readonly atEvents: number;
  /** How long it stays dead. */
  readonly deadMs: number;
}

/** Somebody who may be killed. */
export interface Target {
  /** Whether it is doing what it is there for. */
  readonly atWork: () => Promise<boolean>;
  readonly kill: () => Promise<unknown>;
  readonly start: () => Promise<void> | void;
}

const deadMsMax = 1500;
/** Nothing is killed at the very end, when nobody has anything to do. */
const lastPart = 0.97;
/** A member that was killed is missed by its group after 30 s only. */
const atWorkTimeoutMs = 180_000;
/** So many events are told between the look and the kill. */
const eventsUnderWay = 60;
const waitTimeoutMs = 60 * 60_000;

/** `kills` of them, each within its own part of the run. */
export function plan(
  random: Random,
  { kills, events }: { kills: number; events: number },
): readonly PlannedKill[] {
  const cards = new Deck(random, deck);
  return Array.from({ length: kills }, (_, index) => ({
    kind: cards.draw(),
    atEvents: Math.floor(((index + random.next()) / kills) * events * lastPart),
    deadMs: random.whole(0, deadMsMax),
  }));
}

/**
 * Carries the plan out while shoppers are at work: who is to be killed next has to be back at work, and shoppers wait for
 * that. Answers how often each was killed. Throws when somebody is not at work again within three minutes.
 */
export async function killAll(
  planned: readonly PlannedKill[],
  {
    shopping,
    targets,
    say,
    signal,
  }: { shopping: Shopping; targets: Readonly<Record<Kind, Target>>; say: Say; signal: AbortSignal },
): Promise<Record<Kind, number>> {
  const counts: Record<Kind, number> = { relay: 0, shipping: 0, projections: 0, broker: 0 };
  for (const [index, { kind, atEvents, deadMs }] of planned.entries()) {
    const target = targets[kind];
    shopping.eventsMax = atEvents + eventsUnderWay;
    await poll(async () => (await target.atWork()) || undefined, {
      ...{ what: `${kind} is at work`, timeoutMs: atWorkTimeoutMs, intervalMs: 100, signal },
    });
    const from = Math.max(atEvents, shopping.events + eventsUnderWay);
    shopping.eventsMax = Math.max(planned[index + 1]?.atEvents ?? 0, from) + eventsUnderWay;
    await poll(() => shopping.events >= from || undefined, {
      ...{ what: `${from} events are told`, timeoutMs: waitTimeoutMs, intervalMs: 20, signal },
    });
    await target.kill();
    counts[kind] += 1;
    say(`${shopping.events} events · ${kind} is killed (${index + 1} of ${planned.length})`);
    await sleep(deadMs, undefined, { signal });
    await target.start();
  }
  shopping.eventsMax = Number.POSITIVE_INFINITY;
  return counts;
}
