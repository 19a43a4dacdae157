/** A database with both sides on it, in every mode at once; cases run in it one after the other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { follow } from '@diptych/kafka/partition-reader';
import { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import { freePorts } from '@diptych/testkit/port';
import type { Stack } from '@diptych/testkit/stack';
import type { Watchdog } from '@diptych/testkit/watchdog';
import pg from 'pg';
import type { RelaySettings } from '../relay-process.ts';
import type { Step } from './case-file.ts';
import type { Connect, ConnectorConfiguration } from './connect.ts';
import type { Mode } from './modes.ts';
import { type Observed, observe, TopicsReader } from './observed.ts';
import { DebeziumSide, DiptychSide, type Side } from './side.ts';

export interface Servers {
  readonly stack: Stack;
  readonly connect: Connect;
  readonly modes: readonly Mode[];
  /** Logs of the relays. */
  readonly directory: string;
  readonly watchdog: Watchdog;
  readonly signal: AbortSignal;
}

export interface SessionOptions {
  /** Besides those of the mode. */
  readonly relay: RelaySettings;
  readonly connector: ConnectorConfiguration;
  readonly preparation: readonly Step[];
}

export interface ModeSides {
  readonly mode: Mode;
  readonly ours: Side;
  readonly theirs: Side;
}

/** What a side published since the last look, and why it ended, if it did. */
export interface Published {
  readonly records: readonly Observed[];
  readonly failure: string | undefined;
}

const oracle = readFileSync(new URL('./oracle.sql', import.meta.url), 'utf8');
/** A walsender, a JVM and two relays on two busy cores. */
const markerTimeoutMs = 90_000;
let sessions = 0;

export class Session {
  readonly databaseUrl: string;
  readonly sides: readonly ModeSides[];
  readonly #servers: Servers;
  readonly #connections = new Map<string, pg.Client>();
  readonly #readers = new Map<Side, TopicsReader>();
  /** Of each marker topic, the last marker that was seen. */
  readonly #seen = new Map<string, bigint>();
  readonly #failures = new Map<Side, string>();
  readonly #ending = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #marker = 0n;

  private constructor(databaseUrl: string, servers: Servers, sides: readonly ModeSides[]) {
    this.databaseUrl = databaseUrl;
    this.#servers = servers;
    this.sides = sides;
    for (const side of this.#all()) {
      const { brokers } = servers.stack;
      this.#readers.set(side, new TopicsReader({ brokers, prefix: side.prefix }));
    }
  }

  /** A fresh database after its preparation, both sides streaming. */
  static async open(servers: Servers, options: SessionOptions): Promise<Session> {
    sessions += 1;
    const name = `conformance_${Date.now().toString(36)}_${sessions}`;
    const databaseUrl = await createDatabase(servers.stack.databaseUrl, name);
    const sides = await createSides(servers, { name, databaseUrl, options });
    const session = new Session(databaseUrl, servers, sides);
    try {
      await session.query(oracle);
      for (const publication of ['diptych_change', 'reference']) {
        await session.query(`create publication ${publication} for all tables`);
      }
      for (const step of options.preparation) await session.run(step);
      // One after the other: the second relay finds the publications that the first one made.
      for (const side of session.#all()) await side.start();
      session.#follow();
      await session.#begin();
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** One step of a case. Throws DatabaseError for a statement that is refused, unless it may be. */
  async run(step: Step): Promise<void> {
    switch (step.tag) {
      case 'statement':
        return await this.#statement(step);
      case 'wait':
        return await this.caughtUp();
      case 'stop':
        return await this.#each((side) => side.stop());
      case 'start':
        return await this.#each((side) => side.start());
      case 'restart':
        await this.#each((side) => side.stop());
        return await this.#each((side) => side.start());
      case 'kill':
        await this.#each((side) => side.kill());
        return await this.#each((side) => side.start());
    }
  }

  /**
   * Waits until each side has published everything that is committed now, or has ended. Two markers, the second
   * written when the first was seen: a side has one request to Kafka in flight, so what stands before the first is there
   * in every topic when the second is.
   */
  async caughtUp(): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      await this.#mark();
      await poll(() => this.#passed(), {
        what: `both sides have passed marker ${this.#marker}: ${this.#laggards().join(', ')}`,
        timeoutMs: markerTimeoutMs,
        intervalMs: 20,
        signal: this.#servers.signal,
      });
    }
  }

  /** What a side published since the last call. */
  async published(side: Side): Promise<Published> {
    const reader = this.#readers.get(side);
    const records = (await reader?.read()) ?? [];
    return {
      failure: this.#failures.get(side),
      records: records
        .map((record) => observe(record, side.prefix))
        .filter(({ topic }) => topic !== 'conformance.marker'),
    };
  }

  /** A query beside the case, on a connection of its own. */
  async query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> {
    const client = await this.#connection('(harness)');
    return (await client.query<Row>({ text, ...(values && { values }) })).rows;
  }

