/**
 * How far a generation is in each aggregate, beside its tables: an event that is not beyond that has come again, by a relay
 * that delivers at least once or by a group that begins anew, and has no second effect. Unlike an inbox row this is as small
 * as there are aggregates, and is never forgotten.
 */
import type { Told } from '@diptych/inbox/domain-event';
import { OperatingError } from '@diptych/runtime/failure';
import type { Tx } from './projection.ts';

/** Creates the table in the schema that comes first in the search path. */
export async function createHeads(tx: Tx): Promise<void> {
  await tx.query(`create table aggregate_heads (
    topic text not null,
    key text not null,
    version bigint not null,
    primary key (topic, key)
  )`);
}

/**
 * Those events that are beyond the heads, and moves the heads behind them. Throws OperatingError `event-malformed` for an
 * event that does not say which of its aggregate it is.
 */
export async function moveHeads<Event extends Told>(tx: Tx, events: readonly Event[]): Promise<Event[]> {
  const places = new Map(events.map((event) => [nameOf(event), placeOf(event)]));
  const { rows } = await tx.query<{ topic: string; key: string; version: string }>(
    `select topic, key, version from aggregate_heads
     where (topic, key) in (select * from unnest($1::text[], $2::text[]))`,
    [[...places.values()].map(({ topic }) => topic), [...places.values()].map(({ key }) => key)],
  );
  const heads = new Map(rows.map((row) => [nameOf(row), BigInt(row.version)]));
  const fresh = events.filter((event) => {
    const { version } = placeOf(event);
    if (version <= (heads.get(nameOf(event)) ?? 0n)) return false;
    heads.set(nameOf(event), version);
    return true;
  });
  const moved = [...new Map(fresh.map((event) => [nameOf(event), placeOf(event)])).values()];
  if (moved.length === 0) return fresh;
  await tx.query(
    `insert into aggregate_heads select * from unnest($1::text[], $2::text[], $3::bigint[])
     on conflict (topic, key) do update set version = excluded.version`,
    [moved.map(({ topic }) => topic), moved.map(({ key }) => key), moved.map(({ version }) => version)],
  );
  return fresh;
}

const nameOf = (of: Told | { topic: string; key: string }): string =>
  'at' in of ? `${of.at.topic} ${of.aggregateId}` : `${of.topic} ${of.key}`;

function placeOf({ at: { topic, partition, offset }, aggregateId, aggregateVersion }: Told) {
  if (aggregateId !== null && aggregateVersion !== null) {
    return { topic, key: aggregateId, version: aggregateVersion };
  }
  throw new OperatingError(
    'event-malformed',
    `the event at ${topic}/${partition}/${offset} does not say which of its aggregate it is`,
    { remedy: 'Project topics of outboxes that count the versions of their aggregates, or discard it.' },
  );
}
