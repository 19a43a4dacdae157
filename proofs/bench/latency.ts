/** One tool beside a steady load: from the last statement of a transaction to a consumer that has its event. */
import { poll } from '@diptych/runtime/poll';
import { type BenchContext, dropSlots } from './bench.ts';
import type { Competitor, Ground, Running } from './competitor.ts';
import { type Latencies, LatencyConsumer } from './latency-consumer.ts';
import type { Others } from './machine.ts';
import { Meter } from './meter.ts';
import { percentile, round } from './statistics.ts';
import { writeSteadily } from './steady-load.ts';

export interface LatencyMeasure extends Latencies {
  readonly name: string;
  /** Transactions a second, as asked for and as reached: one event each. */
  readonly perSecond: number;
  readonly writtenPerSecond: number;
  /** How long the commits took, which is part of each latency: nobody gets a transaction before it is on disk. */
  readonly commitP50Ms: number;
  readonly commitP99Ms: number;
  /** Events that were not there half a minute after the last one was written; less than 0: that came more than once. */
  readonly missing: number;
  /** Processors that the tool used, and the broker. */
  readonly cores: number;
  readonly brokerCores: number;
  /** Of the tool, since its start. */
  readonly peakRssBytes: number;
  readonly othersShare: number;
}

export interface LatencyOptions {
  readonly competitor: Competitor;
  readonly id: string;
  /** Transactions a second, one measure each, one after the other with the same process. */
  readonly rates: readonly number[];
  /** Of each. */
  readonly seconds: number;
  readonly warmUp: { readonly perSecond: number; readonly seconds: number };
}

const beginTimeoutMs = 120_000;
const arriveTimeoutMs = 30_000;
const askingIntervalMs = 50;

/** Starts the tool, warms it up, measures, and ends it. */
export async function measureLatency(
  { say, others, brokerPid }: BenchContext,
  ground: Ground,
  options: LatencyOptions,
): Promise<LatencyMeasure[]> {
  const { competitor, id, rates, seconds, warmUp } = options;
  const { databaseUrl, brokers, watchdog, signal } = ground;
  const entry = await competitor.prepare(ground, id);
  let consumer: LatencyConsumer | null = null;
  try {
    const running = await entry.start({ ours: null });
    say(`${competitor.name}: warming up`);
    const warmed = writeSteadily(databaseUrl, warmUp);
    await Promise.all([warmed, untilBegun(running, signal)]);
    const topic = running.eventTopic;
    if (topic === null) throw new Error(`${competitor.name} has no topic of events`);
    const eventsMax =
      rates.reduce((sum, rate) => sum + rate * seconds, warmUp.perSecond * warmUp.seconds) * 2;
    consumer = LatencyConsumer.start({ brokers, topic, eventsMax, watchdog });
    const meter = new Meter({ tool: running.pids, broker: [brokerPid] });
    let written = (await warmed).length;
    await untilReceived(consumer, written, signal);
    const measures: LatencyMeasure[] = [];
    for (const perSecond of rates) {
      const load = { databaseUrl, perSecond, seconds };
      const measured = await measureRate({ consumer, meter, others, load, signal, writtenBefore: written });
      written += measured.written;
      measures.push({ name: competitor.name, ...measured.measure });
      say(describe(competitor.name, measured.measure));
    }
    return measures;
  } finally {
    await consumer?.stop();
    await entry.stop();
    await dropSlots(databaseUrl, entry.slots);
  }
}

async function measureRate(options: {
  consumer: LatencyConsumer;
  meter: Meter;
  others: Others;
  load: { databaseUrl: string; perSecond: number; seconds: number };
  writtenBefore: number;
  signal: AbortSignal;
}): Promise<{ measure: Omit<LatencyMeasure, 'name'>; written: number }> {
  const { consumer, meter, others, load, writtenBefore, signal } = options;
  const before = { ...meter.look(), at: performance.now() };
  const fromUs = Date.now() * 1000;
  const { result, share } = await others.during(() => writeSteadily(load.databaseUrl, load));
  const written = result.length;
  const commitMs = (percent: number) => round(percentile(result.sort(), percent) / 1000);
  const seconds = (performance.now() - before.at) / 1000;
  const after = meter.look();
  const cores = (after.tool - before.tool) / seconds;
  const brokerCores = (after.broker - before.broker) / seconds;
  const received = await untilReceived(consumer, writtenBefore + written, signal);
  const untilUs = (Date.now() + 1) * 1000;
  const latencies = await consumer.latencies({ fromUs, untilUs });
  const measure = {
    ...{ perSecond: load.perSecond, writtenPerSecond: written / seconds, ...latencies },
    ...{ commitP50Ms: commitMs(50), commitP99Ms: commitMs(99) },
    missing: writtenBefore + written - received,
    ...{ cores, brokerCores, peakRssBytes: meter.peakRssBytes, othersShare: share },
  };
  return { measure, written };
}

async function untilBegun(running: Running, signal: AbortSignal): Promise<void> {
  await poll(async () => (await running.hasBegun()) || undefined, {
    ...{ what: 'the first record', timeoutMs: beginTimeoutMs, intervalMs: askingIntervalMs, signal },
  });
}

/** How many have come when all of them ought to be there, and when that did not help, half a minute later. */
async function untilReceived(
  consumer: LatencyConsumer,
  events: number,
  signal: AbortSignal,
): Promise<number> {
  const deadline = performance.now() + arriveTimeoutMs;
  const look = async () => {
    const received = await consumer.received();
    return received >= events || performance.now() > deadline ? received : undefined;
  };
  return await poll(look, {
    ...{ what: 'an answer of the consumer', timeoutMs: 2 * arriveTimeoutMs },
    ...{ intervalMs: askingIntervalMs, signal },
  });
}

function describe(name: string, measure: Omit<LatencyMeasure, 'name'>): string {
  const { perSecond, writtenPerSecond, p50Ms, p99Ms, commitP50Ms, commitP99Ms, missing, othersShare } =
    measure;
  const written = `${Math.round(writtenPerSecond)} of ${perSecond} transactions a second`;
  const short = writtenPerSecond < perSecond * 0.98 ? ' (the machine does not write more)' : '';
  const latency = `p50 ${p50Ms} ms, p99 ${p99Ms} ms (commits ${commitP50Ms}, ${commitP99Ms})`;
  return `${name}: ${written}${short}, ${latency}, ${missing} missing, others ${(othersShare * 100).toFixed(1)} %`;
}
