/** One ordinary connection that reads rows as texts: those that the stream would bring. */
import { once } from 'node:events';
import { OperatingError } from '@diptych/runtime/failure';
import pg from 'pg';
import { socketOf } from './client-socket.ts';
import './long-messages.ts';
import { isQueryLost, type WaitingConnection } from './lost-query.ts';
import { messageTags } from './message-frames.ts';
import { MessageStream, messageSocket } from './message-stream.ts';
import { postgresFailure } from './postgres-failure.ts';
import { type ReadRows, RowGatherer } from './read-rows.ts';
import { settingsOption, textSettings } from './text-settings.ts';

export type TextRow = readonly (string | null)[];

export interface TextRows {
  readonly rows: ReadRows;
  /** Of all texts. */
  readonly bytes: number;
  /** False: rows were left out because `bytesMax` was reached. */
  readonly isWhole: boolean;
}

const connectTimeoutMs = 10_000;

/** A way to the server that is gone without a word is noticed: a chunk has no other limit. The system waits two hours. */
const keepAliveDelayMs = 10_000;

/** A value is never parsed on its way. */
const asText = { getTypeParser: () => (text: string) => text };

const serializationClass = '40';

/** Of another table that was dropped while the publication's tables were listed: XX000, as is what is broken for good. */
const droppedMeanwhile = /^could not open relation with OID/;

/**
 * What Postgres objects to in a query is wrong with that table or its condition, and would be so again: a function that
 * raises, a page that cannot be read, a row that is too large, a query that somebody cancelled.
 */
function readingFailure(error: unknown): OperatingError {
  const failure = postgresFailure(error, 'reading a table');
  // Only what the server said of the query: a connection that is gone says nothing of the table.
  const passes = ({ code, message }: pg.DatabaseError) =>
    code?.startsWith(serializationClass) || droppedMeanwhile.test(message);
  const isSaid = error instanceof pg.DatabaseError && !passes(error);
  if (failure.code !== 'replication-ended' || !isSaid) return failure;
  return new OperatingError('postgres-refused-query', failure.message, {
    remedy: 'The message says what Postgres objected to; change that first.',
    cause: error,
  });
}

/** In the extended protocol a text is one statement, whatever a condition in it says. */
const oneStatement = (text: string): pg.QueryArrayConfig & { queryMode: 'extended' } => ({
  ...{ text, rowMode: 'array', types: asText },
  queryMode: 'extended',
});

/** Room for rows that are read: somewhat more than the read before took. */
const firstExpectedBytes = 64 * 1024;
const expectedBytesMax = 8 * 1024 * 1024;
const spareFactor = 1.25;

/** How often a query that goes on is looked after. Twice this, at most, a lost one is waited for. */
const lookIntervalMs = 30_000;

export class TextReader {
  readonly #client: pg.Client;
  readonly #waiting: WaitingConnection;
  readonly #lookIntervalMs: number;
  #last: Promise<void> = Promise.resolve();
  /** Of the read whose answer comes. */
  #rows: RowGatherer | null = null;
  /** As much as the read before brought. */
  #expectedBytes = firstExpectedBytes;

  private constructor(
    client: pg.Client,
    options: { databaseUrl: string; backendPid: number; lookIntervalMs: number },
  ) {
    const { databaseUrl, backendPid } = options;
    this.#client = client;
    this.#waiting = { databaseUrl, backendPid, bytesRead: () => socketOf(client).bytesRead };
    this.#lookIntervalMs = options.lookIntervalMs;
    new MessageStream(socketOf(client), {
      ...{ tag: messageTags.dataRow, isEndless: false },
      take: (bytes, start, end) => {
        this.#rows?.add(bytes, start, end);
        return this.#rows !== null;
      },
    });
  }

  /** Connects. It writes nothing, and no setting of the role changes a text. Throws OperatingError. */
  static async open(
    databaseUrl: string,
    options: { applicationName: string; lookIntervalMs?: number },
  ): Promise<TextReader> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: options.applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveDelayMs,
      stream: messageSocket,
      // A chunk may wait for room in Kafka, and a condition may take its time: nobody's limits but ours.
      options: settingsOption({
        ...textSettings,
        // Conditions are other people's: they read, and rows that a policy hides from the role are an error, not a gap.
        default_transaction_read_only: 'on',
        row_security: 'off',
        jit: 'off',
        statement_timeout: '0',
        idle_in_transaction_session_timeout: '0',
      }),
    });
    client.on('error', () => {}); // the next query says it
    try {
      await client.connect();
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      const [{ pid: backendPid } = { pid: 0 }] = rows;
      const intervalMs = options.lookIntervalMs ?? lookIntervalMs;
      return new TextReader(client, { databaseUrl, backendPid, lookIntervalMs: intervalMs });
    } catch (error) {
      throw postgresFailure(error, 'connecting to read tables');
    }
  }

  /** Runs a statement whose answer is small. Throws OperatingError. */
  async query(text: string): Promise<readonly TextRow[]> {
    return await this.#inTurn(async () => {
      const answer = await this.#watched(this.#client.query<(string | null)[]>(oneStatement(text)));
      return answer.rows;
    });
  }

  /**
   * Runs a query and keeps the first rows of its answer: those behind `bytesMax` are received and forgotten, never the
   * first one. Throws OperatingError.
   */
  async read(text: string, { bytesMax }: { bytesMax: number }): Promise<TextRows> {
    const rows = new RowGatherer({ bytesMax, expectedBytes: this.#expectedBytes });
    await this.#inTurn(async () => {
      const query = new pg.Query<(string | null)[]>(oneStatement(text));
      const ended = once(query, 'end');
      this.#rows = rows;
      try {
        this.#client.query(query);
        await this.#watched(ended);
      } finally {
        this.#rows = null;
      }
    });
    this.#expectedBytes = Math.min(Math.max(firstExpectedBytes, rows.bytes * spareFactor), expectedBytesMax);
    return { rows: rows.rows, bytes: rows.textBytes, isWhole: rows.isWhole };
  }

  /** Behind what was asked before, whatever came of it. */
  async #inTurn<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    const answer = this.#last.then(ask);
    this.#last = answer.then(
      () => {},
      () => {},
    );
    try {
      return await answer;
    } catch (error) {
      throw readingFailure(error);
    }
  }

  /** Waits for an answer, for as long as the server works on it. */
  async #watched<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const answered = new AbortController();
    const watch = { intervalMs: this.#lookIntervalMs, signal: answered.signal };
    // A look that is under way when the answer comes is nothing to wait for.
    void isQueryLost(this.#waiting, watch).then((isLost) => {
      if (isLost) socketOf(this.#client).destroy(new Error('the server does not work on the query'));
    });
    try {
      return await answer;
    } finally {
      answered.abort();
    }
  }

  /** Ends it, whatever it is doing: no transaction of it stays open. */
  async close(): Promise<void> {
    const ended = this.#client.end().catch(() => {});
    // A query under way would be waited for.
    socketOf(this.#client).destroy();
    await ended;
  }
}
