/** What a test does with a running Diptych: writes, waits until it is published, reads both panels, breaks things. */
import type { DomainEvent, JoinedItem, JoinedTransaction } from '@diptych/compare/joined-transaction';
import type { JsonObject } from '@diptych/compare/json-object';
import { openPanels, type Panels } from '@diptych/compare/open-panels';
import { readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord } from '@diptych/kafka/record';
import type { Contract } from '@diptych/outbox/contract';
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { formatCommitToken } from '@diptych/wal/commit-token';
import { formatLsn, type Lsn, parseLsn } from '@diptych/wal/lsn';
import pg from 'pg';
import type { Faults } from './faults.ts';
import { PanelLog } from './panel-log.ts';
import {
  changesOf,
  type EventFilter,
  eventsOf,
  type TypedChange,
  type TypedEvent,
  typedBy,
} from './panel-reads.ts';
import type { RelayProcess } from './relay-process.ts';

/** A time that holds on a machine that is busy with other tests. */
const readTimeoutMsDefault = 30_000;
const connectTimeoutMs = 10_000;

export interface ReadOptions {
  /** How long at most until everything that is committed at the call can be read. Default 30 s. */
  readonly timeoutMs?: number;
}

export interface StackParts {
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  readonly slot: string;
  readonly prefix: string;
  readonly domainPrefix: string;
  readonly relay: RelayProcess;
  readonly faults: Faults;
  readonly close: () => Promise<void>;
}

export class DiptychStack {
  /** The captured database, a superuser's URL. */
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  readonly slot: string;
  /** Of change and transaction topics. */
  readonly prefix: string;
  /** Of domain topics, with the dot. */
  readonly domainPrefix: string;
  readonly faults: Faults;
  readonly #relay: RelayProcess;
  readonly #log: PanelLog;
  readonly #close: () => Promise<void>;
  #panels: Panels | null = null;
  #closed: Promise<void> | undefined;

  constructor({ databaseUrl, brokers, slot, prefix, domainPrefix, relay, faults, close }: StackParts) {
    this.databaseUrl = databaseUrl;
    this.brokers = brokers;
    this.slot = slot;
    this.prefix = prefix;
    this.domainPrefix = domainPrefix;
    this.faults = faults;
    this.#relay = relay;
    this.#log = new PanelLog({ brokers, prefix, domainPrefix });
    this.#close = close;
  }

