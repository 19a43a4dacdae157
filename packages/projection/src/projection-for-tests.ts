/** A projection of notes: the last word of each author. Its events are given, its positions are written by the test. */
import { randomUUID } from 'node:crypto';
import { EventContract } from '@diptych/events/event-contract';
import type { DomainEvent } from '@diptych/inbox/domain-event';
import { createInbox } from '@diptych/inbox/inbox-table';
import { inTransaction } from '@diptych/inbox/transaction';
import type { Pool } from 'pg';
import { z } from 'zod';
import { applyEvents } from './apply-events.ts';
import { beginGeneration, createRegistry, type Generation } from './generations.ts';
import type { Projection } from './projection.ts';

export const wordContract = {
  Said: EventContract.first({
    since: '2026-01-01',
    payload: z.strictObject({ word: z.string() }),
    example: { word: 'hello' },
  }),
};
export type WordContract = typeof wordContract;

export const lastWords: Projection<WordContract> = {
  name: 'last_words',
  version: 1,
  schema: 'create table last_words (author text primary key, word text not null, words integer not null)',
  shows: ['last_words'],
  apply: async ({ aggregateId, payload: { word } }, tx) => {
    if (word === 'unspeakable') throw new Error('nobody says that');
    await tx.query(
      `insert into last_words as before values ($1, $2, 1)
       on conflict (author) do update set word = excluded.word, words = before.words + 1`,
      [aggregateId, word],
    );
  },
};

export const topic = 'outbox.event.author';

/** The nth word of an author. */
export function said(author: string, n: number, word = `${author}${n}`): DomainEvent<WordContract> {
  return {
    type: 'Said',
    payload: { word },
    ...{ id: randomUUID(), version: 1, aggregateId: author, aggregateVersion: BigInt(n) },
    ...{ time: new Date(), identity: null, headers: new Map() },
    at: { topic, partition: 0, offset: BigInt(n) },
  };
}

export async function prepare(pool: Pool): Promise<void> {
  await createInbox(pool);
  await createRegistry(pool);
}

/** Throws when there is one in this state. */
export async function begin(
  pool: Pool,
  state: 'live' | 'building',
  projection: Projection<WordContract> = lastWords,
): Promise<Generation> {
  const generation = await beginGeneration(pool, { projection, state, groupPrefix: 'test' });
  if (!generation) throw new Error(`there is one that is ${state}`);
  return generation;
}

/** Applies events as an inbox does, and says that its position is behind them. */
export async function advance(
  pool: Pool,
  generation: Generation,
  {
    events = [],
    to,
    topicId = 'one',
  }: { events?: readonly DomainEvent<WordContract>[]; to: number; topicId?: string },
): Promise<void> {
  await inTransaction(pool, async (tx) => {
    await tx.query(
      `insert into inbox_positions (consumer_group, topic, partition, topic_id, next_offset, epoch, member)
       values ($1, $2, 0, $3, $4, 1, 'tester')
       on conflict (consumer_group, topic, partition) do update set next_offset = excluded.next_offset`,
      [generation.group, topic, topicId, to],
    );
    await applyEvents(tx, { projection: lastWords, generation, events });
  });
}
