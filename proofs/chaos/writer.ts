/**
 * One writer: transactions over the same fifty keys, one after the other, over every outage. What a transaction did stands in
 * its own row of the ledger, so that the database decides what was committed, also when the answer to COMMIT was lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { present } from '@diptych/runtime/assert';
import pg from 'pg';
import type { Random } from '../simulate/random.ts';
import { fact } from './fact.ts';
import { aggregateType, keys } from './tables.ts';

/** Shared by all writers. */
export interface Load {
  writing: boolean;
  /** The relay is far behind: a bounded load waits for it. */
  behind: boolean;
  /** Transactions whose COMMIT was answered. */
  answered: number;
  rolledBack: number;
  /** Transactions that an outage or a deadlock ended, some of them after they were committed. */
  failed: number;
}

const pauseMsMax = 30;
const reconnectMs = 100;
const statementTimeoutMs = 20_000;
const bulkRowsMin = 200;
const bulkRowsMax = 1500;

/** How often a transaction does what. */
const chance = {
  rollback: 0.1,
  undoneStep: 0.15,
  savepoint: 0.15,
  remove: 0.15,
  bulk: 0.02,
  scratch: 0.08,
  truncate: 0.015,
  alter: 0.01,
} as const;

/** Changes of the table's shape, each possible in either of its two states. Locked before they look: others alter it too. */
const alterations = [
  `do $$ begin
     lock table scratch;
     if exists (select from information_schema.columns where table_name = 'scratch' and column_name = 'note')
     then alter table scratch rename column note to remark;
     else alter table scratch rename column remark to note; end if; end $$`,
  `do $$ begin
     lock table scratch;
     if exists (select from information_schema.columns
                where table_name = 'scratch' and column_name = 'amount' and data_type = 'integer')
     then alter table scratch alter column amount type bigint;
     else alter table scratch alter column amount type int; end if; end $$`,
];

export class Writer {
  readonly #options: { databaseUrl: string; id: number; random: Random; load: Load };
  #client: pg.Client | null = null;
  #n = 0;

  constructor(options: { databaseUrl: string; id: number; random: Random; load: Load }) {
    this.#options = options;
  }

