/** The connections on which a script speaks to its database. */
import pg from 'pg';
import type { Step } from './case-file.ts';

export class Connections {
  readonly #databaseUrl: string;
  readonly #clients = new Map<string, pg.Client>();
  readonly #meanwhile: Promise<void>[] = [];
  /** What was said to that which may be refused, and how often. */
  readonly refused = new Map<string, number>();

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
  }

  /** A query beside the script, on a connection of its own. */
  async query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]> {
    const client = await this.#connection('(harness)');
    return (await client.query<Row>({ text, ...(values && { values }) })).rows;
  }

  /** A statement of the script. Throws DatabaseError when it is refused, unless it may be. */
  async run(step: Extract<Step, { tag: 'statement' }>): Promise<void> {
    const client = await this.#connection(step.connection);
    const sent = client.query(step.sql).then(
      () => undefined,
      (error: unknown) => {
        if (!step.mayFail || !(error instanceof pg.DatabaseError)) throw error;
        this.refuse(`${error.message} (${error.code})`);
      },
    );
    if (!step.isMeanwhile) return await sent;
    // It is looked at when the script is over.
    sent.catch(() => undefined);
    this.#meanwhile.push(sent);
  }

  refuse(what: string): void {
    this.refused.set(what, (this.refused.get(what) ?? 0) + 1);
  }

  /** Waits for statements that nobody waited for. Throws DatabaseError for one that was refused. */
  async settled(): Promise<void> {
    await Promise.all(this.#meanwhile.splice(0));
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) await client.end().catch(() => undefined);
  }

  async #connection(name: string): Promise<pg.Client> {
    const known = this.#clients.get(name);
    if (known) return known;
    const client = new pg.Client({ connectionString: this.#databaseUrl, connectionTimeoutMillis: 10_000 });
    // A case may end every session of the server, and so this one.
    client.on('error', () => this.#clients.delete(name));
    await client.connect();
    // A case may forbid writing to everybody else.
    await client.query('set default_transaction_read_only = off');
    this.#clients.set(name, client);
    return client;
  }
}
