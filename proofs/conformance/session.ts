/** A database with both sides on it, in every mode at once; cases run in it one after the other. */
import { readFileSync } from 'node:fs';
import { unreachable } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import pg from 'pg';
import type { Step } from './case-file.ts';
import { Connections } from './connections.ts';
import { Markers } from './markers.ts';
import { createSides, eachSide, type ModeSides, type Servers, type SessionOptions } from './mode-sides.ts';
import { hasSource, isParked, type Observed, observe, type Published, TopicsReader } from './observed.ts';
import type { Side } from './side.ts';
import { changeSlots } from './slots.ts';
import { SnapshotConductor } from './snapshot-conductor.ts';

interface SessionParts {
  readonly databaseUrl: string;
  readonly servers: Servers;
  readonly sides: readonly ModeSides[];
  readonly options: SessionOptions;
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
  /** Tables that had rows before either side began, by their topics. */
  tablesWithRows: ReadonlySet<string> = new Set();
  readonly #servers: Servers;
  readonly #connections: Connections;
  readonly #conductor: SnapshotConductor;
  readonly #readers = new Map<Side, TopicsReader>();
  readonly #markers: Markers;
  readonly #failures = new Map<Side, string>();
  /** What was read, or written meanwhile, while the sides began. */
  readonly #atFirst = new Map<Side, Observed[]>();
  readonly #usesSnapshots: boolean;
  /** Nothing is streamed: `initial_only`. */
  readonly #onlyReads: boolean;
  /** A start may read the tables again, and stream from there. */
  readonly #mayReadAgain: boolean;
  #starts = 0;

