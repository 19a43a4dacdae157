/** Two relays; the one that holds the slot is killed, or frozen; how long until the other one holds it, and publishes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { poll } from '@diptych/runtime/poll';
import type { Say } from '@diptych/testkit/progress';
import type { RelayProcess } from '@diptych/testkit/relay-process';
import { startStack } from '@diptych/testkit/stack';
import pg from 'pg';
import { Bridge } from '../bridge.ts';
import { Random } from '../simulate/random.ts';
import { Observer } from './observer.ts';

export interface TakeoverOptions {
  readonly kills: number;
  readonly stops: number;
  readonly seed: number;
  readonly say: Say;
  readonly signal: AbortSignal;
}

/** Of one fault, in ms from the moment before its signal was sent. */
export interface Times {
  /** Until the standby says that it streams: slot held, publisher fenced, checkpoint read. */
  readonly takeoverMs: number;
  /** Until a record arrives at a consumer that was committed after the fault. */
  readonly publishMs: number;
}

export interface Measured {
  readonly kills: readonly Times[];
  readonly stops: readonly Times[];
}

const schema = 'create table ticks (id bigint generated always as identity primary key)';
/** A row each: what a record's age can be told by. */
const tickMs = 10;
const steadyTimeoutMs = 60_000;
const takeoverTimeoutMs = 60_000;
const askingIntervalMs = 10;
/** A signal is delivered a moment later than it is sent. */
const signalMs = 50;

/** Measures; ends what it started. Throws when a takeover does not happen within a minute. */
export async function measureTakeovers(options: TakeoverOptions): Promise<Measured> {
  const { say, signal } = options;
  const stack = await startStack({ say, signal });
  try {
    const settings = { DIPTYCH_KAFKA_PARTITIONS: '1' } as const;
    const bridge = await Bridge.create({ stack, schema, relays: ['A', 'B'], settings });
    try {
      return await measure(bridge, options);
    } finally {
      await bridge.close({ keepLogs: false });
      if (stack.kind === 'external') await bridge.drop();
    }
  } finally {
    await stack.stop();
  }
}

async function measure(
  bridge: Bridge,
  { kills, stops, seed, say, signal }: TakeoverOptions,
): Promise<Measured> {
  const ticking = new AbortController();
  const ticks = tick(bridge.databaseUrl, AbortSignal.any([ticking.signal, signal]));
  const observer = new Observer({ brokers: bridge.brokers, topic: bridge.changeTopic('ticks') });
  const random = new Random(seed);
  const measured = { kills: [] as Times[], stops: [] as Times[] };
  try {
    for (const relay of bridge.relays) relay.start();
    for (let round = 0; round < kills + stops; round += 1) {
      const { active, standby } = await steady(bridge, { observer, signal });
      await sleep(random.whole(0, 300), undefined, { signal });
      const kind = round < kills ? 'kills' : 'stops';
      const fault = kind === 'kills' ? killed : frozen;
      const times = await fault({ active, standby, observer, signal });
      measured[kind].push(times);
      say(
        `${kind} ${measured[kind].length}: taken over in ${times.takeoverMs} ms, published in ${times.publishMs} ms`,
        'moving',
      );
    }
    return measured;
  } finally {
    ticking.abort();
    await Promise.all([ticks, observer.close()]);
  }
}

/** Writes until told to stop. */
async function tick(databaseUrl: string, signal: AbortSignal): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'takeover' });
  client.on('error', () => {});
  await client.connect();
  while (!signal.aborted) {
    await client.query('insert into ticks default values');
    await sleep(tickMs, undefined, { signal }).catch(() => {});
  }
  await client.end();
}

interface Pair {
  readonly active: RelayProcess;
  readonly standby: RelayProcess;
}

/** Waits until one relay streams without a backlog and the other stands by. */
async function steady(
  bridge: Bridge,
  { observer, signal }: { observer: Observer; signal: AbortSignal },
): Promise<Pair> {
  const look = async (): Promise<Pair | undefined> => {
    const found = await Promise.all(
      bridge.relays.map(async (relay) => ({ relay, role: (await relay.status())?.role })),
    );
    const active = found.find(({ role }) => role === 'active')?.relay;
    const standby = found.find(({ role }) => role === 'standby')?.relay;
    const { underWayMs, agoMs } = observer.lag;
    return active && standby && underWayMs < 200 && agoMs < 200 ? { active, standby } : undefined;
  };
  return await poll(look, {
    what: 'one relay streams, the other stands by',
    timeoutMs: steadyTimeoutMs,
    intervalMs: 100,
    signal,
  });
}

interface Fault extends Pair {
  readonly observer: Observer;
  readonly signal: AbortSignal;
}

async function killed({ active, standby, observer, signal }: Fault): Promise<Times> {
  const startedAtMs = Date.now();
  const { exitedAtMs } = await active.kill();
  const times = await follow({ startedAtMs, deadAtMs: exitedAtMs, standby, observer, signal });
  active.start();
  return times;
}

/** It holds the slot and its connections, and answers nothing: the server gives it up after wal_sender_timeout. */
async function frozen({ active, standby, observer, signal }: Fault): Promise<Times> {
  const startedAtMs = Date.now();
  active.freeze();
  try {
    return await follow({ startedAtMs, deadAtMs: startedAtMs + signalMs, standby, observer, signal });
  } finally {
    active.thaw();
  }
}

async function follow({
  startedAtMs,
  deadAtMs,
  standby,
  observer,
  signal,
}: {
  startedAtMs: number;
  deadAtMs: number;
  standby: RelayProcess;
  observer: Observer;
  signal: AbortSignal;
}): Promise<Times> {
  const active = async () => ((await standby.status())?.role === 'active' ? Date.now() : undefined);
  const what = 'the standby takes over';
  const [activeAtMs, arrivedAtMs] = await Promise.all([
    poll(active, { what, timeoutMs: takeoverTimeoutMs, intervalMs: askingIntervalMs, signal }),
    observer.firstCommittedAfter(deadAtMs, signal),
  ]);
  return { takeoverMs: activeAtMs - startedAtMs, publishMs: arrivedAtMs - startedAtMs };
}
