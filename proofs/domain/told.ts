/** What the retained outbox says was told: the facts that its transactions owe the readers of the domain topics. */
import { createHash } from 'node:crypto';
import { cartAggregateType, esCartAggregateType } from '@diptych/contracts/cart-events';
import type { PrintedRecord } from '../java-consumer.ts';
import type { Reading } from '../referee.ts';

/** Where a record was read: the topic of an aggregate type, or the one of ENDs. */
export type Source = typeof cartAggregateType | typeof esCartAggregateType | 'end';

export const aggregateTypes = [cartAggregateType, esCartAggregateType] as const;

/** A row of the outbox, its payload as 32 hexadecimal digits. */
export interface ToldEvent {
  readonly xid: string;
  readonly id: string;
  readonly aggregatetype: string;
  readonly aggregateid: string;
  readonly version: string;
  readonly type: string;
  readonly typeversion: number;
  readonly md5: string;
}

/** The payload's hash is that of the very bytes that have to be published. */
export const toldSql = `select xid::text as xid, id::text as id, aggregatetype, aggregateid, aggregateversion::text as version,
  type, typeversion, md5(payload::text) as md5 from outbox`;

const factOf = (source: string, words: readonly (string | number)[]): string => [source, ...words].join(' ');

/** By xid: each event once, with its key, header and value; and an END that counts them. */
export function owedBy(told: Iterable<ToldEvent>): Map<number, Map<string, number>> {
  const owed = new Map<number, Map<string, number>>();
  const events = new Map<number, number>();
  for (const { xid: text, id, aggregatetype, aggregateid, version, type, typeversion, md5 } of told) {
    const xid = Number(text);
    const facts = owed.get(xid) ?? new Map<string, number>();
    owed.set(xid, facts);
    const fact = factOf(aggregatetype, [aggregateid, version, type, typeversion, id, md5]);
    facts.set(fact, (facts.get(fact) ?? 0) + 1);
    events.set(xid, (events.get(xid) ?? 0) + 1);
  }
  for (const [xid, facts] of owed) facts.set(factOf('end', [events.get(xid) ?? 0]), 1);
  return owed;
}

/** Reads a record; undefined when it is none that an event could have caused. */
export function read(source: Source, { key, value, headers }: PrintedRecord): Reading | undefined {
  if (source === 'end') {
    const { domain_event_count: count } = JSON.parse(value) as { domain_event_count?: number };
    return count === undefined ? undefined : { fact: factOf('end', [count]) };
  }
  const header = headersOf(headers);
  const [id, type, typeversion, version] = ['id', 'eventType', 'eventVersion', 'aggregateVersion'].map(
    (name) => header.get(name),
  );
  if (!id || !type || !typeversion || !version) return undefined;
  const md5 = createHash('md5').update(value).digest('hex');
  return {
    fact: factOf(source, [key, version, type, typeversion, id, md5]),
    order: { key: `${source} ${key}`, version: Number(version) },
  };
}

/** As the console consumer prints them; none of ours holds a comma. */
function headersOf(printed: string): ReadonlyMap<string, string> {
  return new Map(
    printed.split(',').map((header) => {
      const colon = header.indexOf(':');
      return [header.slice(0, colon), header.slice(colon + 1)];
    }),
  );
}
