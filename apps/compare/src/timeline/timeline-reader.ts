/** Reads what the engine has kept for the timeline, over connections of its own: each question goes through an index. */
import type { Position, TimelineFilter } from '@diptych/compare/console-api';
import { fromSortable, sortable } from '@diptych/compare/position';
import type { Shape } from '@diptych/compare/shape';
import type { StoredItem } from '@diptych/compare/timeline-item';
import type { Sides } from '@diptych/compare/tracked-aggregate';
import type { Pool, QueryResultRow } from 'pg';
import { databaseAway, isWithoutTables } from '../database-away.ts';
import { aggregatePrefix, kindPrefix, type Label, labelText, lastPart } from './timeline-labels.ts';

/** A transaction as it is kept. */
export interface KeptTransaction {
  readonly item: StoredItem;
  readonly silent: Shape | null;
}

/** Before, or behind, a position, without it; null is the end of that side. */
export interface Range {
  readonly direction: 'older' | 'newer';
  readonly from: Position | null;
  readonly limit: number;
}

/** What is shown; `differences` are the positions of drift, beside transactions without an event. */
export interface Wanted extends Pick<TimelineFilter, 'aggregate' | 'table' | 'type'> {
  readonly differences: readonly Position[] | null;
}

export interface KeptMoment extends KeptTransaction {
  /** null where no mapping tells of the aggregate. */
  readonly sides: Sides | null;
}

const countAgeMsMax = 5000;

/** Throws OperatingError `comparison-database-away`. */
export class TimelineReader {
  readonly #pool: Pool;
  readonly #name: string;
  #counted = { count: 0, atMs: Number.NEGATIVE_INFINITY };

  constructor({ pool, name }: { pool: Pool; name: string }) {
    this.#pool = pool;
    this.#name = name;
  }

  /** In the range's direction: the nearest first. */
  async page(wanted: Wanted, range: Range): Promise<KeptTransaction[]> {
    const { sql, values } = positionsSql(wanted, { ...range, name: this.#name });
    const { rows } = await this.#query<{ item: string; silent: string | null }>(
      `select t.item, t.silent from (${sql}) found join diptych_timeline t
         on t.name = $1 and t.position = found.position order by t.position ${orderOf(range)}`,
      values,
    );
    return rows.map(keptOf);
  }

  /** null when it is not kept. */
  async one(position: Position): Promise<KeptTransaction | null> {
    const { rows } = await this.#query<{ item: string; silent: string | null }>(
      'select item, silent from diptych_timeline where name = $1 and position = $2',
      [this.#name, sortable(position)],
    );
    return rows[0] === undefined ? null : keptOf(rows[0]);
  }

  /** The newest transaction of the xid, not behind `upTo`: xids come again after 2^32. */
  async byXid(xid: number, upTo: Position | null): Promise<Position | null> {
    return await this.#position(
      'name = $1 and xid = $2 and ($3::text is null or position <= $3) order by position desc',
      [xid, upTo === null ? null : sortable(upTo)],
    );
  }

