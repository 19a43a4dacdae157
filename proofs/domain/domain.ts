/** The whole: servers, relay, shoppers, readers, kills; then quiet, and everything is compared. */
import { migrate } from '@diptych/cart-app/migrations';
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { failuresOf } from '@diptych/runtime/verdict';
import type { UnaskedExit } from '@diptych/testkit/node-process';
import type { Say } from '@diptych/testkit/progress';
import { Bridge, startOwnStack, startPatiently } from '../bridge.ts';
import { installFlink } from '../flink/flink-sql.ts';
import { Random } from '../simulate/random.ts';
import { countedOf } from './figures.ts';
import { type Judgement, judge } from './judge.ts';
import { type Kind, killAll, plan, type Target } from './kills.ts';
import { type Rebuilt, rebuildAll } from './rebuild.ts';
import { createProjections, createShipping, type Reader, startShipping } from './services.ts';
import { Shopping } from './shopping.ts';

export interface DomainOptions {
  readonly seed: number;
  /** Told by both carts together. */
  readonly events: number;
  readonly kills: number;
  /** Whether the streaming-SQL view is run too. */
  readonly flink: boolean;
  readonly say: Say;
  readonly signal: AbortSignal;
}

export interface Outcome extends Judgement {
  readonly shopping: Shopping;
  readonly shoppingSeconds: number;
  readonly kills: Readonly<Record<Kind, number>>;
  /** Whether relay and readers came to the end within the time. */
  readonly drained: boolean;
  readonly drainSeconds: number;
  readonly rebuilt: Rebuilt;
  readonly exits: readonly UnaskedExit[];
}

/** Rows of the cart service are change events, its own books are not. */
const settings = {
  DIPTYCH_CHANGE_EXCLUDE: 'drizzle.*,*.outbox,*.outbox_heads,*.outbox_snapshots,*.idempotency_keys',
  DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '1000',
} as const;
const drainTimeoutMs = 15 * 60_000;

type Servers = Awaited<ReturnType<typeof startOwnStack>>;

interface Run {
  readonly bridge: Bridge;
  readonly stack: Servers;
  readonly shipping: Reader;
  readonly projections: Reader;
  readonly options: DomainOptions;
}

/** Runs it and answers what came of it; ends everything it started. Throws OperatingError when it cannot begin. */
export async function proveDomain(options: DomainOptions): Promise<Outcome> {
  const { say, signal } = options;
  const stack = await startOwnStack({ say, signal });
  try {
    const bridge = await Bridge.create({ stack, schema: migrate, relays: ['relay'], settings });
    let clean = false;
    try {
      const readers = {
        shipping: await createShipping(bridge),
        projections: await createProjections(bridge),
      };
      try {
        const outcome = await run({ bridge, stack, ...readers, options });
        clean = failuresOf(countedOf(outcome, options)).length === 0;
        return outcome;
      } finally {
        await Promise.all(Object.values(readers).map(({ process }) => process.kill()));
      }
    } finally {
      const keepLogs = !clean && !signal.aborted;
      if (keepLogs) say(`logs: ${bridge.directory}`);
      await bridge.close({ keepLogs });
    }
  } finally {
    await stack.stop();
  }
}

async function run(given: Run): Promise<Outcome> {
  const { bridge, shipping, projections, options } = given;
  const { flink, say, signal } = options;
  const jars = flink ? await installFlink({ say, watchdog: bridge.watchdog, signal }) : undefined;
  for (const relay of bridge.relays) relay.start();
  await startShipping(shipping, signal);
  projections.process.start();
  const shopped = await shopUnderKills(given);
  const { shopping } = shopped;
  say(`${shopping.events} events are told; waiting for whoever reads them`);
  const drainingSince = performance.now();
  const published = await bridge.caughtUp({ timeoutMs: drainTimeoutMs, signal });
  const read = await Promise.all([shipping, projections].map((one) => isRead(one, signal)));
  const drained = published && read.every(Boolean);
  const drainSeconds = secondsSince(drainingSince);
  say('rebuilding the projections, and killing their service meanwhile');
  const rebuilt = await rebuildAll(projections, signal);
  const processes = [...bridge.relays, shipping.process, projections.process];
  await Promise.all(processes.map((one) => one.stop()));
  const exits = (await Promise.all(processes.map((one) => one.unaskedExits()))).flat();
  const judgement = await judge({ bridge, shipping, projections, shopping, jars, say, signal });
  return { ...shopped, ...judgement, drained, drainSeconds, rebuilt, exits };
}

async function shopUnderKills(given: Run): Promise<Pick<Outcome, 'shopping' | 'shoppingSeconds' | 'kills'>> {
  const { bridge, options } = given;
  const { seed, events, kills, say, signal } = options;
  const failed = new AbortController();
  const running = AbortSignal.any([signal, failed.signal]);
  const shopping = new Shopping({ databaseUrl: bridge.databaseUrl, seed, events, signal: running });
  const planned = plan(new Random(seed), { kills, events });
  const startedAt = performance.now();
  const shopped = shopping.run().then(() => secondsSince(startedAt));
  const killed = killAll(planned, {
    ...{ shopping, say, signal: running },
    targets: targetsOf(given),
  });
  for (const hand of [shopped, killed]) hand.catch(() => failed.abort());
  const ends = await Promise.allSettled([shopped, killed]);
  signal.throwIfAborted();
  // When one fails the other is only aborted.
  for (const end of ends) if (end.status === 'rejected' && !isAbort(end.reason)) throw end.reason;
  return { shopping, shoppingSeconds: await shopped, kills: await killed };
}

function targetsOf({ bridge, stack, shipping, projections }: Run): Record<Kind, Target> {
  const relay = present(bridge.relays[0], 'the relay');
  const service = ({ process, atWork }: Reader): Target => ({
    atWork,
    kill: () => process.kill(),
    start: () => process.start(),
  });
  return {
    relay: {
      atWork: async () => (await relay.status())?.role === 'active',
      kill: () => relay.kill(),
      start: () => relay.start(),
    },
    shipping: service(shipping),
    projections: service(projections),
    broker: {
      atWork: () => Promise.resolve(true),
      kill: () => stack.kafka.kill(),
      start: () => startPatiently(stack.kafka),
    },
  };
}

/** Waits until it has handled all that its topics hold; answers whether it did within the time. */
async function isRead(reader: Reader, signal: AbortSignal): Promise<boolean> {
  const waited = { what: 'everything is handled', timeoutMs: drainTimeoutMs, intervalMs: 500, signal };
  return await poll(async () => (await reader.done()) || undefined, waited).catch(() => {
    signal.throwIfAborted();
    return false;
  });
}

const secondsSince = (startedAt: number): number => Math.round((performance.now() - startedAt) / 100) / 10;

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';
