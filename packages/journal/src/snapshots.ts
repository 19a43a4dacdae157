/** States that were folded once, so that a long stream need not be folded again. A cache: events alone are the truth. */

import { type OutboxTransaction, portOf, quoteTable } from '@diptych/outbox/port';
import { assert } from '@diptych/runtime/assert';
import { parseLossless, stringifyLossless } from '@diptych/runtime/json';
import { z } from 'zod';

export interface SnapshotOptions<State> {
  /** One after so many events of a stream. Reading folds so many at most, on top of a snapshot. */
  readonly every: number;
  /**
   * Raise it whenever the state's form, `evolve` or an upcaster changes: snapshots of any other version are not trusted,
   * and older ones are deleted.
   */
  readonly stateVersion: number;
  /** Reads what was stored; undefined for what is not such a state, which is then folded anew. */
  readonly read: (stored: unknown) => State | undefined;
  /** Where they are kept, `schema.table` or `table`. Default `outbox_snapshots`. */
  readonly table?: string;
}

export interface Stream {
  readonly type: string;
  readonly id: string;
}

export interface Snapshot<State> {
  readonly version: bigint;
  readonly state: State;
}

const rowSchema = z.object({ version: z.string().transform(BigInt), state: z.string() });

export class Snapshots<State> {
  readonly #options: SnapshotOptions<State>;
  readonly #table: string;

  constructor(options: SnapshotOptions<State>) {
    assert(Number.isSafeInteger(options.every) && options.every > 0, 'a snapshot is of one event or more');
    this.#options = options;
    this.#table = quoteTable(options.table ?? 'outbox_snapshots');
  }

  /** The newest one at or before `version` that is of this state version and can be read. */
  async latest(
    tx: OutboxTransaction,
    { stream, version }: { stream: Stream; version: bigint },
  ): Promise<Snapshot<State> | undefined> {
    const [row] = await portOf(tx).rows(
      `select version::text as version, state::text as state from ${this.#table}
       where aggregatetype = $1::text and aggregateid = $2::text and stateversion = $3::int and version <= $4::bigint
       order by version desc limit 1`,
      [stream.type, stream.id, String(this.#options.stateVersion), String(version)],
    );
    if (row === undefined) return undefined;
    const stored = rowSchema.parse(row);
    const state = this.#options.read(parseLossless(stored.state));
    return state === undefined ? undefined : { version: stored.version, state };
  }

  /** Whether one is due when a stream goes from one version to another. */
  isDue({ from, to }: { from: bigint; to: bigint }): boolean {
    const every = BigInt(this.#options.every);
    return to / every > from / every;
  }

  /** Keeps the state, in the caller's transaction, and deletes what an older version of the service folded. */
  async keep(
    tx: OutboxTransaction,
    { stream, version, state }: Snapshot<State> & { stream: Stream },
  ): Promise<void> {
    const { stateVersion } = this.#options;
    const key = [stream.type, stream.id, String(stateVersion)];
    await portOf(tx).rows(
      `insert into ${this.#table} (aggregatetype, aggregateid, stateversion, version, state)
       values ($1::text, $2::text, $3::int, $4::bigint, $5::jsonb)
       on conflict (aggregatetype, aggregateid, stateversion, version) do update set state = excluded.state`,
      [...key, String(version), stringifyLossless(state)],
    );
    await portOf(tx).rows(
      `delete from ${this.#table}
       where aggregatetype = $1::text and aggregateid = $2::text and stateversion < $3::int`,
      key,
    );
  }
}
