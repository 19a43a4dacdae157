/** What can be set of an outbox: the options of Debezium's Outbox Event Router, under names of our own. */
import type { TopicRoute } from './topic-route.ts';

export interface RouterOptions {
  readonly columns: {
    readonly id: string;
    readonly key: string;
    readonly type: string;
    readonly payload: string;
    /** Of `timestamp` or `timestamptz`: it becomes the record's timestamp. Null: the commit time. */
    readonly timestamp: string | null;
  };
  /** The column whose value `topic` makes a topic of. */
  readonly routeBy: string;
  readonly topic: TopicRoute;
  readonly placements: readonly Placement[];
  /** A placed column that the table lacks makes its rows malformed, or is left out. */
  readonly missingColumns: 'error' | 'ignore';
  /** Null: the payload's bytes as they are. `ignore` leaves members of objects out that are null. */
  readonly expandJson: null | { readonly nulls: 'ignore' | 'keep' };
  /** A payload that is null, empty or blank is a null value, also where there is an envelope. */
  readonly tombstoneOnEmpty: boolean;
  /** What an UPDATE of an outbox row is: no event in any case. */
  readonly onUpdate: 'warn' | 'error' | 'fatal';
  /** Which members of the column `headers` become headers of the record. */
  readonly headers: readonly string[];
}

/** A further column, and where it goes. */
export interface Placement {
  readonly column: string;
  readonly to: 'header' | 'envelope' | 'partition';
  /** The header's or the member's name. */
  readonly alias: string;
}

export const topicPrefixDefault = 'outbox.event.';

/** How an outbox is routed when nothing is set. */
export function defaultRouting(topicPrefix: string = topicPrefixDefault): RouterOptions {
  return {
    columns: { id: 'id', key: 'aggregateid', type: 'type', payload: 'payload', timestamp: null },
    routeBy: 'aggregatetype',
    topic: (value) => topicPrefix + value,
    placements: [],
    missingColumns: 'error',
    expandJson: null,
    tombstoneOnEmpty: false,
    onUpdate: 'warn',
    headers: ['traceparent'],
  };
}

/** A header by which the relay itself is understood. */
const isReserved = (name: string): boolean => name.startsWith('diptych-');

/**
 * Reads `column:placement[:alias]`, more of them separated by commas. Throws SyntaxError that names the part that is wrong.
 */
export function parsePlacements(text: string): Placement[] {
  const placements = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parsePlacement);
  const twice = placements.find(({ to, alias }, index) =>
    placements.some(
      (other, at) => at < index && other.to === to && (to === 'partition' || other.alias === alias),
    ),
  );
  if (twice) throw new SyntaxError(`${twice.column}: there are two for ${twice.to} ${twice.alias}`);
  return placements;
}

function parsePlacement(part: string): Placement {
  const [column = '', to = '', alias = column, ...more] = part.split(':').map((word) => word.trim());
  if (column === '' || alias === '' || more.length > 0) {
    throw new SyntaxError(`"${part}" is not column:placement or column:placement:alias`);
  }
  if (to !== 'header' && to !== 'envelope' && to !== 'partition') {
    throw new SyntaxError(`"${part}": a column is placed in header, envelope or partition`);
  }
  if (to === 'header' && isReserved(alias)) {
    throw new SyntaxError(`"${part}": headers that begin with diptych- are the relay's own`);
  }
  if (to === 'envelope' && alias === 'payload')
    throw new SyntaxError(`"${part}": payload has its place already`);
  return { column, to, alias };
}

/**
 * Who has a topic of domain events: the aggregate type where the topic is named by the prefix, else the topic as the
 * router gave it. Two values that are routed to one topic share it; two topics that only look alike to Kafka do not.
 */
export function topicSource(topic: string, topicPrefix: string): string {
  return topic.startsWith(topicPrefix)
    ? `aggregate type ${JSON.stringify(topic.slice(topicPrefix.length))}`
    : `outbox topic ${JSON.stringify(topic)}`;
}