  private constructor({ databaseUrl, servers, sides, options }: SessionParts) {
    this.databaseUrl = databaseUrl;
    this.#servers = servers;
    this.sides = sides;
    this.#connections = new Connections(databaseUrl);
    const { brokers } = servers.stack;
    this.#usesSnapshots = options.snapshots !== undefined;
    this.#onlyReads = options.snapshots?.mode === 'initial_only';
    this.#mayReadAgain = ['always', 'when_needed'].includes(options.snapshots?.mode ?? '');
    this.#conductor = new SnapshotConductor({
      ...{ sides, brokers },
      readsAtEachStart: options.snapshots?.mode === 'always',
      isOursAlone: options.snapshots?.isOursAlone ?? false,
      signal: async ({ id, type, data }) => {
        await this.query('insert into conformance.signal values ($1, $2, $3)', [id, type, data]);
      },
      refused: (what) => this.#connections.refuse(what),
    });
    this.#markers = new Markers({
      brokers,
      prefixes: this.#all().map(({ prefix }) => prefix),
      others: {
        topics: this.#usesSnapshots ? this.#conductor.topics : [],
        see: (record) => this.#conductor.see(record),
      },
    });
    for (const side of this.#all()) {
      this.#readers.set(side, new TopicsReader({ brokers, prefix: side.prefix }));
    }
  }

  /** What the server said to the statements that may fail and did, and how often. */
  get refused(): Map<string, number> {
    return this.#connections.refused;
  }

  /** A fresh database after its preparation, both sides streaming. */
  static async open(servers: Servers, options: SessionOptions): Promise<Session> {
    sessions += 1;
    const name = `conformance_${Date.now().toString(36)}_${sessions}`;
    const databaseUrl = await createDatabase(servers.stack.databaseUrl, name);
    const sides = await createSides(servers, { name, databaseUrl, options });
    const session = new Session({ databaseUrl, servers, sides, options });
    try {
      await session.query(oracle);
      for (const publication of ['diptych_change', 'reference']) {
        await session.query(`create publication ${publication} for all tables`);
      }
      for (const step of options.preparation) await session.run(step);
      await session.#lookAtTables();
      await session.#start();
      session.#markers.follow();
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
        return await this.#connections.run(step);
      case 'wait':
        return await this.caughtUp();
      case 'until':
        return await this.#until(step.sql);
      case 'stop':
        return await this.#each((side) => side.stop());
      case 'start':
        return await this.#start();
      case 'restart':
        await this.#each((side) => side.stop());
        return await this.#start();
      case 'kill':
        await this.#each((side) => side.kill());
        return await this.#start();
      case 'drop slots':
      case 'recreate slots':
        return await changeSlots(step.tag, { session: this, signal: this.#servers.signal });
      case 'snapshot-done':
        return await this.snapshotsDone();
      case 'snapshot':
      case 'snapshot-stop':
      case 'snapshot-pause':
      case 'snapshot-resume':
        return await this.#conductor.ask(step);
      default:
        return unreachable(step);
    }
  }

  /** Waits until each side has read the tables that it was asked to read. */
  async snapshotsDone(): Promise<void> {
    if (!this.#usesSnapshots || this.#onlyReads) return;
    const isDone = async () => (await this.#conductor.isDone(this.#starts)) || undefined;
    await this.#untilPassed(isDone, { what: 'the tables that were asked for are not read', intervalMs: 300 });
  }

  /**
   * Waits until each side has published everything that is committed now, or has ended. Two markers, the second
   * written when the first was seen: a side has one request to Kafka in flight, so what stands before the first is there
   * in every topic when the second is.
   */
  async caughtUp(): Promise<void> {
    if (this.#onlyReads) return await this.#untilPassed(() => this.#haveRead(), { intervalMs: 200 });
    if (this.#mayReadAgain) await this.#streams();
    for (let round = 0; round < 2; round += 1) {
      await this.#mark();
      await this.#untilPassed(() => this.#passed(), { intervalMs: 20 });
    }
  }

  /** Waits for statements that nobody waited for. Throws DatabaseError for one that was refused. */
  settled(): Promise<void> {
    return this.#connections.settled();
  }

  /** What a side published since the last call. */
  async published(side: Side): Promise<Published> {
    const reader = this.#readers.get(side);
    const records = (await reader?.read()) ?? [];
    const isOwn = (record: Observed) =>
      record.topic.startsWith('conformance.') || (this.#mayReadAgain && this.#markers.isAboutMarker(record));
    const observed = records.map((record) => observe(record, side.prefix)).filter((one) => !isOwn(one));
    const before = this.#atFirst.get(side) ?? [];
    this.#atFirst.delete(side);
    return {
      failure: this.#failures.get(side),
      records: [...before, ...observed.filter((record) => !isParked(record))],
      // What follows a delete that is set aside is no change of its own.
      parked: observed.filter((one) => isParked(one) && !one.isParkedTombstone),
    };
  }

  /** A query beside the case, on a connection of its own. */
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> {
    return this.#connections.query<Row>(text, values);
  }

  /** Ends both sides and drops the database. */
  async close(): Promise<void> {
    await this.#markers.close();
    await eachSide(this.sides, (side) => side.close());
    await this.#connections.close();
    await dropDatabase(this.databaseUrl);
  }

  #all(): Side[] {
    return this.sides.flatMap(({ ours, theirs }) => [ours, theirs]);
  }

  #each(act: (side: Side) => Promise<void>): Promise<void> {
    return eachSide(this.sides, async (side) => (this.#failures.has(side) ? undefined : await act(side)));
  }

  #start(): Promise<void> {
    this.#starts += 1;
    return this.#each((side) => side.start());
  }

  /** Waits until a query gives one true. Throws NotCaughtUp. */
  async #until(sql: string): Promise<void> {
    const holds = async () => {
      const [row] = await this.query<Record<string, unknown>>(sql);
      return Object.values(row ?? {})[0] === true || undefined;
    };
    await this.#untilPassed(holds, { what: sql, intervalMs: 100 });
  }

  /** What was there before either side began is in nobody's stream. */
  async #lookAtTables(): Promise<void> {
    await this.query('truncate conformance.noted');
    const tables = await this.query<{ topic: string }>('select topic from conformance.tables_with_rows()');
    this.tablesWithRows = new Set(tables.map(({ topic }) => topic));
  }

  /** Both stream. A connector begins somewhere while it starts. */
  async #begin(): Promise<void> {
    if (!this.#onlyReads) await this.#streams();
    await this.caughtUp();
    for (const side of this.#all()) {
      const { records } = await this.published(side);
      // Markers have metadata of their own, from wherever the side began.
      this.#atFirst.set(
        side,
        records.filter(({ topic, value }) => topic !== 'transaction' && (value === null || hasSource(value))),
      );
    }
    for (const [side, failure] of this.#failures) {
      throw new OperatingError('relay-ended', `${side.prefix} ended before the first case: ${failure}`, {
        remedy: 'Its last words say why.',
      });
    }
  }

  /** Markers until each side has shown one of them: who reads tables first shows none from before. */
  async #streams(): Promise<void> {
    const first = this.#markers.last + 1n;
    const one = async () => {
      await this.#mark();
      return await this.#passed(first);
    };
    await this.#untilPassed(one, { intervalMs: 200 });
  }

  #mark(): Promise<void> {
    return this.#markers.write((sql) => this.query<{ xid: string }>(sql));
  }

  /** Throws NotCaughtUp that names the sides that did not, or what was waited for. */
  async #untilPassed(
    passed: () => Promise<true | undefined>,
    { what, intervalMs }: { what?: string; intervalMs: number },
  ): Promise<void> {
    const { signal } = this.#servers;
    try {
      await poll(passed, { what: what ?? 'both sides', timeoutMs: markerTimeoutMs, intervalMs, signal });
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof pg.DatabaseError) throw cause;
      const late = what ?? `of its commit: ${this.#markers.laggards().join(', ')}`;
      throw new NotCaughtUp(`not within ${markerTimeoutMs / 1000} s ${late}`, { cause });
    }
  }

  async #passed(marker = this.#markers.last): Promise<true | undefined> {
    for (const side of this.#all()) {
      if (this.#failures.has(side) || this.#markers.hasPassed(side.prefix, marker)) continue;
      const failure = await side.failure();
      if (failure === undefined) return undefined;
      this.#failures.set(side, failure);
    }
    return true;
  }

  /** Ours ends by itself, and the reference says that it is done, at each start. */
  async #haveRead(): Promise<true | undefined> {
    for (const { ours, theirs } of this.sides) {
      if (this.#conductor.initialEnds(theirs.prefix) < this.#starts) return undefined;
      const failure = await ours.failure();
      if (failure !== undefined) this.#failures.set(ours, failure);
      else if (!(await ours.hasFinished())) return undefined;
    }
    return true;
  }
}