  async byTime(time: string): Promise<Position | null> {
    return await this.#position('name = $1 and commit_time <= $2 order by commit_time desc, position desc', [
      time,
    ]);
  }

  /** The last one not behind it. */
  async upTo(position: Position): Promise<Position | null> {
    return await this.#position('name = $1 and position <= $2 order by position desc', [sortable(position)]);
  }

  /** How many are kept, and from where to where. */
  async extent(): Promise<{ count: number; oldest: Position | null; newest: Position | null }> {
    const { rows } = await this.#query<{ oldest: string | null; newest: string | null }>(
      'select min(position) as oldest, max(position) as newest from diptych_timeline where name = $1',
      [this.#name],
    );
    const { oldest = null, newest = null } = rows[0] ?? {};
    const position = (text: string | null) => (text === null ? null : fromSortable(text));
    return { count: await this.#count(), oldest: position(oldest), newest: position(newest) };
  }

  /** Counting reads all of an index: seldom. */
  async #count(): Promise<number> {
    const now = performance.now();
    if (now - this.#counted.atMs > countAgeMsMax) {
      const { rows } = await this.#query<{ count: string }>(
        'select count(*) as count from diptych_timeline where name = $1',
        [this.#name],
      );
      this.#counted = { count: Number(rows[0]?.count ?? 0), atMs: now };
    }
    return this.#counted.count;
  }

  /** What there is of a kind of label: its last parts, sorted. */
  async known(tag: Label['tag'], countMax: number): Promise<string[]> {
    return await this.#labels(kindPrefix(tag), { after: '', countMax });
  }

  /** Ids of aggregates that begin so. */
  async aggregates({
    aggregateType,
    prefix,
    countMax,
  }: {
    aggregateType: string;
    prefix: string;
    countMax: number;
  }): Promise<string[]> {
    return await this.#labels(aggregatePrefix(aggregateType, prefix), { after: '', countMax });
  }

  /** The newest moments of an aggregate before a position, newest first. */
  async moments(
    name: { readonly aggregateType: string; readonly id: string },
    { before, limit }: { before: Position | null; limit: number },
  ): Promise<KeptMoment[]> {
    const { rows } = await this.#query<{ item: string; silent: string | null; facts: string | null }>(
      `select t.item, t.silent, l.facts from diptych_timeline_labels l
         join diptych_timeline t on t.name = l.name and t.position = l.position
       where l.name = $1 and l.label = $2 and ($3::text is null or l.position < $3)
       order by l.position desc limit $4`,
      [
        this.#name,
        labelText({ tag: 'aggregate', ...name }),
        before === null ? null : sortable(before),
        limit,
      ],
    );
    return rows.map((row) => ({
      ...keptOf(row),
      sides: row.facts === null ? null : (JSON.parse(row.facts) as Sides),
    }));
  }

  /** A skip scan: each different label costs one look into the index, however many transactions have it. */
  async #labels(prefix: string, { after, countMax }: { after: string; countMax: number }): Promise<string[]> {
    const { rows } = await this.#query<{ label: string }>(
      `with recursive known (label, place) as (
         (select label, 1 from diptych_timeline_labels
           where name = $1 and label > $3 and label >= $2 and label < $2 || chr(1114111) order by label limit 1)
         union all
         select (select l.label from diptych_timeline_labels l
           where l.name = $1 and l.label > known.label and l.label < $2 || chr(1114111) order by l.label limit 1), place + 1
         from known where known.label is not null and place < $4
       ) select label from known where label is not null limit $4`,
      [this.#name, prefix, after, countMax],
    );
    return rows.map(({ label }) => lastPart(label));
  }

  async #query<Row extends QueryResultRow>(text: string, values: unknown[]): Promise<{ rows: Row[] }> {
    try {
      return await this.#pool.query<Row>(text, values);
    } catch (cause) {
      // Nothing is kept yet.
      if (isWithoutTables(cause)) return { rows: [] };
      throw databaseAway(cause);
    }
  }

  async #position(where: string, values: readonly unknown[]): Promise<Position | null> {
    const { rows } = await this.#query<{ position: string }>(
      `select position from diptych_timeline where ${where} limit 1`,
      [this.#name, ...values],
    );
    return rows[0] === undefined ? null : fromSortable(rows[0].position);
  }
}

const orderOf = ({ direction }: Pick<Range, 'direction'>): string => (direction === 'older' ? 'desc' : 'asc');

/** `position`s, the nearest first. The rarest label leads, the others are looked up for each of its positions. */
function positionsSql(
  { aggregate, table, type, differences }: Wanted,
  { name, direction, from, limit }: Range & { name: string },
): { sql: string; values: unknown[] } {
  const values: unknown[] = [name, limit];
  const value = (one: unknown): string => `$${values.push(one)}`;
  const order = orderOf({ direction });
  const bound = from === null ? null : value(sortable(from));
  const within = (column: string): string =>
    bound === null ? '' : ` and ${column} ${direction === 'older' ? '<' : '>'} ${bound}`;
  const labels: string[] = [];
  if (aggregate !== undefined) labels.push(value(labelText({ tag: 'aggregate', ...aggregateOf(aggregate) })));
  if (type !== undefined) labels.push(value(labelText({ tag: 'type', type })));
  if (table !== undefined) labels.push(value(labelText({ tag: 'table', table })));
  const having = (column: string, others: readonly string[]): string =>
    others
      .map(
        (label) =>
          ` and exists (select 1 from diptych_timeline_labels o where o.name = $1 and o.label = ${label} and o.position = ${column}${within('o.position')})`,
      )
      .join('');
  const led = (label: string, others: readonly string[]): string =>
    `select l.position from diptych_timeline_labels l where l.name = $1 and l.label = ${label}${within('l.position')}${having('l.position', others)} order by l.position ${order} limit $2`;
  if (differences !== null) {
    const silent = led(value(labelText({ tag: 'silent' })), labels);
    const drifts = `select p.position collate "C" from unnest(${value(differences.map(sortable))}::text[]) p (position) where true${within('p.position collate "C"')}${having('p.position', labels)}`;
    return {
      sql: `select position from ((${silent}) union (${drifts})) both_of_them order by position ${order} limit $2`,
      values,
    };
  }
  const [first, ...others] = labels;
  if (first !== undefined) return { sql: led(first, others), values };
  return {
    sql: `select position from diptych_timeline where name = $1${within('position')} order by position ${order} limit $2`,
    values,
  };
}

/** `cart:101`; an id may hold colons, an aggregate type does not. */
export function aggregateOf(text: string): { aggregateType: string; id: string } {
  const [aggregateType = '', ...id] = text.split(':');
  return { aggregateType, id: id.join(':') };
}

function keptOf({ item, silent }: { item: string; silent: string | null }): KeptTransaction {
  return {
    item: JSON.parse(item) as StoredItem,
    silent: silent === null ? null : (JSON.parse(silent) as Shape),
  };
}
