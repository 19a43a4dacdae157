/** A database with both sides on it, in every mode at once; cases run in it one after the other. */
import { readFileSync } from 'node:fs';
import { follow } from '@diptych/kafka/partition-reader';
import { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import pg from 'pg';
import type { Step } from './case-file.ts';
import { createSides, type ModeSides, type Servers, type SessionOptions } from './mode-sides.ts';
import { type Observed, observe, TopicsReader } from './observed.ts';
import type { Side } from './side.ts';

/** What a side published since the last look, and why it ended, if it did. */
export interface Published {
  readonly records: readonly Observed[];
  readonly failure: string | undefined;
}

const oracle = readFileSync(new URL('./oracle.sql', import.meta.url), 'utf8');
/** A walsender, a JVM and two relays on two busy cores. */
const markerTimeoutMs = 180_000;
let sessions = 0;

/** A side neither publishes what was committed nor says that it has ended. */
export class NotCaughtUp extends Error {}

export class Session {
  readonly databaseUrl: string;
  readonly sides: readonly ModeSides[];
  /** What the server said to the statements that may fail and did, and how often. */
  readonly refused = new Map<string, number>();
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
      case 'until':
        return await this.#until(step.sql);
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
      await this.#untilPassed(() => this.#passed(), 20);
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
      const what = `${error.message} (${error.code})`;
      this.refused.set(what, (this.refused.get(what) ?? 0) + 1);
    }
  }

  /** Waits until a query gives one true. Throws NotCaughtUp. */
  async #until(sql: string): Promise<void> {
    const { signal } = this.#servers;
    const holds = async () => {
      const [row] = await this.query<Record<string, unknown>>(sql);
      return Object.values(row ?? {})[0] === true || undefined;
    };
    try {
      await poll(holds, { what: sql, timeoutMs: markerTimeoutMs, intervalMs: 100, signal });
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof pg.DatabaseError) throw cause;
      throw new NotCaughtUp(`not within ${markerTimeoutMs / 1000} s: ${sql}`, { cause });
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
        // The partitions of a topic come in no order.
        if (id !== undefined && BigInt(id) > (this.#seen.get(topic) ?? 0n)) this.#seen.set(topic, BigInt(id));
      }
    })();
  }

  /** Markers until each side has shown one: it streams. A connector begins somewhere while it starts. */
  async #begin(): Promise<void> {
    const first = async () => {
      await this.#mark();
      return (await this.#passed(1n)) || undefined;
    };
    await this.#untilPassed(first, 200);
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

  /** Throws NotCaughtUp that names the sides that did not. */
  async #untilPassed(passed: () => Promise<true | undefined>, intervalMs: number): Promise<void> {
    const { signal } = this.#servers;
    try {
      await poll(passed, { what: 'both sides have passed', timeoutMs: markerTimeoutMs, intervalMs, signal });
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof pg.DatabaseError) throw cause;
      const which = this.#laggards().join(', ');
      throw new NotCaughtUp(`not within ${markerTimeoutMs / 1000} s of its commit: ${which}`, { cause });
    }
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
