/** Where the columns of one outbox table stand, and what becomes of each: compiled once for each description of the table. */
import type { Column, Relation } from '@diptych/pgoutput/relation';
import type { RouterOptions } from './router-options.ts';

/** -1 for an optional column that the table does not have. */
export interface RoutePlan {
  readonly id: number;
  readonly route: number;
  readonly key: number;
  readonly type: number;
  readonly payload: number;
  readonly typeVersion: number;
  readonly aggregateVersion: number;
  readonly headers: number;
  readonly timestamp: number;
  /** -1: by the key. */
  readonly partition: number;
  readonly placedHeaders: readonly Placed[];
  /** The router's own headers, without and with `eventVersion`, and of each without and with `aggregateVersion`. */
  readonly plainHeaders: readonly [PlainHeaders, PlainHeaders];
  /** Null: the value is the payload. */
  readonly envelope: readonly Placed[] | null;
  /** Whether a header of the router's own has the name of a placed one, which takes its place. */
  readonly isReplaced: (name: string) => boolean;
}

/** A header that is the text of a column. */
export interface PlainHeader {
  /** As it is sent. */
  readonly name: Buffer;
  readonly column: number;
}

/** Without and with `aggregateVersion`. */
type PlainHeaders = readonly [readonly PlainHeader[], readonly PlainHeader[]];

/** A column's type in Postgres. */
export type ColumnType = Pick<Column, 'typeOid' | 'typeModifier'>;

export interface Placed {
  readonly column: number;
  readonly type: ColumnType;
  readonly alias: string;
}

/** `timestamp` and `timestamptz`. */
const timeTypes: ReadonlySet<number> = new Set([1114, 1184]);

/** `refuse` throws: `column` is missing, or is not what it must be. */
export function routePlan(
  { columns }: Relation,
  options: RouterOptions,
  refuse: (column: string, what: string) => never,
): RoutePlan {
  const place = (name: string) => columns.findIndex((column) => column.name === name);
  const needed = (name: string) => {
    const index = place(name);
    return index >= 0 ? index : refuse(name, 'is missing');
  };
  const placed = (to: 'header' | 'envelope' | 'partition'): Placed[] =>
    options.placements
      .filter((placement) => placement.to === to)
      .flatMap(({ column: name, alias }) => {
        const column = options.missingColumns === 'error' ? needed(name) : place(name);
        const type = columns[column];
        return type ? [{ column, alias, type }] : [];
      });
  const placedHeaders = placed('header');
  const aliases = new Set(placedHeaders.map(({ alias }) => alias));
  const hasEnvelope = options.placements.some(({ to }) => to === 'envelope');
  const { id, key, type, payload, timestamp } = options.columns;
  const time = timestamp === null ? -1 : needed(timestamp);
  if (timestamp !== null && !timeTypes.has(columns[time]?.typeOid ?? 0)) {
    refuse(timestamp, 'is of neither timestamp nor timestamptz');
  }
  const own = {
    id: needed(id),
    route: needed(options.routeBy),
    key: needed(key),
    type: needed(type),
    payload: needed(payload),
    typeVersion: place('typeversion'),
    aggregateVersion: place('aggregateversion'),
  };
  return {
    ...own,
    plainHeaders: plainHeadersOf(own),
    headers: place('headers'),
    timestamp: time,
    partition: placed('partition')[0]?.column ?? -1,
    placedHeaders,
    envelope: hasEnvelope ? placed('envelope') : null,
    isReplaced: (name) => aliases.has(name),
  };
}

function plainHeadersOf({
  id,
  type,
  typeVersion,
  aggregateVersion,
}: Pick<RoutePlan, 'id' | 'type' | 'typeVersion' | 'aggregateVersion'>): RoutePlan['plainHeaders'] {
  const header = (name: string, column: number): PlainHeader => ({ name: Buffer.from(name), column });
  const headers = [header('id', id), header('eventType', type)];
  const ofAggregate = header('aggregateVersion', aggregateVersion);
  const versioned = [...headers, header('eventVersion', typeVersion)];
  return [
    [headers, [...headers, ofAggregate]],
    [versioned, [...versioned, ofAggregate]],
  ];
}