  /** Ends both sides and drops the database. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#following;
    for (const side of this.#all()) await side.close();
    for (const client of this.#connections.values()) await client.end().catch(() => undefined);
    await dropDatabase(this.databaseUrl);
  }

  #all(): Side[] {
    return this.sides.flatMap(({ ours, theirs }) => [ours, theirs]);
  }

  async #each(act: (side: Side) => Promise<void>): Promise<void> {
    for (const side of this.#all()) if (!this.#failures.has(side)) await act(side);
  }

  async #statement(step: Extract<Step, { tag: 'statement' }>): Promise<void> {
    const client = await this.#connection(step.connection);
    try {
      await client.query(step.sql);
    } catch (error) {
      if (!step.mayFail || !(error instanceof pg.DatabaseError)) throw error;
    }
  }

  async #connection(name: string): Promise<pg.Client> {
    const known = this.#connections.get(name);
    if (known) return known;
    const client = new pg.Client({ connectionString: this.databaseUrl, connectionTimeoutMillis: 10_000 });
    // A case may end every session of the server, and so this one.
    client.on('error', () => this.#connections.delete(name));
    await client.connect();
    this.#connections.set(name, client);
    return client;
  }

  #follow(): void {
    const topics = this.#all().map(({ prefix }) => `${prefix}.conformance.marker`);
    const { signal } = this.#ending;
    const { brokers } = this.#servers.stack;
    // As JSON `{"id":1}`, as Connect's StringConverter writes it `Struct{id=1}`.
    const records = follow({ brokers, topics, topicsIntervalMs: 200, signal });
    this.#following = (async () => {
      for await (const { topic, key } of records) {
        const id = /id"?[:=](\d+)/.exec(String(key))?.[1];
        if (id !== undefined) this.#seen.set(topic, BigInt(id));
      }
    })();
  }

  /** Markers until each side has shown one: it streams. A connector begins somewhere while it starts. */
  async #begin(): Promise<void> {
    const first = async () => {
      await this.#mark();
      return (await this.#passed(1n)) || undefined;
    };
    await poll(first, { what: 'both sides stream', timeoutMs: markerTimeoutMs, intervalMs: 200 });
    await this.caughtUp();
    for (const side of this.#all()) await this.published(side);
    for (const [side, failure] of this.#failures) {
      throw new OperatingError('relay-ended', `${side.prefix} ended before the first case: ${failure}`, {
        remedy: 'Its last words say why.',
      });
    }
  }

  async #mark(): Promise<void> {
    this.#marker += 1n;
    await this.query('insert into conformance.marker values ($1)', [this.#marker]);
  }

  async #passed(marker = this.#marker): Promise<true | undefined> {
    for (const side of this.#all()) {
      if (this.#failures.has(side) || this.#hasPassed(side, marker)) continue;
      const failure = await side.failure();
      if (failure === undefined) return undefined;
      this.#failures.set(side, failure);
    }
    return true;
  }

  #hasPassed(side: Side, marker: bigint): boolean {
    return (this.#seen.get(`${side.prefix}.conformance.marker`) ?? 0n) >= marker;
  }

  #laggards(): string[] {
    return this.#all()
      .filter((side) => !this.#hasPassed(side, this.#marker))
      .map(({ prefix }) => prefix);
  }
}

interface SideOptions {
  readonly name: string;
  readonly databaseUrl: string;
  readonly options: SessionOptions;
}

async function createSides(servers: Servers, session: SideOptions): Promise<ModeSides[]> {
  const ports = await freePorts(servers.modes.length);
  return servers.modes.map((mode, index) => ({
    mode,
    ours: createOurs(servers, { ...session, mode, port: ports[index] ?? 0 }),
    theirs: createTheirs(servers, { ...session, mode }),
  }));
}

function createOurs(
  { stack, directory, watchdog }: Servers,
  { name, databaseUrl, options, mode, port }: SideOptions & { mode: Mode; port: number },
): Side {
  const prefix = `${name}_${mode.name}_ours`;
  return new DiptychSide({
    name: prefix,
    logFile: join(directory, `${prefix}.log`),
    watchdog,
    settings: {
      DIPTYCH_DATABASE_URL: databaseUrl,
      DIPTYCH_KAFKA_BROKERS: stack.brokers.join(','),
      // One partition: all records of a topic have one order.
      DIPTYCH_KAFKA_PARTITIONS: '1',
      DIPTYCH_SLOT: prefix,
      DIPTYCH_PREFIX: prefix,
      DIPTYCH_OUTBOX_TOPIC_PREFIX: `${prefix}.outbox.event.`,
      DIPTYCH_HTTP_PORT: String(port),
      ...mode.relay,
      ...options.relay,
    },
  });
}

/** https://debezium.io/documentation/reference/3.7/connectors/postgresql.html#postgresql-connector-properties */
function createTheirs(
  { connect }: Servers,
  { name, databaseUrl, options, mode }: SideOptions & { mode: Mode },
): Side {
  const prefix = `${name}_${mode.name}_theirs`;
  const url = new URL(databaseUrl);
  const configuration = {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'database.hostname': url.hostname,
    'database.port': url.port,
    'database.user': decodeURIComponent(url.username),
    'database.password': decodeURIComponent(url.password),
    'database.dbname': decodeURIComponent(url.pathname.slice(1)),
    'plugin.name': 'pgoutput',
    'topic.prefix': prefix,
    'slot.name': prefix,
    'publication.name': 'reference',
    'publication.autocreate.mode': 'disabled',
    'snapshot.mode': 'no_data',
    'provide.transaction.metadata': 'true',
    // Times to wait, not what is published.
    'poll.interval.ms': '10',
    'retriable.restart.connector.wait.ms': '500',
    'slot.retry.delay.ms': '500',
    'topic.creation.default.partitions': '1',
    'topic.creation.default.replication.factor': '1',
    'header.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'header.converter.schemas.enable': 'false',
    // A partition's records in one request, so that order between topics is that of requests (Session.caughtUp).
    'producer.override.batch.size': '4194304',
    'producer.override.max.request.size': '33554432',
    'producer.override.max.in.flight.requests.per.connection': '1',
    ...mode.connector,
    ...withPrefix(options.connector, prefix),
  };
  return new DebeziumSide({ prefix, connect, configuration });
}

/** `%prefix%` in an option is the connector's own prefix. */
function withPrefix(options: ConnectorConfiguration, prefix: string): ConnectorConfiguration {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, value.replaceAll('%prefix%', prefix)]),
  );
}
