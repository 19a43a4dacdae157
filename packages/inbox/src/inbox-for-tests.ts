/** Notes: events that tests publish, and inboxes whose effects can be counted. */
import { randomUUID } from 'node:crypto';
import { EventContract } from '@diptych/events/event-contract';
import { createPublisher } from '@diptych/kafka/create-publisher';
import type { Publisher } from '@diptych/kafka/publisher';
import type { OutgoingRecord } from '@diptych/kafka/record';
import { ensureTopics } from '@diptych/kafka/topics';
import { createLogger } from '@diptych/runtime/log';
import { poll } from '@diptych/runtime/poll';
import pg from 'pg';
import { z } from 'zod';
import { Inbox } from './inbox.ts';
import type { Batches, Handlers, InboxSettings } from './inbox-options.ts';
import { createInbox } from './inbox-table.ts';

/** The second version says `n` where the first said `number`. */
export const noteContract = {
  Noted: EventContract.first({
    since: '2026-01-01',
    payload: z.strictObject({ number: z.int() }),
    example: { number: 1 },
  }).next({
    since: '2026-02-01',
    payload: z.strictObject({ n: z.int() }),
    example: { n: 1 },
    upcast: ({ number }) => ({ n: number }),
  }),
};
export type NoteContract = typeof noteContract;

export interface Note {
  readonly key?: string | null;
  readonly n: number;
  readonly id?: string;
  readonly type?: string;
  readonly version?: number;
  readonly payload?: unknown;
}

export const notes = (key: string, from: number, count: number): Note[] =>
  Array.from({ length: count }, (_, index) => ({ key, n: from + index }));

/** A topic of notes, and who publishes to it. */
export class NoteTopic {
  readonly name: string;
  readonly brokers: readonly string[];
  readonly #publisher: Publisher;

  constructor(name: string, brokers: readonly string[]) {
    this.name = name;
    this.brokers = brokers;
    this.#publisher = createPublisher('platformatic', {
      ...{ brokers, clientId: name, transactionalId: name },
      ...{ transactionTimeoutMs: 30_000, requestTimeoutMs: 10_000 },
    });
  }

  async create(partitions: number): Promise<void> {
    await ensureTopics({ brokers: this.brokers, specs: [{ name: this.name, partitions, config: {} }] });
    await this.#publisher.fence();
  }

  /** One Kafka transaction. */
  async publish(events: readonly Note[]): Promise<void> {
    await this.#publisher.publish(events.map((event) => this.#record(event)));
  }

  close(): Promise<void> {
    return this.#publisher.close();
  }

  #record({
    key = 'k',
    n,
    id = randomUUID(),
    type = 'Noted',
    version = 2,
    payload = { n },
  }: Note): OutgoingRecord {
    return {
      topic: this.name,
      key: key === null ? null : Buffer.from(key),
      value: Buffer.from(JSON.stringify(payload)),
      headers: [
        ['id', id],
        ['eventType', type],
        ['eventVersion', String(version)],
      ],
      timestampMs: 1_795_246_912_669,
    };
  }
}

/** The effect of a note is a row; nothing but the inbox keeps it from being there twice. */
export async function createEffects(database: Pick<pg.Pool, 'query'>): Promise<void> {
  await createInbox(database);
  await database.query(
    'create table if not exists effects (id bigint generated always as identity, key text, n bigint, by_whom text)',
  );
}

export async function writeEffect(
  tx: Pick<pg.Pool, 'query'>,
  { key, n, by = 'tester' }: { key: string | null; n: number; by?: string },
): Promise<void> {
  await tx.query('insert into effects (key, n, by_whom) values ($1, $2, $3)', [key, n, by]);
}

/** The effects of a key, in their order. */
export async function effectsOf(database: Pick<pg.Pool, 'query'>, key: string): Promise<number[]> {
  const { rows } = await database.query<{ n: string }>('select n from effects where key = $1 order by id', [
    key,
  ]);
  return rows.map(({ n }) => Number(n));
}

export type NoteInboxOptions = Partial<InboxSettings<NoteContract>> &
  Pick<InboxSettings<NoteContract>, 'pool' | 'brokers' | 'group' | 'topics'> & {
    readonly handlers?: Handlers<NoteContract>;
    readonly batches?: Batches<NoteContract>;
  };

/** An inbox of notes that writes their effects, with short pauses. */
export function noteInbox({ handlers, batches, ...options }: NoteInboxOptions): Inbox<NoteContract> {
  const single: Handlers<NoteContract> = {
    Noted: ({ aggregateId, payload }, tx) => writeEffect(tx, { key: aggregateId, n: payload.n }),
  };
  return new Inbox({
    contracts: noteContract,
    ...(batches ? { batches } : { handlers: handlers ?? single }),
    prepare: () => createEffects(options.pool),
    log: createLogger(options.group, { level: process.env.DIPTYCH_LOG_LEVEL ?? 'silent' }),
    ...options,
    limits: { retryPauseMs: 5, retryPauseMaxMs: 100, ...options.limits },
  });
}

/** A pool as services have it: bounded in every direction. */
export function notePool(connectionString: string, { queryTimeoutMs = 20_000 } = {}): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    ...{ max: 6, connectionTimeoutMillis: 3_000, query_timeout: queryTimeoutMs },
  });
  pool.on('error', () => undefined);
  return pool;
}

/** Waits up to 60 s. */
export async function untilTrue(what: string, ask: () => Promise<boolean> | boolean): Promise<void> {
  await poll(async () => ((await ask()) ? true : undefined), { what, timeoutMs: 60_000 });
}

/** What a counter or a gauge of an inbox says. */
export async function figure(
  { metrics }: Inbox<NoteContract>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const metric = await metrics.registry.getSingleMetric(name)?.get();
  const value = metric?.values.find((one) =>
    Object.entries(labels).every(([label, wanted]) => String(one.labels[label]) === wanted),
  );
  return value?.value ?? 0;
}
