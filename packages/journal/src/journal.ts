/**
 * The retained outbox as an event store: events of one aggregate type, a stream for each aggregate, in versions without
 * gaps. Written by `append` of packages/outbox, read here in the newest version of their contracts, as of any moment.
 */
import type { Contracts, EventOf } from '@diptych/events/event-contract';
import { requireEvent } from '@diptych/events/read-event';
import { type Appended, append } from '@diptych/outbox/append';
import type { EventOf as AppendedEventOf, Telling } from '@diptych/outbox/contract';
import { type OutboxTransaction, portOf, quoteTable } from '@diptych/outbox/port';
import { assert, unreachable } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { parseLossless } from '@diptych/runtime/json';
import { z } from 'zod';
import { formatTime, type Moment } from './moment.ts';

export interface JournalOptions<C extends Contracts> {
  /** The aggregate type of all its streams: it names their topic. */
  readonly type: string;
  readonly contract: C;
  /** Where the events are kept, `schema.table` or `table`. Default `outbox`. */
  readonly table?: string;
  /** Where the versions are kept. Default `outbox_heads`. */
  readonly heads?: string;
}

/** An event as it stands in the journal. */
export interface RecordedEvent<C extends Contracts> {
  /** In its newest version, whichever was written. */
  readonly event: EventOf<C>;
  /** UUIDv7. */
  readonly id: string;
  /** Its place in the stream, from 1 on. */
  readonly version: bigint;
  /** The version of the contract in which it was written. */
  readonly typeversion: number;
  /** When its transaction began: UTC, with microseconds. */
  readonly occurredAt: string;
  /** The 64-bit id of its transaction: what stands before the `@` of a commit token. */
  readonly xid: string;
  /** What was told besides: actor, reason, correlation, trace. */
  readonly headers: Readonly<Record<string, string>>;
}

export type MomentRefusal =
  /** The stream does not have so many events. */
  | 'version-unknown'
  /** No event of the stream was written by this transaction. */
  | 'commit-unknown';

export type Reading<C extends Contracts> =
  | {
      readonly ok: true;
      /** Of the last event; 0 when the stream has none by then. */
      readonly version: bigint;
      /** Fetched as they are asked for, inside the transaction that was given. */
      readonly events: AsyncGenerator<RecordedEvent<C>, void, undefined>;
    }
  | { readonly ok: false; readonly reason: MomentRefusal };

export interface ReadOptions {
  /** The first one that is wanted. Default 1. */
  readonly fromVersion?: bigint;
  /** Default: now. */
  readonly at?: Moment | undefined;
}

/** Events of one statement: a megabyte or so. */
const pageEventsMax = 1_000n;

const rowSchema = z.object({
  id: z.string(),
  type: z.string(),
  version: z.string().transform(BigInt),
  typeversion: z.number(),
  payload: z.string(),
  headers: z.record(z.string(), z.string()).nullable(),
  occurred_at: z.string(),
  xid: z.string(),
});

export class Journal<C extends Contracts> {
  readonly type: string;
  readonly #contract: C;
  readonly #table: string;
  readonly #heads: string;

  constructor({ type, contract, table = 'outbox', heads = 'outbox_heads' }: JournalOptions<C>) {
    this.type = type;
    this.#contract = contract;
    this.#table = table;
    this.#heads = heads;
  }