  /** Resolves when the load is told to stop, after the transaction that is under way. */
  async run(): Promise<void> {
    const { load, random } = this.#options;
    while (load.writing) {
      await sleep(load.behind ? reconnectMs : random.whole(1, pauseMsMax));
      if (load.behind) continue;
      try {
        await this.#transact(await this.#connected());
      } catch (error) {
        load.failed += 1;
        // A deadlock's victim may go on; any other session may be gone.
        await this.#client?.end().catch(() => {});
        this.#client = null;
        if (isMistake(error)) throw error;
        await sleep(reconnectMs);
      }
    }
    await this.#client?.end().catch(() => {});
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client) return this.#client;
    const client = new pg.Client({
      connectionString: this.#options.databaseUrl,
      application_name: `chaos writer ${this.#options.id}`,
      connectionTimeoutMillis: statementTimeoutMs,
      query_timeout: statementTimeoutMs,
    });
    client.on('error', () => {}); // the next statement says it
    await client.connect();
    this.#client = client;
    return client;
  }

  async #transact(sql: pg.Client): Promise<void> {
    const { random, load, id } = this.#options;
    this.#n += 1;
    const facts: string[] = [];
    await sql.query('begin');
    // Tables that are locked whole come first, then keys in their order: hardly a deadlock.
    await this.#scratch(sql, facts);
    const touched = this.#chooseKeys();
    for (const [step, k] of touched.entries()) await this.#step(sql, { k, tag: this.#tag(step), facts });
    const [first] = touched;
    if (first !== undefined && random.chance(chance.bulk)) await this.#bulk(sql, { k: first, facts });
    await sql.query('insert into ledger (writer, n, keys, facts) values ($1, $2, $3, $4)', [
      id,
      this.#n,
      touched,
      facts,
    ]);
    if (random.chance(chance.rollback)) {
      await sql.query('rollback');
      load.rolledBack += 1;
    } else {
      await sql.query('commit');
      load.answered += 1;
    }
  }

  /** Unique for every step of every transaction, those included that are undone. */
  #tag(step: number | string): string {
    return `${this.#options.id}.${this.#n}.${step}`;
  }

  #chooseKeys(): number[] {
    const { random } = this.#options;
    const count = random.chance(0.3) ? random.whole(2, 4) : 1;
    const chosen = new Set(Array.from({ length: count }, () => random.whole(0, keys - 1)));
    return [...chosen].toSorted((a, b) => a - b);
  }

  /** One key, perhaps within a savepoint, perhaps after a step on it that is undone. */
  async #step(sql: pg.Client, { k, tag, facts }: { k: number; tag: string; facts: string[] }): Promise<void> {
    const { random } = this.#options;
    if (random.chance(chance.undoneStep)) {
      await sql.query('savepoint undone');
      await this.#change(sql, { k, tag: `${tag}.undone`, facts: [] });
      await sql.query('rollback to savepoint undone');
    }
    const kept = random.chance(chance.savepoint);
    if (kept) await sql.query('savepoint kept');
    await this.#change(sql, { k, tag, facts });
    if (kept) await sql.query('release savepoint kept');
  }

  /** Writes or deletes the account and tells it. The row of `heads` is locked until the end: versions follow commits. */
  async #change(
    sql: pg.Client,
    { k, tag, facts }: { k: number; tag: string; facts: string[] },
  ): Promise<void> {
    const version = await this.#nextVersion(sql, { k, count: 1 });
    const row = { k, version, tag };
    if (this.#options.random.chance(chance.remove)) {
      const { rows } = await sql.query<{ version: string; tag: string }>(
        'delete from accounts where k = $1 returning version, tag',
        [k],
      );
      for (const gone of rows) {
        facts.push(
          fact.deleted({ k, version: Number(gone.version), tag: gone.tag }),
          fact.tombstone('accounts'),
        );
      }
    } else {
      const { rows } = await sql.query<{ inserted: boolean }>(
        `insert into accounts (k, version, tag) values ($1, $2, $3)
         on conflict (k) do update set version = excluded.version, tag = excluded.tag
         returning old.k is null as inserted`,
        [k, version, tag],
      );
      facts.push(fact.written(rows[0]?.inserted ? 'c' : 'u', row));
    }
    await sql.query(
      `insert into outbox (aggregatetype, aggregateid, type, payload, aggregateversion)
       values ($1, $2, 'AccountChanged', $3, $4)`,
      [aggregateType, String(k), { tag, version }, version],
    );
    facts.push(fact.event(row));
  }

  /** More rows and events than one Kafka transaction takes; and those of an earlier time changed, or deleted. */
  async #bulk(sql: pg.Client, { k, facts }: { k: number; facts: string[] }): Promise<void> {
    const { random } = this.#options;
    const count = random.whole(bulkRowsMin, bulkRowsMax);
    const tag = this.#tag('bulk');
    const last = await this.#nextVersion(sql, { k, count });
    await sql.query(
      `insert into entries (k, tag, filler) select $1, $2, repeat('x', 200) from generate_series(1, $3::int)`,
      [k, tag, count],
    );
    await sql.query(
      `insert into outbox (aggregatetype, aggregateid, type, payload, aggregateversion)
       select $1, $2, 'EntryMade', jsonb_build_object('tag', $3::text, 'version', v), v
       from generate_series($4::bigint, $5::bigint) v`,
      [aggregateType, String(k), tag, last - count + 1, last],
    );
    facts.push(`${fact.entry('c', tag)} * ${count}`, `${fact.event({ k, tag })} * ${count}`);
    const retag = this.#tag('again');
    const old = await sql.query('update entries set tag = $1 where k = $2 and tag <> $3', [retag, k, tag]);
    if (old.rowCount) facts.push(`${fact.entry('u', retag)} * ${old.rowCount}`);
    if (!random.chance(0.5)) return;
    const gone = await sql.query('delete from entries where tag = $1', [retag]);
    if (gone.rowCount) {
      facts.push(
        `${fact.entry('d', retag)} * ${gone.rowCount}`,
        `${fact.tombstone('entries')} * ${gone.rowCount}`,
      );
    }
  }

  /** The table that is emptied and altered under everybody's feet. */
  async #scratch(sql: pg.Client, facts: string[]): Promise<void> {
    const { random } = this.#options;
    if (random.chance(chance.alter))
      await sql.query(alterations[random.whole(0, alterations.length - 1)] ?? '');
    if (random.chance(chance.truncate)) {
      await sql.query('truncate scratch');
      facts.push(fact.truncated());
    }
    if (!random.chance(chance.scratch)) return;
    const tag = this.#tag('scratch');
    await sql.query('insert into scratch (tag, amount) values ($1, $2)', [tag, random.whole(0, 1000)]);
    facts.push(fact.scratched(tag));
  }

  async #nextVersion(sql: pg.Client, { k, count }: { k: number; count: number }): Promise<number> {
    const { rows } = await sql.query<{ version: string }>(
      'update heads set version = version + $2 where k = $1 returning version',
      [k, count],
    );
    return Number(present(rows[0], `the head of ${k}`).version);
  }
}

/** An error of ours, not of an outage: bad SQL, a broken constraint. */
function isMistake(error: unknown): boolean {
  // https://www.postgresql.org/docs/18/errcodes-appendix.html
  return error instanceof pg.DatabaseError && /^(22|23|42)/.test(error.code ?? '');
}
