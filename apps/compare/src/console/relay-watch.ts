/** What a relay says of itself: `/status`, and what its `/metrics` counted since the look before. */
import type { RelayHealth } from '@diptych/compare/console-health';
import { z } from 'zod';

const statusSchema = z.object({
  role: z.string(),
  ready: z.boolean(),
  delivery: z.string(),
  lagMs: z.number().nullable(),
  lagBytes: z.number().nullish(),
  parkedKeys: z.number(),
  standstill: z.object({ forMs: z.number(), bytes: z.number(), reason: z.string() }).nullable(),
  lastError: z
    .object({ code: z.string(), message: z.string(), remedy: z.string(), at: z.string() })
    .nullable(),
  startedAt: z.string(),
  snapshot: z
    .object({
      paused: z.boolean(),
      tables: z.array(
        z.object({ table: z.string(), rows: z.number(), estimatedRows: z.number().nullable() }),
      ),
    })
    .nullable(),
});

/** Counters of one moment. */
export interface RelayCounters {
  readonly atMs: number;
  readonly startedAt: string;
  readonly events: number;
  readonly changes: number;
  /** Cumulative, by upper bound in seconds. */
  readonly commitToKafka: readonly { readonly le: number; readonly count: number }[];
}

export interface RelaySeen {
  readonly health: RelayHealth;
  readonly counters: RelayCounters;
}

const answerTimeoutMs = 2000;
/** A relay's answers are some kilobytes; what listens there may be anything. */
const answerBytesMax = 2_000_000;

/** Asks the relays; answers of the active one, else of the first that answers. Null when none does. */
export async function lookAtRelays(urls: readonly string[]): Promise<RelaySeen | null> {
  const seen = await Promise.all(urls.map(async (url) => await lookAtRelay(url).catch(() => null)));
  const answered = seen.filter((one) => one !== null);
  return answered.find(({ health }) => health.role === 'active') ?? answered[0] ?? null;
}

async function lookAtRelay(url: string): Promise<RelaySeen> {
  const base = url.replace(/\/$/, '');
  const [status, metrics] = await Promise.all([textOf(`${base}/status`), textOf(`${base}/metrics`)]);
  const { lagBytes = null, snapshot, ...said } = statusSchema.parse(JSON.parse(status));
  const state = snapshot?.paused === true ? 'paused' : 'reading';
  return {
    health: {
      url: base,
      ...said,
      lagBytes,
      snapshot:
        snapshot?.tables.map(({ table, rows, estimatedRows }) => ({ table, state, rows, estimatedRows })) ??
        null,
    },
    counters: { atMs: performance.now(), startedAt: said.startedAt, ...countersOf(metrics) },
  };
}

async function textOf(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs), redirect: 'error' });
  let text = '';
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.length > answerBytesMax) throw new Error(`${url} answers with more than a relay says`);
  }
  return text;
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
export function countersOf(metrics: string): Omit<RelayCounters, 'atMs' | 'startedAt'> {
  let events = 0;
  let changes = 0;
  const commitToKafka: { le: number; count: number }[] = [];
  for (const line of metrics.split('\n')) {
    const [, name, labels = '', value] = /^([a-z_]+)(?:\{([^}]*)\})? (\S+)$/.exec(line) ?? [];
    if (name === 'diptych_records_published_total' && labels.includes('panel="domain"'))
      events += Number(value);
    if (name === 'diptych_records_published_total' && labels.includes('panel="change"'))
      changes += Number(value);
    const [, le] = /le="([^"]+)"/.exec(labels) ?? [];
    if (name === 'diptych_commit_to_kafka_seconds_bucket' && le !== undefined)
      commitToKafka.push({ le: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), count: Number(value) });
  }
  return { events, changes, commitToKafka };
}

export interface Rates {
  readonly eventsPerSecond: number;
  readonly changesPerSecond: number;
  /** Null when nothing was published meanwhile. */
  readonly commitToKafkaMs: { readonly p50: number; readonly p99: number } | null;
}

/** Between two looks at the same relay; null when it has begun anew. */
export function ratesOf(before: RelayCounters, now: RelayCounters): Rates | null {
  const seconds = (now.atMs - before.atMs) / 1000;
  if (before.startedAt !== now.startedAt || seconds <= 0) return null;
  const earlier = new Map(before.commitToKafka.map(({ le, count }) => [le, count]));
  const buckets = now.commitToKafka
    .map(({ le, count }) => ({ le, count: count - (earlier.get(le) ?? 0) }))
    .sort((left, right) => left.le - right.le);
  const total = buckets.at(-1)?.count ?? 0;
  return {
    eventsPerSecond: round((now.events - before.events) / seconds),
    changesPerSecond: round((now.changes - before.changes) / seconds),
    commitToKafkaMs:
      total <= 0
        ? null
        : { p50: round(quantile(buckets, 0.5) * 1000), p99: round(quantile(buckets, 0.99) * 1000) },
  };
}

/** As Prometheus does: evenly within a bucket; what is beyond the last bound is taken for it. */
function quantile(buckets: readonly { le: number; count: number }[], share: number): number {
  const rank = (buckets.at(-1)?.count ?? 0) * share;
  let lower = { le: 0, count: 0 };
  for (const bucket of buckets) {
    if (bucket.count >= rank) {
      if (bucket.le === Number.POSITIVE_INFINITY) return lower.le;
      const within = (rank - lower.count) / Math.max(1, bucket.count - lower.count);
      return lower.le + (bucket.le - lower.le) * within;
    }
    lower = bucket;
  }
  return lower.le;
}

const round = (value: number): number => Math.round(value * 100) / 100;