  /** One statement or more on a connection of its own. Throws what the database throws. */
  async query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values?: unknown[],
  ): Promise<Row[]> {
    return await this.#connected(async (client) => (await client.query<Row>(text, values)).rows);
  }

  /**
   * Work in one transaction, and the token of its commit (docs/wire.md, "Commit token"), which `passed` takes. What the
   * work throws rolls it back and is thrown on.
   */
  async transaction<T>(
    work: (client: pg.Client) => Promise<T>,
  ): Promise<{ readonly value: T; readonly token: string }> {
    return await this.#connected(async (client) => {
      await client.query('begin');
      try {
        const value = await work(client);
        const { rows: ids } = await client.query<{ xid: string }>('select pg_current_xact_id()::text as xid');
        await client.query('commit');
        const xid = BigInt(present(ids[0], 'the id of the transaction').xid);
        return { value, token: formatCommitToken({ xid, lsn: await walEnd(client) }) };
      } catch (error) {
        await client.query('rollback').catch(() => undefined);
        throw error;
      }
    });
  }

  /**
   * Resolves when the commit of the token (`757@0/16B37480`, what `transaction` answers, or a service in the header
   * Diptych-Commit) is in both panels. Throws as `Panels.passed`: OperatingError `commit-not-published` when the time is over,
   * which names the position reached.
   */
  async passed(token: string, { timeoutMs = readTimeoutMsDefault }: ReadOptions = {}): Promise<void> {
    const { brokers, prefix, slot } = this;
    this.#panels ??= openPanels({ brokers, prefix, slot });
    await this.#panels.passed(token, { timeoutMs });
  }

  /**
   * Resolves when everything that is committed now is in both panels. Throws an Error that says how far the relay is when the
   * time is over.
   */
  async caughtUp({ timeoutMs = readTimeoutMsDefault }: ReadOptions = {}): Promise<void> {
    const lsn = await this.#until(() => this.#connected(walEnd), { what: 'Postgres answers', timeoutMs });
    const what = `everything up to ${formatLsn(lsn)} is published`;
    await this.#until(async () => (await this.#isReported(lsn)) || undefined, { what, timeoutMs });
  }

  /**
   * All domain events that are committed at the call, in commit order; of a contract they are typed and checked. Throws as
   * `items`, and AssertionError for what the contract does not know.
   */
  async domainEvents<const C extends Contract>(
    filter: EventFilter & { readonly contract: C },
    options?: ReadOptions,
  ): Promise<TypedEvent<C>[]>;
  async domainEvents(filter?: EventFilter, options?: ReadOptions): Promise<DomainEvent[]>;
  async domainEvents(
    filter: EventFilter & { readonly contract?: Contract } = {},
    options?: ReadOptions,
  ): Promise<DomainEvent[]> {
    const events = eventsOf(await this.transactions(options), filter);
    return filter.contract ? await typedBy(filter.contract, events) : events;
  }

  /**
   * All change events of a table (`schema.table`, or the name alone in `public`) that are committed at the call, in commit
   * order. `Row` says what its columns are; it is not checked. Throws as `items`.
   */
  async changeEvents<Row = JsonObject>(table: string, options?: ReadOptions): Promise<TypedChange<Row>[]> {
    return changesOf<Row>(await this.transactions(options), table);
  }

  /** All transactions that are committed at the call and published something, as pairs, in commit order. Throws as `items`. */
  async transactions(options?: ReadOptions): Promise<readonly JoinedTransaction[]> {
    const items = await this.items(options);
    return items.flatMap((item) => (item.tag === 'transaction' ? [item.transaction] : []));
  }

  /**
   * As `transactions`, with what is part of none: rows that snapshots read, what came late, what came again. Transactions
   * of which records are missing are waited for; with `evenIfLost` they are left out, now and later. Throws as
   * `caughtUp` and `PanelLog.readToNow`.
   */
  async items({
    timeoutMs = readTimeoutMsDefault,
    evenIfLost = false,
  }: ReadOptions & { readonly evenIfLost?: boolean } = {}): Promise<readonly JoinedItem[]> {
    await this.caughtUp({ timeoutMs });
    await this.#log.readToNow({ timeoutMs });
    if (evenIfLost) this.#log.giveUpStragglers();
    const whole = async () => {
      if (this.#log.stragglers.length === 0) return true;
      await this.#log.readToNow({ timeoutMs });
      return undefined;
    };
    await this.#until(whole, { what: 'each transaction has what its END counts', timeoutMs });
    return [...this.#log.items];
  }

  /** What Kafka's ordinary readers see beyond the panels: `<prefix>.parked` and others, from their beginning. */
  async records(topic: string): Promise<IncomingRecord[]> {
    return await Array.fromAsync(readToEnd({ brokers: this.brokers, topics: [topic] }));
  }

  /**
   * Ends the relay, drops the database, and ends the servers when nobody else in this process uses them. Throws when the
   * relay had ended by itself.
   */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    await this.#panels?.close();
    await this.#close();
  }

  async #isReported(lsn: Lsn): Promise<boolean> {
    const [slot] = await this.query<{ passed: boolean }>(
      'select confirmed_flush_lsn >= $1::pg_lsn as passed from pg_replication_slots where slot_name = $2',
      [formatLsn(lsn), this.slot],
    );
    return slot?.passed ?? false;
  }

  /** Faults may take the servers away for a while: then it is asked again. The error says how far the relay is. */
  async #until<T>(
    ask: () => Promise<T | undefined>,
    { what, timeoutMs }: { what: string; timeoutMs: number },
  ): Promise<T> {
    let trouble: unknown;
    const asked = async () => {
      try {
        return await ask();
      } catch (error) {
        trouble = error;
        return undefined;
      }
    };
    try {
      return await poll(asked, { what, timeoutMs, intervalMs: 25 });
    } catch {
      const status = await this.#relay.status();
      const reached = status
        ? `the relay is ${status.role}, at ${status.publishedLsn}`
        : 'the relay does not answer';
      const last = await this.#relay.lastLine();
      throw new Error(`not within ${timeoutMs} ms: ${what}; ${reached}\n${last}`, { cause: trouble });
    }
  }

  async #connected<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({
      connectionString: this.databaseUrl,
      connectionTimeoutMillis: connectTimeoutMs,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await work(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

async function walEnd(client: pg.Client): Promise<Lsn> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  return parseLsn(present(rows[0], 'the position').lsn);
}
