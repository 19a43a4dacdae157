/** Both panels of a generated workload, through a relay and a broker that are killed, into an engine that is killed. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { createDatabase } from '@diptych/testkit/database';
import type { Say } from '@diptych/testkit/progress';
import type { Control } from '@diptych/testkit/server';
import { Watchdog } from '@diptych/testkit/watchdog';
import { Bridge, startOwnStack, startPatiently } from '../bridge.ts';
import { EngineProcess, type EngineSettings } from './engine-process.ts';
import { type Findings, type Found, findings } from './findings.ts';
import { mappings, schema } from './orders.ts';
import { Workload } from './workload.ts';

export interface CompareProofOptions {
  readonly seed: number;
  readonly transactions: number;
  readonly leaks: number;
  readonly drifts: number;
  /** Of the relay and of the broker while they are written, and of the engine while it takes them in: so many each. */
  readonly kills: number;
  /** Before that, at a rate of 1,000 a second, with the engine following. */
  readonly liveSeconds: number;
  readonly say: Say;
  readonly signal: AbortSignal;
}

export interface CompareFigures extends Findings {
  readonly transactions: number;
  /** Of the relay. */
  readonly kills: number;
  /** One of them while the engine follows. */
  readonly brokerKills: number;
  readonly engineKills: number;
  /** Lives of the relay that ended unasked. */
  readonly unaskedExits: number;
  /** Transactions a second that were reached, of 1,000, and how far behind their commits the engine was at most. */
  readonly livePerSecond: number;
  readonly lagMsMax: number;
  /** Everything, by an engine that knows nothing, alone. */
  readonly backlogSeconds: number;
  /** The processor time of it: what counts where the machine is shared. */
  readonly backlogCpuSeconds: number;
  readonly peakRssBytes: number;
  /** 1 when the report of the engine that was killed is another one. */
  readonly reportsDiffer: number;
}

const perSecond = 1000;
const warmUpSeconds = 3;
const timeoutMs = 60 * 60_000;
const askingIntervalMs = 50;
/** At most so many are written between the look at who is to die and his end, so that he dies at work. */
const underWayMax = 100;

interface Surroundings extends CompareProofOptions {
  readonly bridge: Bridge;
  readonly broker: Control;
  readonly workload: Workload;
  readonly engine: EngineSettings;
}

/** Runs it; ends what it started. */
export async function proveCompare(options: CompareProofOptions): Promise<CompareFigures> {
  const { say, signal, seed } = options;
  const stack = await startOwnStack({ say, signal });
  const watchdog = new Watchdog();
  try {
    const bridge = await Bridge.create({ stack, schema, relays: ['A'], settings: {} });
    const databaseUrl = await createDatabase(stack.databaseUrl, `${bridge.slot}_engine`);
    try {
      const file = join(bridge.directory, 'mappings.json');
      await writeFile(file, JSON.stringify(mappings));
      const { brokers, prefix, domainPrefix } = bridge;
      const engine = { brokers, prefix, domainPrefix, databaseUrl, mappings: file, name: 'killed', watchdog };
      const workload = new Workload({ databaseUrl: bridge.databaseUrl, seed });
      return await run({ ...options, bridge, broker: stack.kafka, workload, engine });
    } finally {
      await bridge.close({ keepLogs: false });
    }
  } finally {
    await watchdog.finish();
    await stack.stop();
  }
}

async function run(surroundings: Surroundings): Promise<CompareFigures> {
  const { bridge, workload, engine, say, signal } = surroundings;
  const relay = present(bridge.relays[0], 'a relay');
  relay.start();
  const live = await follow(surroundings);
  const deaths = await writeUnderKills(surroundings);
  if (!(await bridge.caughtUp({ timeoutMs, signal }))) say('the relay did not publish all of it in time');
  await bridge.stopRelays();
  say(`an engine that knows nothing reads ${workload.written} transactions`);
  const startedAt = performance.now();
  const undisturbed = new EngineProcess({ ...engine, name: 'undisturbed' }, '--once');
  const expected = await undisturbed.answer();
  const backlogSeconds = Math.round(performance.now() - startedAt) / 1000;
  const killed = await readUnderKills(surroundings);
  return {
    transactions: workload.written,
    ...findings(workload.planted, killed.answer as Found),
    ...{ kills: deaths.relay, brokerKills: live.brokerKills + deaths.broker, engineKills: killed.kills },
    unaskedExits: (await relay.unaskedExits()).length,
    ...{ livePerSecond: live.livePerSecond, lagMsMax: live.lagMsMax },
    ...{ backlogSeconds, backlogCpuSeconds: undisturbed.cpuSeconds },
    peakRssBytes: Math.max(undisturbed.peakRssBytes, live.peakRssBytes, killed.peakRssBytes),
    reportsDiffer: isDeepStrictEqual(reported(expected), reported(killed.answer)) ? 0 : 1,
  };
}

