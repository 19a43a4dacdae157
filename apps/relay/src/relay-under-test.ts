/** A relay in this process on a database and topics of its own, for tests on real servers. */
import { FetchClient } from '@diptych/kafka/fetch-client';
import { readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord } from '@diptych/kafka/record';
import { ownTopicNames } from '@diptych/kafka/topics';
import { addressesOf } from '@diptych/runtime/kafka-access';
import { createLogger } from '@diptych/runtime/log';
import { poll } from '@diptych/runtime/poll';
import { testBrokers, testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import pg from 'pg';
import { Board } from './board.ts';
import { readStatus, type Status } from './commands/status.ts';
import { type Configuration, readConfiguration } from './configuration.ts';
import { initialise } from './initialise.ts';
import { Metrics } from './metrics.ts';
import { runRelay } from './relay.ts';
import { type Accepted, acceptedNothing } from './session-context.ts';

/** The tables of a small shop with an outbox, as docs/wire.md describes it. */
const tables = `
  create table carts (id int primary key, status text not null default 'open', note text);
  create table outbox (id uuid primary key default gen_random_uuid(), aggregatetype text not null,
    aggregateid text not null, type text not null, payload jsonb, aggregateversion bigint not null default 1,
    typeversion int not null default 1, headers jsonb, occurred_at timestamptz not null default now(),
    xid xid8 not null default pg_current_xact_id());
`;

export interface TestServers {
  readonly database: () => Promise<{ readonly url: string; drop(): Promise<void> }>;
  readonly brokers: readonly string[];
}

export interface RunningRelay {
  readonly board: Board;
  /** Asks it to stop and waits; throws what ended it. */
  stop(): Promise<void>;
  /** Resolves or rejects with the relay. */
  readonly ended: Promise<void>;
}

export class RelayUnderTest {
  readonly configuration: Configuration;
  sql: pg.Client;
  readonly #drop: () => Promise<void>;
  readonly #running = new Set<RunningRelay>();

  private constructor(configuration: Configuration, sql: pg.Client, drop: () => Promise<void>) {
    this.configuration = configuration;
    this.sql = sql;
    this.#drop = drop;
  }

  /** A fresh database with the tables, and nothing prepared for the relay. On the run's servers, unless others are given. */
  static async create(
    environment: Record<`DIPTYCH_${string}`, string> = {},
    servers: TestServers = { database: testDatabase, brokers: testBrokers() },
  ): Promise<RelayUnderTest> {
    const database = await servers.database();
    const prefix = testPrefix();
    const configuration = readConfiguration({
      file: undefined,
      environment: {
        DIPTYCH_DATABASE_URL: database.url,
        DIPTYCH_KAFKA_BROKERS: servers.brokers.join(','),
        DIPTYCH_SLOT: prefix,
        DIPTYCH_PREFIX: prefix,
        DIPTYCH_OUTBOX_TOPIC_PREFIX: `${prefix}.outbox.event.`,
        DIPTYCH_HTTP_PORT: '0',
        ...environment,
      },
    });
    const sql = new pg.Client({ connectionString: database.url });
    sql.on('error', () => {}); // a test that ends the server's sessions ends this one too
    await sql.connect();
    await sql.query(tables);
    return new RelayUnderTest(configuration, sql, () => database.drop());
  }

  /** What a relay in a process of its own is given to be this one: its environment. */
  get environment(): Record<`DIPTYCH_${string}`, string> {
    const { database, kafka, slot, prefix, outbox } = this.configuration;
    return {
      DIPTYCH_DATABASE_URL: database.url,
      DIPTYCH_KAFKA_BROKERS: addressesOf(kafka.brokers).join(','),
      DIPTYCH_SLOT: slot,
      DIPTYCH_PREFIX: prefix,
      DIPTYCH_OUTBOX_TOPIC_PREFIX: outbox.topicPrefix,
      DIPTYCH_HTTP_PORT: '0',
    };
  }

  /** A connection in place of one that ended with its server. */
  async reconnect(): Promise<void> {
    await this.sql.end().catch(() => {});
    this.sql = new pg.Client({ connectionString: this.configuration.database.url });
    this.sql.on('error', () => {});
    await this.sql.connect();
  }

  async initialise({ fromSlot = false }: { fromSlot?: boolean } = {}): Promise<void> {
    await initialise({ configuration: this.configuration, fromSlot, say: () => {} });
  }

  /** Starts it, as this role if another `databaseUrl` is given; `onLog` is told each line of its log. */
  start({
    databaseUrl = this.configuration.database.url,
    delivery = this.configuration.delivery,
    change = this.configuration.change,
    snapshot = {},
    onLog,
    ...accepted
  }: Partial<Accepted> & {
    databaseUrl?: string;
    delivery?: Configuration['delivery'];
    change?: Configuration['change'];
    snapshot?: Partial<Configuration['snapshot']>;
    onLog?: (line: string) => void;
  } = {}): RunningRelay {
    const stopping = new AbortController();
    const board = new Board();
    const level = process.env.DIPTYCH_LOG_LEVEL ?? 'silent';
    const log = onLog
      ? createLogger('relay', { level: 'info', destination: { write: onLog } })
      : createLogger('relay', { level });
    const configuration = {
      ...{
        ...this.configuration,
        delivery,
        change,
        database: { ...this.configuration.database, url: databaseUrl },
      },
      snapshot: { ...this.configuration.snapshot, ...snapshot },
    };
    const metrics = new Metrics(board);
    const ended = runRelay({
      ...{ configuration, board, metrics, log, stopping: stopping.signal },
      ...{ ...acceptedNothing, ...accepted },
    });
    ended.catch(() => {}); // a test that cares awaits it
    const running: RunningRelay = {
      board,
      ended,
      stop: async () => {
        stopping.abort();
        this.#running.delete(running);
        await ended;
      },
    };
    this.#running.add(running);
    return running;
  }

  /** Waits until the relay streams. */
  async active({ board, ended }: RunningRelay): Promise<void> {
    const failed = ended.then(() => true as const);
    const active = () => (board.role === 'active' ? true : undefined);
    await Promise.race([
      failed,
      poll(active, { what: 'the relay is active', timeoutMs: 30_000, intervalMs: 10 }),
    ]);
  }

  /** What `diptych status` says once the server, too, knows that no relay holds the slot any more. */
  unheldStatus(): Promise<Status> {
    const unheld = async () => {
      const status = await readStatus(this.configuration);
      return status.state === 'held' ? undefined : status;
    };
    return poll(unheld, { what: 'the server has the slot back', timeoutMs: 30_000 });
  }

  /** Waits until everything that is committed now is flushed by the relay: in Kafka, and reported. */
  async caughtUp({ timeoutMs = 30_000 }: { timeoutMs?: number } = {}): Promise<void> {
    const { rows } = await this.sql.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn');
    await poll(
      async () => {
        const answer = await this.sql.query<{ done: boolean }>(
          'select confirmed_flush_lsn >= $1::pg_lsn as done from pg_replication_slots where slot_name = $2',
          [rows[0]?.lsn, this.configuration.slot],
        );
        return answer.rows[0]?.done || undefined;
      },
      { what: `the slot has passed ${rows[0]?.lsn}`, timeoutMs, intervalMs: 20 },
    );
  }

  /**
   * All committed records of a topic, in the order of their partitions. A commit is decided before its markers stand in
   * every partition: until they do, readers stop in front of it, and this waits.
   */
  async records(topic: string): Promise<IncomingRecord[]> {
    await poll(() => this.#isSettled(topic), {
      what: `no transaction is open in ${topic}`,
      timeoutMs: 60_000,
    });
    return Array.fromAsync(readToEnd({ brokers: this.configuration.kafka.brokers, topics: [topic] }));
  }

  /** Our own client: that of kafkajs asks for last stable offsets whatever one wants, and everything is settled then. */
  async #isSettled(topic: string): Promise<true | undefined> {
    const client = new FetchClient({ brokers: this.configuration.kafka.brokers, requestTimeoutMs: 10_000 });
    try {
      const located = await client.topics([topic]);
      const ends = (await client.offsets(located.values(), 'end')).get(topic) ?? [];
      const stable = (await client.offsets(located.values(), 'last-stable')).get(topic) ?? [];
      return ends.every((end, partition) => (stable[partition] ?? -1n) >= end) || undefined;
    } finally {
      await client.close();
    }
  }

  get transactionTopic(): string {
    return ownTopicNames(this.configuration).transaction;
  }

  topicOf(table: string): string {
    return `${this.configuration.prefix}.public.${table}`;
  }

  domainTopic(aggregateType: string): string {
    return `${this.configuration.outbox.topicPrefix}${aggregateType}`;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#running].map((relay) => relay.stop()));
    await this.sql.end().catch(() => {});
    await this.#drop();
  }
}
