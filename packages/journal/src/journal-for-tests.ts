/** A database with an outbox and snapshots, and the shortest way to transactions of it. */
import { outboxTables } from '@diptych/outbox/tables';
import { testDatabase } from '@diptych/testkit/for-tests';
import pg from 'pg';

/** As drizzle makes it of schema.ts. */
const snapshotTable = `
  create table outbox_snapshots (aggregatetype text not null, aggregateid text not null, stateversion int not null,
    version bigint not null, state jsonb not null, taken_at timestamptz not null default now(),
    primary key (aggregatetype, aggregateid, stateversion, version));
  create index on outbox (aggregatetype, aggregateid, aggregateversion);
`;

export class JournalUnderTest {
  readonly pool: pg.Pool;
  readonly #drop: () => Promise<void>;

  private constructor(pool: pg.Pool, drop: () => Promise<void>) {
    this.pool = pool;
    this.#drop = drop;
  }

  static async create(): Promise<JournalUnderTest> {
    const database = await testDatabase();
    const pool = new pg.Pool({ connectionString: database.url });
    await pool.query(outboxTables + snapshotTable);
    return new JournalUnderTest(pool, () => database.drop());
  }

  /** Commits what `work` did, and answers with the commit token besides. */
  async transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<{ result: T; token: string }> {
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      const result = await work(client);
      const { rows } = await client.query('select pg_current_xact_id()::text as xid');
      await client.query('commit');
      const after = await client.query('select pg_current_wal_insert_lsn()::text as lsn');
      return { result, token: `${rows[0].xid}@${after.rows[0].lsn}` };
    } finally {
      client.release();
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
    await this.#drop();
  }
}