/** What a report says besides when it was made. */
function reported(answer: unknown): unknown {
  return { ...(answer as object), lagMs: null };
}

/** The engine follows what is written at a rate, and goes on by itself when the broker was away; then it is killed. */
async function follow({ broker, workload, engine, liveSeconds, say, signal }: Surroundings) {
  say(`an engine follows ${perSecond} transactions a second for ${liveSeconds} s`);
  const follower = new EngineProcess(engine, '--json');
  await poll(() => follower.progress?.caughtUp || undefined, {
    what: 'the engine follows',
    timeoutMs,
    signal,
  });
  const isFolded = () => {
    if (!follower.running) throw new Error('the engine that followed has ended');
    return (follower.progress?.transactions ?? 0) >= workload.written || undefined;
  };
  const fold = async () => await poll(isFolded, { what: 'the engine has folded it', timeoutMs, signal });
  // The first rows make the topics, and the machine warm.
  await workload.write({ transactions: warmUpSeconds * perSecond, perSecond, signal });
  await fold();
  follower.forgetLag();
  const startedAt = performance.now();
  const before = workload.written;
  await workload.write({ transactions: liveSeconds * perSecond, perSecond, signal });
  const livePerSecond = Math.round(((workload.written - before) * 1000) / (performance.now() - startedAt));
  await fold();
  const { lagMsMax } = follower;
  say('the broker is killed while the engine follows');
  await broker.kill();
  await Promise.all([
    startPatiently(broker),
    workload.write({ transactions: warmUpSeconds * perSecond, perSecond, signal }),
  ]);
  await fold();
  await follower.kill();
  return { livePerSecond, lagMsMax, brokerKills: 1, peakRssBytes: follower.peakRssBytes };
}

/** Writes what is to be found, and kills the relay and the broker, in turn, at even parts of it. */
async function writeUnderKills({
  bridge,
  broker,
  workload,
  transactions,
  leaks,
  drifts,
  kills,
  say,
  signal,
}: Surroundings) {
  const relay = present(bridge.relays[0], 'a relay');
  const before = workload.written;
  const deaths = 2 * kills;
  const underWay = Math.min(underWayMax, Math.floor(transactions / (deaths + 1) / 2));
  const place = (death: number) => before + Math.floor((transactions * death) / (deaths + 1));
  say(`writing ${transactions} transactions, with ${leaks} leaks and ${drifts} drifts among them`);
  workload.writtenMax = place(1);
  const writing = workload.write({ transactions, leaks, drifts, signal });
  // Whoever waits for it hears of its failure; until then nobody does.
  writing.catch(() => undefined);
  const until = async (what: string, isSo: () => Promise<boolean> | boolean): Promise<void> => {
    const waited = { what, timeoutMs, intervalMs: askingIntervalMs, signal };
    // The writing ends after the last death only, or fails.
    await Promise.race([poll(async () => (await isSo()) || undefined, waited), writing]);
  };
  const killed = { relay: 0, broker: 0 };
  for (let death = 1; death <= deaths; death += 1) {
    await until('the place of the next kill', () => workload.written >= place(death));
    await until('the relay is at work', async () => (await relay.status())?.role === 'active');
    workload.writtenMax = place(death + 1);
    await until('more is written', () => workload.written >= place(death) + underWay);
    const victim = death % 2 === 1 ? 'relay' : 'broker';
    killed[victim] += 1;
    say(`the ${victim} is killed after ${workload.written} transactions`);
    if (victim === 'relay') {
      await relay.kill();
      relay.start();
    } else {
      await broker.kill();
      await startPatiently(broker);
    }
  }
  workload.writtenMax = Number.POSITIVE_INFINITY;
  await writing;
  return killed;
}

/** The engine that followed goes on, is killed at even parts of what is there, and in the end answers. */
async function readUnderKills({ engine, workload, transactions, kills, say, signal }: Surroundings) {
  let peakRssBytes = 0;
  let killed = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    const target = workload.written - transactions + Math.floor((transactions * kill) / (kills + 1));
    const reader = new EngineProcess(engine, '--json');
    const isThere = () => (reader.progress?.transactions ?? 0) >= target || !reader.running || undefined;
    await poll(isThere, { what: 'the next kill', timeoutMs, intervalMs: askingIntervalMs, signal });
    if (reader.running) killed += 1;
    await reader.kill();
    say(`the engine was killed after ${reader.progress?.transactions ?? 0} transactions`);
    peakRssBytes = Math.max(peakRssBytes, reader.peakRssBytes);
  }
  const last = new EngineProcess(engine, '--once');
  const answer = await last.answer();
  return { answer, kills: killed, peakRssBytes: Math.max(peakRssBytes, last.peakRssBytes) };
}
