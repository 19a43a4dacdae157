/** Looks at relay, slot and engine every few seconds, and keeps what it saw for a day. */
import type { HealthSample, RelayHealth, SlotHealth } from '@diptych/compare/console-health';
import type { Logger } from '@diptych/runtime/log';
import type { Pool } from 'pg';
import { databaseAway, isWithoutTables } from '../database-away.ts';
import type { EngineKeeper } from './engine-keeper.ts';
import { lookAtRelays, type RelayCounters, ratesOf } from './relay-watch.ts';

export interface HealthSamplerOptions {
  /** The engine's own database. */
  readonly pool: Pool;
  readonly name: string;
  readonly relays: readonly string[];
  /** A read-only pool of the captured database; null when it was not given. */
  readonly source: Pool | null;
  readonly slot: string;
  readonly keeper: Pick<EngineKeeper, 'answer'>;
  readonly onSample: (sample: HealthSample) => void;
  readonly log: Logger;
}

export const sampleIntervalMs = 5000;
/** A day, at one row each. */
const samplesMax = 17_280;
/** How often old ones are deleted. */
const forgetEvery = 60;

export class HealthSampler {
  readonly #options: HealthSamplerOptions;
  readonly #timer: NodeJS.Timeout;
  #sampling: Promise<void> | null = null;
  #taken = 0;
  #before: RelayCounters | null = null;
  relay: RelayHealth | null = null;
  slot: SlotHealth | null = null;
  problems: readonly string[] = [];

  constructor(options: HealthSamplerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), sampleIntervalMs);
    this.#tick();
  }

  /** Oldest first; when there are more than `points` some of them, evenly. Throws `comparison-database-away`. */
  async samples({ since, points }: { since: Date; points: number }): Promise<HealthSample[]> {
    const { pool, name } = this.#options;
    try {
      const { rows } = await pool.query<{ sample: string }>(
        `select sample from (
           select sample, at, row_number() over (order by at) as place, count(*) over () as total
           from diptych_console_samples where name = $1 and at >= $2
         ) numbered where total <= $3 or place % (total / $3 + 1) = 0 order by at`,
        [name, since, points],
      );
      return rows.map(({ sample }) => JSON.parse(sample) as HealthSample);
    } catch (cause) {
      if (isWithoutTables(cause)) return [];
      throw databaseAway(cause);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sampling;
  }

  /** One at a time: what answers slowly is asked less often. */
  #tick(): void {
    this.#sampling ??= this.#sample()
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        if (!isWithoutTables(error)) this.#options.log.warn({ reason }, 'no sample was kept');
      })
      .finally(() => {
        this.#sampling = null;
      });
  }

  async #sample(): Promise<void> {
    const { relays, source, slot, keeper, onSample } = this.#options;
    const problems: string[] = [];
    const seen = await lookAtRelays(relays);
    if (seen === null && relays.length > 0) problems.push(`no relay answers at ${relays.join(', ')}`);
    this.relay = seen?.health ?? null;
    this.slot = source === null ? null : await readSlot(source, slot, problems);
    this.problems = problems;
    const rates = seen && this.#before ? ratesOf(this.#before, seen.counters) : null;
    this.#before = seen?.counters ?? null;
    const sample: HealthSample = {
      at: new Date().toISOString(),
      slotLagBytes: this.slot?.lagBytes ?? seen?.health.lagBytes ?? null,
      slotLagSeconds: seen?.health.lagMs == null ? null : seen.health.lagMs / 1000,
      eventsPerSecond: rates?.eventsPerSecond ?? null,
      changesPerSecond: rates?.changesPerSecond ?? null,
      commitToKafkaMs: rates?.commitToKafkaMs ?? null,
      parkedKeys: seen?.health.parkedKeys ?? null,
      engineLagMs: keeper.answer?.lagMs ?? null,
    };
    onSample(sample);
    await this.#keep(sample);
  }

  async #keep(sample: HealthSample): Promise<void> {
    const { pool, name } = this.#options;
    await pool.query(
      'insert into diptych_console_samples (name, at, sample) values ($1, $2, $3) on conflict do nothing',
      [...[name, sample.at, JSON.stringify(sample)]],
    );
    this.#taken += 1;
    if (this.#taken % forgetEvery !== 1) return;
    await pool.query(
      `delete from diptych_console_samples where name = $1 and at <
         (select at from diptych_console_samples where name = $1 order by at desc offset $2 limit 1)`,
      [name, samplesMax],
    );
  }
}

async function readSlot(source: Pool, slot: string, problems: string[]): Promise<SlotHealth | null> {
  try {
    const { rows } = await source.query<{
      active: boolean;
      wal_status: string | null;
      lag: string | null;
      restart_lsn: string | null;
      confirmed_flush_lsn: string | null;
    }>(
      `select active, wal_status, restart_lsn::text, confirmed_flush_lsn::text,
         (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end - confirmed_flush_lsn)::text as lag
       from pg_replication_slots where slot_name = $1`,
      [slot],
    );
    const [row] = rows;
    if (row === undefined) problems.push(`the captured database has no slot ${slot}`);
    return row === undefined
      ? null
      : {
          name: slot,
          active: row.active,
          walStatus: row.wal_status,
          lagBytes: row.lag === null ? null : Number(row.lag),
          restartLsn: row.restart_lsn,
          confirmedFlushLsn: row.confirmed_flush_lsn,
        };
  } catch (error) {
    problems.push(
      `the captured database does not answer: ${error instanceof Error ? error.message : String(error)}`,
    );
    return null;
  }
}
