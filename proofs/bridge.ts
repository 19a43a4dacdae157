/** A captured database on real servers, and the relays that publish it: what the proofs with servers begin with. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { poll } from '@diptych/runtime/poll';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import { freePorts } from '@diptych/testkit/port';
import type { Say } from '@diptych/testkit/progress';
import { RelayProcess, type RelaySettings } from '@diptych/testkit/relay-process';
import type { Control } from '@diptych/testkit/server';
import { type Stack, startStack } from '@diptych/testkit/stack';
import { Watchdog } from '@diptych/testkit/watchdog';
import pg from 'pg';

export interface BridgeOptions {
  readonly stack: Stack;
  /** The tables: SQL, or whoever makes them. */
  readonly schema: string | ((databaseUrl: string) => Promise<void>);
  readonly relays: readonly string[];
  /** Besides those that name servers, slot and topics. */
  readonly settings: RelaySettings;
  /** Arguments of Node itself, for the relays. */
  readonly nodeArguments?: readonly string[];
  /** Where the relays find the servers, when not where they are. */
  readonly addresses?: { readonly databasePort: number; readonly broker: string };
}

export class Bridge {
  readonly databaseUrl: string;
  readonly slot: string;
  readonly prefix: string;
  readonly domainPrefix: string;
  readonly brokers: readonly string[];
  readonly relays: readonly RelayProcess[];
  /** Logs of the relays. */
  readonly directory: string;
  readonly #watchdog: Watchdog;

  private constructor(parts: {
    databaseUrl: string;
    name: string;
    brokers: readonly string[];
    directory: string;
    watchdog: Watchdog;
    relays: readonly RelayProcess[];
  }) {
    const { name } = parts;
    this.databaseUrl = parts.databaseUrl;
    this.slot = name;
    this.prefix = name;
    this.domainPrefix = `${name}.outbox.event.`;
    this.brokers = parts.brokers;
    this.directory = parts.directory;
    this.relays = parts.relays;
    this.#watchdog = parts.watchdog;
  }

  /** A fresh database with the tables, `diptych init` done, no relay running yet. */
  static async create(options: BridgeOptions): Promise<Bridge> {
    const { stack, schema, addresses } = options;
    const name = `proof_${Date.now().toString(36)}`;
    const databaseUrl = await createDatabase(stack.databaseUrl, name);
    const directory = await mkdtemp(join(tmpdir(), 'diptych-proof-'));
    const watchdog = new Watchdog();
    const ports = await freePorts(options.relays.length);
    const seen = new URL(databaseUrl);
    if (addresses) seen.port = String(addresses.databasePort);
    const relays = options.relays.map(
      (relay, index) =>
        new RelayProcess({
          name: relay,
          logFile: join(directory, `${relay}.log`),
          watchdog,
          nodeArguments: options.nodeArguments ?? [],
          settings: {
            DIPTYCH_DATABASE_URL: seen.href,
            DIPTYCH_KAFKA_BROKERS: addresses?.broker ?? stack.brokers.join(','),
            DIPTYCH_SLOT: name,
            DIPTYCH_PREFIX: name,
            DIPTYCH_OUTBOX_TOPIC_PREFIX: `${name}.outbox.event.`,
            DIPTYCH_HTTP_PORT: String(ports[index]),
            ...options.settings,
          },
        }),
    );
    const bridge = new Bridge({ databaseUrl, name, brokers: stack.brokers, directory, watchdog, relays });
    try {
      await (typeof schema === 'string' ? bridge.query(schema) : schema(databaseUrl));
      await relays[0]?.initialise();
      return bridge;
    } catch (error) {
      await bridge.close({ keepLogs: true });
      throw error;
    }
  }

  changeTopic(table: string): string {
    return `${this.prefix}.public.${table}`;
  }

  domainTopic(aggregateType: string): string {
    return `${this.domainPrefix}${aggregateType}`;
  }

  /** For processes that are to be ended however we end. */
  get watchdog(): Watchdog {
    return this.#watchdog;
  }

  get transactionTopic(): string {
    return `${this.prefix}.transaction`;
  }

  get checkpointTopic(): string {
    return `${this.prefix}.checkpoint.${this.slot}`;
  }

  /** One statement or more on a connection of its own. */
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> {
    return queryAt<Row>(this.databaseUrl, text, values);
  }

  /** WAL between the slot and the current end, in bytes; null while Postgres is away. */
  async lagBytes(): Promise<number | null> {
    try {
      const [row] = await this.query<{ lag: string }>(
        `select pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) as lag
         from pg_replication_slots where slot_name = $1`,
        [this.slot],
      );
      return row ? Number(row.lag) : null;
    } catch {
      return null;
    }
  }

  /** Waits until the slot has passed all that is committed now. Answers whether it did within the time. */
  async caughtUp({ timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }): Promise<boolean> {
    const [end] = await this.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn');
    const passed = async () => {
      const [row] = await this.query<{ passed: boolean }>(
        'select confirmed_flush_lsn >= $1::pg_lsn as passed from pg_replication_slots where slot_name = $2',
        [end?.lsn, this.slot],
      );
      return row?.passed || undefined;
    };
    try {
      return await poll(passed, {
        what: 'the slot has passed everything',
        timeoutMs,
        intervalMs: 200,
        signal,
      });
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  async stopRelays(): Promise<void> {
    await Promise.all(this.relays.map((relay) => relay.stop()));
  }

  /** Ends the relays. Their logs stay when something is to be looked up. */
  async close({ keepLogs }: { keepLogs: boolean }): Promise<void> {
    for (const relay of this.relays) relay.thaw();
    await Promise.all(this.relays.map((relay) => relay.kill()));
    await this.#watchdog.finish();
    if (!keepLogs) await rm(this.directory, { recursive: true, force: true });
  }

  /** For servers that live on. */
  drop(): Promise<void> {
    return dropDatabase(this.databaseUrl);
  }
}

/** One statement or more on a connection of its own. */
export async function queryAt<Row extends pg.QueryResultRow>(
  databaseUrl: string,
  text: string,
  values?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

/** A stack of one's own, embedded: its servers may be killed (docs/decisions/0008-killed-broker-loses-a-marker.md). */
export async function startOwnStack(options: { say: Say; signal: AbortSignal }) {
  const stack = await startStack({ ...options, env: { ...process.env, DIPTYCH_STACK: 'embedded' } });
  if (stack.kind === 'external') throw new Error('servers of one’s own are embedded');
  return stack;
}

const startsMax = 5;

/** Starts a server that was killed: a start is given a minute, which a busy machine may need more than once. */
export async function startPatiently(server: Control): Promise<void> {
  for (let left = startsMax; ; ) {
    try {
      return await server.start();
    } catch (error) {
      left -= 1;
      if (left === 0) throw error;
    }
  }
}
