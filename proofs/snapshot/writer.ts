/** Writes at a rate while tables are read: inserts, updates, deletes and changes of keys, a few in each transaction. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface WriterOptions {
  readonly databaseUrl: string;
  readonly tables: readonly string[];
  /** Each table had the ids from 1 to here. */
  readonly rows: number;
  readonly writesPerSecond: number;
  readonly random: () => number;
}

const turnMs = 20;
const writesPerTransactionMax = 8;

export class Writer {
  readonly #options: WriterOptions;
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  #writes = 0;
  #lastId: number;
  #startedAtMs = 0;
  #endedAtMs = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#lastId = options.rows;
  }

  /** Statements that were committed. */
  get writes(): number {
    return this.#writes;
  }

  /** The rate that was reached. */
  get writesPerSecond(): number {
    return Math.round((this.#writes * 1000) / (this.#endedAtMs - this.#startedAtMs));
  }

  start(): void {
    this.#startedAtMs = performance.now();
    this.#running = this.#run();
    this.#running.catch(() => {}); // whoever stops it is told
  }

  /** Resolves when the last transaction is committed. Throws what ended it. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const client = new pg.Client({ connectionString: this.#options.databaseUrl });
    await client.connect();
    // What is visible before it is on disk is the harder case, and the rate is reached on a slow disk too.
    await client.query('set synchronous_commit = off');
    try {
      while (!this.#stopping) {
        const elapsedMs = performance.now() - this.#startedAtMs;
        const due = Math.floor((elapsedMs * this.#options.writesPerSecond) / 1000) - this.#writes;
        if (due <= 0) await sleep(turnMs);
        else await this.#transaction(client, Math.min(due, this.#upTo(writesPerTransactionMax)));
      }
    } finally {
      this.#endedAtMs = performance.now();
      await client.end();
    }
  }

  async #transaction(client: pg.Client, writes: number): Promise<void> {
    const statements = Array.from({ length: writes }, () => this.#statement());
    await client.query(`begin; ${statements.join('; ')}; commit`);
    this.#writes += writes;
  }

  #statement(): string {
    const { tables, rows } = this.#options;
    const table = tables[this.#upTo(tables.length) - 1];
    const id = this.#upTo(rows);
    const version = this.#writes + 2;
    const kind = this.#upTo(20);
    if (kind <= 10)
      return `update ${table} set version = ${version}, note = 'written ${version}' where id = ${id}`;
    if (kind <= 13)
      return `insert into ${table} values (${this.#nextId()}, 'new', null, ${version}.25, ${version})`;
    if (kind <= 16) return `delete from ${table} where id = ${id}`;
    if (kind <= 18)
      return `update ${table} set id = ${this.#nextId()}, version = ${version} where id = ${id}`;
    return `insert into ${table} values (${id}, 'again', '…', 0.50, ${version}) on conflict do nothing`;
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #upTo(max: number): number {
    return 1 + Math.floor(this.#options.random() * max);
  }
}