  /**
   * Appends to a stream that is at `expectedVersion`, 0 for a new one, inside the caller's transaction. A stream that has
   * moved on is a conflict, returned as a value with nothing written. Throws as `append` of packages/outbox does.
   */
  async append(
    tx: OutboxTransaction,
    {
      stream,
      ...rest
    }: {
      readonly stream: string;
      readonly expectedVersion: bigint;
      readonly events: readonly AppendedEventOf<C>[];
      readonly telling?: Telling;
    },
  ): Promise<Appended> {
    const kept = { emission: { tag: 'table', table: this.#table } as const, heads: this.#heads };
    return await append(tx, {
      ...{ aggregate: { type: this.type, id: stream }, contract: this.#contract },
      ...{ ...rest, ...kept },
    });
  }

  /** The version of the stream's last event, 0 when it has none. With `lock` nobody else appends until the transaction ends. */
  async head(tx: OutboxTransaction, stream: string, { lock = false } = {}): Promise<bigint> {
    const [row] = await portOf(tx).rows(
      `select version::text as version from ${quoteTable(this.#heads)}
       where aggregatetype = $1::text and aggregateid = $2::text${lock ? ' for update' : ''}`,
      [this.type, stream],
    );
    return row === undefined ? 0n : versionOf(row);
  }

  /**
   * The events of a stream up to a moment. Throws OperatingError, while they are fetched: `history-incomplete` when
   * retention has dropped some of them, `contract-unknown-version`, `event-malformed`.
   */
  async read(
    tx: OutboxTransaction,
    stream: string,
    { fromVersion = 1n, at }: ReadOptions = {},
  ): Promise<Reading<C>> {
    assert(fromVersion >= 1n, `no version is ${fromVersion}`);
    const head = await this.head(tx, stream);
    const version = at === undefined ? head : await this.#versionAt(tx, { stream, at, head });
    if (typeof version === 'string') return { ok: false, reason: version };
    return { ok: true, version, events: this.#events(tx, { stream, fromVersion, toVersion: version }) };
  }

  async #versionAt(
    tx: OutboxTransaction,
    { stream, at, head }: { stream: string; at: Moment; head: bigint },
  ): Promise<bigint | MomentRefusal> {
    switch (at.tag) {
      case 'version':
        return at.version <= head ? at.version : 'version-unknown';
      case 'time': {
        // What began later was committed later, and so was all that stands behind it in the stream.
        const later = await this.#scalar(tx, {
          ...{ stream, head, value: 'min(aggregateversion) - 1' },
          ...{ condition: 'occurred_at > $4::timestamptz', argument: formatTime(at.timeUs) },
        });
        return later ?? head;
      }
      case 'commit': {
        const last = await this.#scalar(tx, {
          ...{ stream, head, value: 'max(aggregateversion)' },
          ...{ condition: 'xid = $4::xid8', argument: String(at.commit.xid) },
        });
        return last ?? 'commit-unknown';
      }
      default:
        return unreachable(at);
    }
  }

  async #scalar(
    tx: OutboxTransaction,
    {
      stream,
      head,
      value,
      condition,
      argument,
    }: Record<'stream' | 'value' | 'condition' | 'argument', string> & {
      head: bigint;
    },
  ): Promise<bigint | undefined> {
    const [row] = await portOf(tx).rows(
      `select (${value})::text as version from ${quoteTable(this.#table)}
       where aggregatetype = $1::text and aggregateid = $2::text and aggregateversion <= $3::bigint and ${condition}`,
      [this.type, stream, String(head), argument],
    );
    const { version } = z.object({ version: z.string().nullable() }).parse(row);
    return version === null ? undefined : BigInt(version);
  }

  async *#events(
    tx: OutboxTransaction,
    { stream, fromVersion, toVersion }: { stream: string; fromVersion: bigint; toVersion: bigint },
  ): AsyncGenerator<RecordedEvent<C>, void, undefined> {
    for (let next = fromVersion; next <= toVersion; ) {
      // By versions, which have no gaps: with a LIMIT the planner may sort the rest of the stream for every page.
      const pageEnd = next + pageEventsMax - 1n < toVersion ? next + pageEventsMax - 1n : toVersion;
      const rows = await portOf(tx).rows(
        `select id::text as id, type, aggregateversion::text as version, typeversion, payload::text as payload, headers,
           to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as occurred_at, xid::text as xid
         from ${quoteTable(this.#table)}
         where aggregatetype = $1::text and aggregateid = $2::text
           and aggregateversion >= $3::bigint and aggregateversion <= $4::bigint
         order by aggregateversion`,
        [this.type, stream, String(next), String(pageEnd)],
      );
      for (const row of rows) {
        const recorded = this.#recorded(row);
        if (recorded.version !== next) break;
        yield recorded;
        next += 1n;
      }
      if (next <= pageEnd) throw await this.#incomplete(tx, { stream, next });
    }
  }

  #recorded(row: unknown): RecordedEvent<C> {
    const { id, type, version, typeversion, payload, headers, occurred_at, xid } = rowSchema.parse(row);
    const event = requireEvent(this.#contract, {
      type,
      version: typeversion,
      payload: parseLossless(payload),
    });
    return { event, id, version, typeversion, occurredAt: occurred_at, xid, headers: headers ?? {} };
  }

  async #incomplete(
    tx: OutboxTransaction,
    { stream, next }: { stream: string; next: bigint },
  ): Promise<OperatingError> {
    const [row] = await portOf(tx).rows(
      `select min(aggregateversion)::text as version from ${quoteTable(this.#table)}
       where aggregatetype = $1::text and aggregateid = $2::text and aggregateversion > $3::bigint`,
      [this.type, stream, String(next)],
    );
    const { version: from } = z.object({ version: z.string().nullable() }).parse(row);
    return new OperatingError(
      'history-incomplete',
      `${this.type} ${stream} has no event of version ${next} in ${this.#table} any more; ` +
        (from === null ? 'what came later is not there either' : `it goes on with version ${from}`),
      { remedy: 'Read it from the domain topic, which keeps everything, or keep the outbox for longer.' },
    );
  }
}

function versionOf(row: unknown): bigint {
  return BigInt(z.object({ version: z.string() }).parse(row).version);
}
