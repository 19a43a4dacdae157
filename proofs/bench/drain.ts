/** One drain of the backlog, measured from outside. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Backlog } from './backlog.ts';
import type { Counted, Entry } from './competitor.ts';
import type { Others } from './machine.ts';
import { Meter } from './meter.ts';

/** How often the destination is asked: each costs the broker one small request. */
const intervalMs = 20;
const timeoutMs = 10 * 60_000;

export interface Drain {
  readonly name: string;
  /** From the first record at the destination to the last. */
  readonly seconds: number;
  /** From the start of the process to the first record at the destination; null: a tool that keeps none. */
  readonly firstRecordSeconds: number | null;
  /** Of the tool, since the first record. */
  readonly cpuSeconds: number;
  /** Of the tool before that. */
  readonly startCpuSeconds: number;
  readonly walsenderCpuSeconds: number;
  readonly brokerCpuSeconds: number;
  readonly peakRssBytes: number;
  /** Rows that it read, those of the outbox too. */
  readonly changes: number;
  /** At the destination when it was over, and what ought to be there; null: a tool that keeps none. */
  readonly records: number | null;
  readonly owed: number | null;
  /** Of those records: keys, values and headers. */
  readonly recordBytes: number | null;
  /** Of the machine that others took meanwhile. */
  readonly othersShare: number;
}

export interface DrainOptions {
  readonly name: string;
  readonly entry: Entry;
  readonly backlog: Backlog;
  /** What our last drain of it left. */
  readonly ours: Counted | null;
  /** Of the maintenance database. */
  readonly databaseUrl: string;
  readonly brokerPid: number;
  readonly others: Others;
  readonly signal: AbortSignal;
}

/** Runs it and ends what it started. Throws when it takes longer than ten minutes, or when the tool ends early. */
export async function measureDrain(options: DrainOptions): Promise<Drain> {
  const { name, entry, backlog, others } = options;
  try {
    const { result, share } = await others.during(() => drain(options));
    const { running, ...measured } = result;
    const counted = await running.count();
    return {
      ...{ name, ...measured },
      // Who reads from no slot has no changes.
      changes: entry.slots.length === 0 ? 0 : backlog.changes + backlog.events,
      ...{ records: counted?.records ?? null, owed: running.owed(backlog) },
      ...{ recordBytes: counted?.bytes ?? null, othersShare: share },
    };
  } finally {
    await entry.stop();
  }
}

async function drain({ entry, backlog, ours, databaseUrl, brokerPid, signal }: DrainOptions) {
  const slots = new Slots(databaseUrl);
  await slots.connect();
  try {
    const startedAt = performance.now();
    const running = await entry.start({ ours });
    const meter = new Meter({ tool: running.pids, broker: [brokerPid] });
    await until(() => running.hasBegun(), { meter, signal });
    const begunAt = performance.now();
    const begun = meter.look();
    let walsenders: readonly number[] = [];
    await until(
      async () => {
        if (walsenders.length < entry.slots.length) {
          walsenders = await slots.holders(entry.slots);
          meter.add('walsender', walsenders);
        }
        return await running.hasAll(backlog);
      },
      { meter, signal },
    );
    const endedAt = performance.now();
    const ended = meter.look();
    return {
      running,
      seconds: (endedAt - begunAt) / 1000,
      firstRecordSeconds: running.owed(backlog) === null ? null : (begunAt - startedAt) / 1000,
      cpuSeconds: ended.tool - begun.tool,
      startCpuSeconds: begun.tool,
      walsenderCpuSeconds: ended.walsender,
      brokerCpuSeconds: ended.broker - begun.broker,
      peakRssBytes: meter.peakRssBytes,
    };
  } finally {
    await slots.end();
  }
}

async function until(
  isDone: () => Promise<boolean>,
  { meter, signal }: { meter: Meter; signal: AbortSignal },
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isDone())) {
    if (performance.now() > deadline) throw new Error('the drain takes longer than ten minutes');
    meter.look();
    await sleep(intervalMs, undefined, { signal });
  }
}

/** Who reads from which slot. */
class Slots {
  readonly #client: pg.Client;

  constructor(databaseUrl: string) {
    this.#client = new pg.Client({ connectionString: databaseUrl });
  }

  async connect(): Promise<void> {
    await this.#client.connect();
  }

  /** The walsenders of these slots that are there. */
  async holders(slots: readonly string[]): Promise<number[]> {
    const { rows } = await this.#client.query<{ active_pid: number }>(
      'select active_pid from pg_replication_slots where slot_name = any($1) and active_pid is not null',
      [slots],
    );
    return rows.map(({ active_pid }) => active_pid);
  }

  end(): Promise<void> {
    return this.#client.end();
  }
}
